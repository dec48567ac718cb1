package oauth

import (
	"context"
	"crypto/rand"
	"math/big"
	"net/http"
	"net/url"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// The device authorization grant (RFC 8628; Authentication API fact sheets 4.8 and 6.10).
const (
	grantDevice    = "urn:ietf:params:oauth:grant-type:device_code"
	deviceLife     = 15 * time.Minute
	deviceInterval = 5 * time.Second
)

// deviceCode gives a device a code to wait with, and another one for its person to enter elsewhere.
func (d *Door) deviceCode(w http.ResponseWriter, r *http.Request, st *store.Store) {
	event := web.LogEvent(r, stagedoor.LogEvent{Type: "fdeaz"})
	params, err := readParams(w, r)
	var out map[string]any
	if err == nil {
		out, err = d.deviceCodes(r, st, params, &event)
	}
	if err != nil {
		logToken(st, &event, err)
		refuse(w, r, st, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

func (d *Door) deviceCodes(r *http.Request, st *store.Store, params map[string]string, event *stagedoor.LogEvent) (map[string]any, error) {
	ctx := r.Context()
	client, asked, err := waiting(r, st, params, grantDevice, event)
	if err != nil {
		return nil, err
	}
	details, err := authorizationDetails(ctx, st, client, asked.api, params["authorization_details"])
	if err != nil {
		return nil, err
	}
	if err := d.begins(r, st, client, guard.Devices); err != nil {
		return nil, err
	}
	code := &stagedoor.DeviceCode{
		ClientID: client.ID, Audience: asked.audience, Scope: asked.scope, Details: details, Organization: asked.organization, ExpiresAt: st.Clock().Now().Add(deviceLife),
	}
	device := stagedoor.NewToken()
	for try := 0; ; try++ {
		shown, err := userCode(st.Tenant().Settings.DeviceFlow())
		if err != nil {
			return nil, err
		}
		err = st.CreateDeviceCode(ctx, device, stagedoor.UserCode(shown), code)
		if stagedoor.IsKind(err, stagedoor.Conflict) && try < 5 {
			continue
		}
		if err != nil {
			return nil, err
		}
		at := web.Issuer(r) + "activate"
		return map[string]any{
			"device_code": device, "user_code": shown, "verification_uri": at, "verification_uri_complete": at + "?user_code=" + url.QueryEscape(shown),
			"expires_in": int(deviceLife.Seconds()), "interval": int(deviceInterval.Seconds()),
		}, nil
	}
}

// waiting reads the request of a client that is about to wait for a person elsewhere: who it is, and what it asks for. event learns of it.
func waiting(r *http.Request, st *store.Store, params map[string]string, grant string, event *stagedoor.LogEvent) (*stagedoor.Client, wanted, error) {
	event.ClientID, event.Audience = params["client_id"], params["audience"]
	client, err := authenticateClient(r.Context(), r, st, params)
	if err != nil {
		return nil, wanted{}, err
	}
	event.ClientID, event.ClientName = client.ID, client.Name
	if !client.Allows(grant) || !client.OIDCConformant || grant == grantCIBA && client.Public() {
		return nil, wanted{}, errGrant(grant)
	}
	if err := nameAPI(r.Context(), st, params); err != nil {
		return nil, wanted{}, err
	}
	event.Audience = params["audience"]
	asked, err := askedFor(r.Context(), st, client, params, nil)
	if err != nil {
		return nil, wanted{}, err
	}
	asked.organization, err = waitsFor(r.Context(), st, client, params["organization"])
	event.OrgID = asked.organization
	return client, asked, err
}

// charsets are the characters of user codes: letters that make no words and are not taken for others (RFC 8628 section 6.1), or digits.
var charsets = map[string]string{"base20": "BCDFGHJKLMNPQRSTVWXZ", "digits": "0123456789"}

// userCode draws a user code, as it is shown.
func userCode(f stagedoor.DeviceFlow) (shown string, err error) {
	from := charsets[f.Charset]
	for _, c := range f.Mask {
		if c == '*' {
			n, err := rand.Int(rand.Reader, big.NewInt(int64(len(from))))
			if err != nil {
				return "", err
			}
			c = rune(from[n.Int64()])
		}
		shown += string(c)
	}
	return shown, nil
}

// redeemDevice answers a device that asks whether its person has signed in.
func redeemDevice(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	if t.params["device_code"] == "" {
		return nil, missing("device_code")
	}
	p, err := t.st.PollDevice(ctx, t.params["device_code"], t.client.ID, deviceInterval)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && p.Device.Approval != nil:
		return nil, invalidGrant("Invalid or expired device code.")
	case err != nil:
		return nil, err
	case p.Expired:
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "expired_token", "The device code is expired. Please start the device activation again.")
	case p.TooFast:
		return nil, stagedoor.Errorf(stagedoor.TooMany, "slow_down", "You are polling faster than the specified interval of %d seconds.", int(deviceInterval.Seconds()))
	case p.Pending:
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "authorization_pending", "User has yet to authorize device code.")
	case p.Device.Authorization == nil:
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "%s", p.Device.Denied)
	}
	if err := t.targeted("device code", p.Device.Authorization.Audience); err != nil {
		return nil, err
	}
	user, err := t.person(ctx, p.Device.Authorization)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, invalidGrant("Invalid or expired device code.")
	}
	if err != nil {
		return nil, err
	}
	if err := t.stillGranted(ctx, p.Device.Authorization, p.Device.Scope); err != nil {
		return nil, err
	}
	return t.issue(ctx, user, p.Device.Authorization, stagedoor.NewToken())
}

// grantDevice ends a login that a device asked for: the device gets the tokens when it asks next, and they do not end with the session of the
// browser, which is another one's.
func (d *Door) grantDevice(w http.ResponseWriter, r *http.Request, st *store.Store, out *pipeline.Outcome) {
	device, err := st.Device(r.Context(), out.Request.Device)
	if err == nil {
		device.Authorization = out.Result
		device.Authorization.SessionID = ""
		err = st.DecideDevice(r.Context(), device)
	}
	if err != nil {
		page.Fail(w, r, st, deviceGone(err), out.Client)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	done := "/device/success"
	if device.Approval != nil {
		done = "/u/approve/done"
	}
	http.Redirect(w, r, done, http.StatusSeeOther)
}

// refuseDevice ends a login that a device asked for without tokens, and tells the person why.
func refuseDevice(w http.ResponseWriter, r *http.Request, st *store.Store, req *stagedoor.AuthorizationRequest, why error) {
	client, err := st.Client(r.Context(), req.ClientID)
	if err != nil {
		client = nil
	}
	e := stagedoor.AsError(why)
	if e.Kind != stagedoor.Internal {
		event := web.LogEvent(r, stagedoor.LogEvent{Type: "fdeac", ClientID: req.ClientID, Audience: req.Audience})
		logToken(st, &event, why)
		device, err := st.Device(r.Context(), req.Device)
		if err == nil {
			device.Denied = e.Message
			err = st.DecideDevice(r.Context(), device)
		}
		if err != nil {
			why = deviceGone(err)
		}
	}
	page.Fail(w, r, st, why, client)
}

func deviceGone(err error) error {
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return stagedoor.Errorf(stagedoor.Invalid, "expired_token", "The device waits no longer. Please start again on the device.")
	}
	return err
}
