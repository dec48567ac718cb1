package mgmt

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
)

// twilioAPI is where messages go; its documentation calls the operation "create a message".
const twilioAPI = "https://api.twilio.com/2010-04-01/Accounts/"

// trialCode is in messages that only try something.
const trialCode = "123456"

// trialTimeout is how long the one who asked waits for a message to be handed on.
const trialTimeout = 5 * time.Second

// sendTrial brings a text message on its way: into the tenant's development inbox where it has one, else through the provider, nil if there
// is none. That the provider refused it is told in the tenant's log, as the answer only says that the message is being sent.
func (a *API) sendTrial(c *call, provider *stagedoor.Document, in trialIn, kind, text, from string) error {
	if c.store.Tenant().Settings.Local.DevelopmentInbox {
		return c.store.SaveMail(c.ctx(), &stagedoor.Mail{
			To: in.To, From: from, Subject: "Message to a phone", Text: text, Kind: "phone", SentAt: a.Clock.Now(),
		})
	}
	message := pipeline.PhoneMessage{Kind: kind, To: in.To, From: from, Text: text, Voice: text, Code: trialCode, Method: "text"}
	if in.Method == "voice" {
		message.Method = "voice"
	}
	if provider == nil {
		if a.Pipeline != nil {
			if sent, err := a.Pipeline.SendPhone(c.ctx(), c.visit(), message, false); sent || err != nil {
				return c.sentTrial(err)
			}
		}
		return bad("no_phone_provider", "There is no phone provider that could send the message.")
	}
	var p struct {
		Name          string
		Configuration struct {
			SID   string
			From  string `json:"default_from"`
			MSSID string
		}
		Credentials struct {
			AuthToken string `json:"auth_token"`
		}
	}
	if err := json.Unmarshal([]byte(provider.Sealed), &p); err != nil {
		return err
	}
	if p.Name == "custom" {
		if sent, err := a.Pipeline.SendPhone(c.ctx(), c.visit(), message, true); sent || err != nil {
			return c.sentTrial(err)
		}
		return bad("no_phone_provider", "No action is bound to custom-phone-provider.")
	}
	if p.Name != "twilio" || in.Method == "voice" || a.HTTP == nil {
		return unsupported("Sending messages as a voice")
	}
	form := url.Values{"To": {in.To}, "Body": {text}}
	switch {
	case from != "":
		form.Set("From", from)
	case p.Configuration.MSSID != "":
		form.Set("MessagingServiceSid", p.Configuration.MSSID)
	default:
		form.Set("From", p.Configuration.From)
	}
	return c.sentTrial(a.postForm(c.ctx(), twilioAPI+url.PathEscape(p.Configuration.SID)+"/Messages.json", p.Configuration.SID, p.Credentials.AuthToken, form))
}

// sentTrial tells the tenant's log what came of a message.
func (c *call) sentTrial(err error) error {
	e := stagedoor.LogEvent{Type: "gd_send_sms", Description: "Message to a phone sent", IP: remoteIP(c.r), ClientID: c.caller.clientID}
	if err != nil {
		e.Type, e.Description = "gd_send_sms_failure", "The message to a phone could not be sent: "+bounded(err.Error(), 200)
	}
	c.store.Log(e)
	return nil
}

func (a *API) postForm(ctx context.Context, to, user, password string, form url.Values) error {
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(user, password)
	response, err := a.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) //nolint:errcheck // so that the connection can be used again
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the provider answered %d", response.StatusCode)
	}
	return nil
}
