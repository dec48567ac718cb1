package mgmt

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/pipeline"
)

// trialCode is in messages that only try something.
const trialCode = "123456"

// sendTrial brings a text message on its way: into the tenant's development inbox where it has one, else through the provider, nil if there
// is none. That the provider refused it is told in the tenant's log, as the answer only says that the message is being sent.
func (a *API) sendTrial(c *call, provider *stagedoor.Document, in trialIn, kind, text, from string) error {
	if c.store.Tenant().Settings.Local.DevelopmentInbox {
		return c.store.SaveMail(c.ctx(), &stagedoor.Mail{
			To: in.To, From: from, Text: text, Kind: stagedoor.KindPhone, SentAt: a.Clock.Now(),
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
	p, err := stagedoor.PhoneProviderOf(provider)
	if err != nil {
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
	return c.sentTrial(pipeline.PhoneSender(p, a.HTTP).SendText(c.ctx(), mail.Text{From: from, To: in.To, Body: text}))
}

// sentTrial tells the tenant's log what came of a message.
func (c *call) sentTrial(err error) error {
	e := stagedoor.LogEvent{Type: "gd_send_sms", Description: "Message to a phone sent"}
	if err != nil {
		e.Type, e.Description = "gd_send_sms_failure", "The message to a phone could not be sent: "+bounded(err.Error(), 200)
	}
	c.log(e)
	return nil
}
