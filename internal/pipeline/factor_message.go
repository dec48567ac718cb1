package pipeline

import (
	"context"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/mfa"
)

// FactorMail is a mail with a code of a second factor.
type FactorMail struct {
	To, Code string
	Life     time.Duration
	User     *stagedoor.User
	Client   *stagedoor.Client // nil if unknown
}

// SendFactorCode has a code of a second factor sent, for what of is, and returns what is on its way; see [mfa.SendCode]. It is in the tenant's log.
func (p *Pipeline) SendFactorCode(ctx context.Context, v Visit, u *stagedoor.User, client *stagedoor.Client, of string, c mfa.SentCode, again bool) (mfa.SentCode, error) {
	return mfa.SendCode(ctx, v.Store, u.ID, of, c, again, func(code string, life time.Duration) error {
		e := stagedoor.LogEvent{Type: "gd_send_email", UserID: u.ID, UserName: u.Shown(), Connection: u.Connection}
		if client != nil {
			e.ClientID, e.ClientName = client.ID, client.Name
		}
		var err error
		if c.Kind == mfa.Email {
			if p.MailFactorCode != nil {
				err = p.MailFactorCode(ctx, v, FactorMail{To: c.To, Code: code, Life: life, User: u, Client: client})
			}
		} else {
			e.Type = "gd_send_sms"
			m := PhoneMessage{Kind: "otp_verify", To: c.To, Code: code, Method: "text", Locale: v.Language, User: u, Client: client}
			if c.Enroll {
				m.Kind = "otp_enroll"
			}
			if c.Channel == "voice" {
				e.Type, m.Method = "gd_send_voice", "voice"
			}
			err = p.SendText(ctx, v, m, nil)
		}
		if err != nil {
			e.Type, e.Description = e.Type+"_failure", "The code could not be sent."
		}
		v.Log(e)
		return err
	})
}

// ChallengeCode sees to it that a code is on its way to who is asked for one on the page of a login, and returns it.
func (p *Pipeline) ChallengeCode(ctx context.Context, v Visit, tx *stagedoor.Transaction, client *stagedoor.Client, kind string, again bool) (c mfa.SentCode, err error) {
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return c, err
	}
	if d := demand(tx); d != nil && d.Own {
		c, err = mfa.OwnAddress(u)
	} else {
		c, err = mfa.Target(ctx, v.Store, u, kind)
	}
	if err != nil {
		return c, err
	}
	return p.SendFactorCode(ctx, v, u, client, "login/"+tx.ID, c, again)
}

// GiveSentCode takes a code that was sent on the page of a login.
func (p *Pipeline) GiveSentCode(ctx context.Context, v Visit, id, nonce, kind, code string, remember bool) (*Given, error) {
	tx, choice, err := p.choosing(ctx, v, id, AskFactor, nonce, kind)
	if err != nil {
		return nil, err
	}
	_, err = mfa.CheckCode(ctx, v.Store, tx.UserID, "login/"+tx.ID, kind, code)
	p.logFactor(ctx, v, tx, factorLogs["otp"], err)
	if err != nil {
		return nil, err
	}
	return p.gaveRemembered(ctx, v, tx, kind, remember && choice.Offered)
}

// EnrollAddress has a code sent to the address or the number that a person wants to get codes at.
func (p *Pipeline) EnrollAddress(ctx context.Context, v Visit, tx *stagedoor.Transaction, client *stagedoor.Client, kind, to string, again bool) (mfa.SentCode, error) {
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return mfa.SentCode{}, err
	}
	return p.EnrollCode(ctx, v, u, client, p.enrollment(v, tx).Key, kind, "", to, again)
}

// EnrollCode has a code sent to a new address or number, by which it becomes the person's.
func (p *Pipeline) EnrollCode(ctx context.Context, v Visit, u *stagedoor.User, client *stagedoor.Client, of, kind, channel, to string, again bool) (mfa.SentCode, error) {
	c, err := NewTarget(kind, channel, to)
	if err != nil {
		return c, err
	}
	return p.SendFactorCode(ctx, v, u, client, of, c, again)
}

// SentTo is the code of a kind that was sent to make an address or a number the person's in a login; see [mfa.SentTo].
func (p *Pipeline) SentTo(ctx context.Context, v Visit, tx *stagedoor.Transaction, kind string) (mfa.SentCode, error) {
	return mfa.SentTo(ctx, v.Store, p.enrollment(v, tx).Key, kind)
}

// NewTarget is an address or a number that is to become somebody's, in the form in which it is kept.
func NewTarget(kind, channel, to string) (mfa.SentCode, error) {
	c := mfa.SentCode{Kind: kind, Channel: "email", Enroll: true}
	var err error
	if kind == mfa.Phone {
		if c.Channel = channel; channel != "voice" {
			c.Channel = "sms"
		}
		c.To, err = connection.NormalizePhone(strings.TrimSpace(to))
	} else {
		c.To, err = connection.NormalizeEmail(to)
	}
	if err == nil && c.To == "" {
		err = stagedoor.Errorf(stagedoor.Invalid, "invalid_email", "The address is missing.")
	}
	return c, err
}

// EnrollSentCode takes the code that was sent to the new address or number, which is the person's second factor at once.
func (p *Pipeline) EnrollSentCode(ctx context.Context, v Visit, id, nonce, kind, code string) (*Given, error) {
	tx, _, err := p.choosing(ctx, v, id, AskEnroll, nonce, kind)
	if err != nil {
		return nil, err
	}
	recovery, err := p.enrollment(v, tx).ConfirmCode(ctx, kind, code)
	return p.enrolled(ctx, v, tx, kind, recovery, err)
}
