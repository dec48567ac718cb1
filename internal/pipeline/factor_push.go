package pipeline

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// InboxPath is the page on which the development inbox plays a device.
const InboxPath = "u/inbox-device"

// AskDevice has a notification sent to a person's device, for what of is; see [mfa.AskDevice]. It is in the tenant's log.
func (p *Pipeline) AskDevice(ctx context.Context, v Visit, u *stagedoor.User, client *stagedoor.Client, of, mfaToken string, m *stagedoor.AuthenticationMethod, again bool) error {
	if mfaToken != "" {
		mfaToken = jose.HashToken(mfaToken)
	}
	return mfa.AskDevice(ctx, v.Store, of, u.ID, m, mfaToken, again, func(token, challenge string, c *stagedoor.PushChallenge) error {
		e := stagedoor.LogEvent{Type: "gd_send_pn", UserID: u.ID, UserName: u.Shown(), Connection: u.Connection}
		about := map[string]any{"ip": v.IP, "user_agent": stagedoor.Clip(v.UserAgent, 500), "language": v.Language}
		if client != nil {
			e.ClientID, e.ClientName = client.ID, client.Name
			about["client_id"], about["client_name"] = client.ID, client.Name
		}
		err := p.notify(ctx, v, m, token, mfa.Notification(c, m, v.Hostname, token, challenge, about))
		if err != nil {
			e.Type, e.Description = "gd_send_pn_failure", "The notification could not be sent."
		}
		v.Log(e)
		return err
	})
}

// notify hands a notification on: to the development inbox if that plays the device, else to the tenant's sender, else, where there is none, to the
// inbox, for whoever writes an app.
func (p *Pipeline) notify(ctx context.Context, v Visit, m *stagedoor.AuthenticationMethod, token string, n map[string]any) error {
	inbox := v.Store.Tenant().Settings.Local.DevelopmentInbox
	if m.Push == nil || m.Push.Service == stagedoor.ServiceInbox && !inbox {
		return stagedoor.Errorf(stagedoor.Invalid, "push_unsent", "There is nobody who brings notifications to the device.")
	}
	if m.Push.Service == stagedoor.ServiceInbox {
		return v.toInbox(ctx, m.Push.Name, "Somebody logs in as you. Approve or deny it: "+v.Issuer+InboxPath+"?token="+token)
	}
	sender, err := mfa.PushSenderOf(ctx, v.Store)
	if err != nil {
		return err
	}
	n["tenant"], n["issuer"] = v.Store.Tenant().ID, v.Issuer
	body, err := json.Marshal(n)
	switch {
	case err != nil:
		return err
	case sender.URL != "":
		return mail.PushWebhook{URL: sender.URL, Secret: sender.Secret, HTTP: p.HTTP}.Send(ctx, body, v.Store.Clock().Now())
	case inbox:
		return v.toInbox(ctx, m.Push.Name, string(body))
	}
	return stagedoor.Errorf(stagedoor.Invalid, "push_unsent", "The tenant has no sender of notifications.")
}

func (v Visit) toInbox(ctx context.Context, to, text string) error {
	return v.Store.SaveMail(ctx, &stagedoor.Mail{To: to, Text: text, Kind: stagedoor.KindPhone, SentAt: v.Store.Clock().Now()})
}

// BeginPush is what a page shows, or a program gets, to set up a person's device: what an app reads from a QR code. The development inbox can play the device.
func (p *Pipeline) BeginPush(ctx context.Context, v Visit, e mfa.Enrollment, u *stagedoor.User, mfaToken string, until time.Time) (uri string, err error) {
	ticket, fresh, err := e.BeginDevice(ctx, mfaToken, until)
	if err != nil {
		return "", err
	}
	if fresh && v.Store.Tenant().Settings.Local.DevelopmentInbox {
		if err := v.toInbox(ctx, u.Shown(), "Set up this inbox as your device: "+v.Issuer+InboxPath+"?token="+ticket); err != nil {
			return "", err
		}
	}
	return mfa.DeviceURI(v.Issuer, tenantName(v.Store), u.Shown(), ticket), nil
}

func tenantName(st *store.Store) string {
	if t := st.Tenant(); t.Settings.FriendlyName != "" {
		return t.Settings.FriendlyName
	}
	return st.Tenant().ID
}

// FactorChanged tells a person what has changed about their second factors, so that who did not do it notices; see [Pipeline.TellFactor].
func (p *Pipeline) FactorChanged(ctx context.Context, v Visit, userID, change string) {
	if p == nil || p.TellFactor == nil || v.Store.Tenant().Settings.Local.NoFactorMails {
		return
	}
	if u, err := v.Store.User(context.WithoutCancel(ctx), userID); err == nil && u.Email != "" {
		p.TellFactor(ctx, v, u, change)
	}
}

// loginPush is what a question belongs to that is asked in a login.
func loginPush(tx *stagedoor.Transaction) string { return "login/" + tx.ID }

// ChallengeDevice sees to it that the device of who is asked on the page of a login is asked, and returns what it is called.
func (p *Pipeline) ChallengeDevice(ctx context.Context, v Visit, tx *stagedoor.Transaction, client *stagedoor.Client, again bool) (name string, err error) {
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return "", err
	}
	m, err := mfa.Device(ctx, v.Store, u.ID)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(m.Name), p.AskDevice(ctx, v, u, client, loginPush(tx), "", m, again)
}

// DeviceAnswered tells whether the device that is asked on the page of a login, or set up on it, has answered.
func (p *Pipeline) DeviceAnswered(ctx context.Context, v Visit, tx *stagedoor.Transaction) (bool, error) {
	of := loginPush(tx)
	if tx.Step == AskEnroll {
		of = mfa.DeviceKey(p.enrollment(v, tx).Key)
	}
	c, err := v.Store.Push(ctx, of)
	if stagedoor.IsKind(err, stagedoor.NotFound) { // too long ago: the page says so
		return true, nil
	}
	return err == nil && c.State != stagedoor.PushPending, err
}

// GiveDevice goes on with a login that the person's device has approved; see [mfa.CheckDevice].
func (p *Pipeline) GiveDevice(ctx context.Context, v Visit, tx *stagedoor.Transaction, remember bool) (*Given, error) {
	choice, err := p.FactorChoice(ctx, v, tx)
	if err == nil && !choice.Has(mfa.Push) {
		err = lost()
	}
	if err != nil {
		return nil, err
	}
	if err := mfa.CheckDevice(ctx, v.Store, tx.UserID, loginPush(tx)); err != nil {
		return nil, err
	}
	p.logFactor(ctx, v, tx, factorLogs["otp"], nil)
	return p.gaveRemembered(ctx, v, tx, mfa.Push, remember && choice.Offered)
}

// DeviceEnrollment is what the page of a login shows to set up a device.
func (p *Pipeline) DeviceEnrollment(ctx context.Context, v Visit, tx *stagedoor.Transaction) (uri string, err error) {
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return "", err
	}
	return p.BeginPush(ctx, v, p.enrollment(v, tx), u, "", tx.ExpiresAt)
}

// EnrollDevice goes on with a login in which an app has set up its device.
func (p *Pipeline) EnrollDevice(ctx context.Context, v Visit, tx *stagedoor.Transaction) (*Given, error) {
	choice, err := p.FactorChoice(ctx, v, tx)
	if err == nil && !choice.Has(mfa.Push) {
		err = lost()
	}
	if err != nil {
		return nil, err
	}
	recovery, err := p.enrollment(v, tx).ConfirmDevice(ctx)
	if mfa.IsPending(err) {
		return nil, err
	}
	return p.enrolled(ctx, v, tx, mfa.Push, recovery, err)
}
