package pipeline

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/mail"
)

// linkQuery is what the address of a link says.
func linkQuery(w CodeWish, address, code string) url.Values {
	q := url.Values{}
	for name, value := range w.Params {
		q.Set(name, value)
	}
	q.Set("client_id", w.Client.ID)
	q.Set("connection", w.Connection.Name)
	q.Set("email", address)
	q.Set("verification_code", code)
	return q
}

// textCode sends a code to a phone: through the connection's own account or gateway if it has one, else as the tenant sends.
func (p *Pipeline) textCode(ctx context.Context, v Visit, w CodeWish, u *stagedoor.User, o stagedoor.PasswordlessOptions, address, code string, e stagedoor.LogEvent) error {
	m := PhoneMessage{Kind: "otp_verify", To: address, From: o.From, Code: code, Method: "text", Locale: v.Language, User: u, Client: w.Client}
	err := error(nil)
	if o.Template != "" {
		vars := v.vars(&m)
		vars["password"], vars["phone_number"], vars["request_language"] = code, address, v.Language
		m.Text, err = CodeText(ctx, o.Template, vars)
	}
	var own mail.TextSender
	if err == nil {
		own, err = p.ownSender(v, o)
	}
	if err == nil {
		err = p.SendText(ctx, v, m, own)
	}
	if err != nil {
		e.Type, e.Description = "fn", "The code could not be sent: "+describe(err)
		if stagedoor.AsError(err).Kind == stagedoor.Internal {
			e.Description = "The code could not be sent: " + stagedoor.Clip(err.Error(), 200)
		}
		e.Details = stagedoor.NotificationDetails("sms", m.Kind, address, e.Description)
		v.Log(e)
		return stagedoor.Errorf(stagedoor.Invalid, "sms_provider_error", "The message could not be sent.")
	}
	v.Log(e)
	return nil
}

// macro is a variable of the older templates: @@password@@.
var macro = regexp.MustCompile(`@@\s*([A-Za-z0-9_.]+)\s*@@`)

// CodeText writes a connection's own template, in either of its syntaxes.
func CodeText(ctx context.Context, source string, vars map[string]any) (string, error) {
	return liquid.Text(ctx, Macros(source), vars, liquid.DefaultLimits)
}

// Macros writes the variables of the older syntax md_with_macros as those of Liquid.
func Macros(source string) string { return macro.ReplaceAllString(source, "{{ $1 }}") }

// ownSender is the connection's own way to send text messages; nil if it has none.
func (p *Pipeline) ownSender(v Visit, o stagedoor.PasswordlessOptions) (mail.TextSender, error) {
	if o.Provider == "sms_gateway" && o.Gateway != "" {
		g := mail.Gateway{URL: o.Gateway, From: o.From, HTTP: p.HTTP}
		if b := o.Bearer; b != nil && b.Method == "bearer" {
			var err error
			if g.Bearer, err = gatewayToken(v, o); err != nil {
				return nil, err
			}
		}
		if o.Forward {
			g.About = map[string]any{"ip": v.IP, "user_agent": v.UserAgent, "language": v.Language, "hostname": v.Hostname}
		}
		return g, nil
	}
	if o.SID != "" && o.Token != "" {
		return mail.Twilio{SID: o.SID, Token: o.Token, From: o.From, Service: o.Service, HTTP: p.HTTP}, nil
	}
	return nil, nil
}

// gatewayToken proves to a gateway who sends. A message without a proof that is wanted is not sent.
func gatewayToken(v Visit, o stagedoor.PasswordlessOptions) (string, error) {
	b := o.Bearer
	secret := []byte(b.Secret)
	if b.Base64 {
		if decoded, err := base64.StdEncoding.DecodeString(b.Secret); err == nil {
			secret = decoded
		}
	}
	signer, err := jose.NewSigner("HS256", "", secret, "JWT")
	if err != nil {
		return "", errors.New("the secret of gateway_authentication signs nothing")
	}
	now := v.Store.Clock().Now()
	return signer.Sign(map[string]any{"sub": b.Subject, "aud": b.Audience, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()})
}

// Codes that work no more (Authentication API fact sheet 4.7).
var (
	errExpiredCode = stagedoor.Errorf(stagedoor.Forbidden, "invalid_grant", "The verification code has expired. Please try to login again.")
	errSpentCode   = stagedoor.Errorf(stagedoor.Forbidden, "invalid_grant", "You've reached the maximum number of attempts. Please try to login again.")
)

// IsExpiredCode tells whether a code is refused because it is too old.
func IsExpiredCode(err error) bool { return errors.Is(err, errExpiredCode) }

// IsSpentCode tells whether a code is refused because there were too many wrong ones.
func IsSpentCode(err error) bool { return errors.Is(err, errSpentCode) }

// ErrWrongCode is the one answer for a wrong code, for none, and for an address that nobody has.
func ErrWrongCode(c *stagedoor.Connection) error {
	if c.Strategy == stagedoor.StrategySMS {
		return stagedoor.Errorf(stagedoor.Forbidden, "invalid_grant", "Wrong phone number or verification code.")
	}
	return stagedoor.Errorf(stagedoor.Forbidden, "invalid_grant", "Wrong email or verification code.")
}

// AuthParams are the parameters of a link: those of the wish on those of the connection.
func AuthParams(c *stagedoor.Connection, sent map[string]string) map[string]string {
	o := c.Passwordless()
	out := maps.Clone(o.AuthParams)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, sent)
	return out
}
