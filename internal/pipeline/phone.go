package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
)

// settingGuardianTwilio and settingGuardianPhone are the older settings of who sends codes of second factors.
const (
	settingGuardianTwilio = "guardian/twilio"
	settingGuardianPhone  = "guardian/phone-provider"
)

// CodeNoPhone is the code of the error where there is nobody who could bring a message to a phone.
const CodeNoPhone = "no_phone_provider"

// SendText brings a message to a phone, and returns when it is handed on. A message without a text gets that of the tenant's
// template of its kind, or ours, with its code. The first of these that there is takes it:
//
//	the tenant's development inbox · by, if the caller has a sender of its own · the tenant's phone provider ·
//	for codes of a second factor, the provider of Guardian's settings, then the hook and the actions send-phone-message
//
// Without any the error has the code [CodeNoPhone]. Its errors hold nothing of the message; the caller writes the log event.
func (p *Pipeline) SendText(ctx context.Context, v Visit, m PhoneMessage, by mail.TextSender) error {
	st := v.Store
	if m.Method == "" {
		m.Method = "text"
	}
	if err := v.word(ctx, &m); err != nil {
		return err
	}
	text := mail.Text{From: m.From, To: m.To, Body: m.Text}
	if err := text.Validate(); err != nil {
		return err
	}
	if st.Tenant().Settings.Local.DevelopmentInbox {
		return st.SaveMail(ctx, &stagedoor.Mail{To: m.To, From: m.From, Text: m.Text, Kind: stagedoor.KindPhone, SentAt: st.Clock().Now()})
	}
	if by != nil {
		return by.SendText(ctx, text)
	}
	provider, err := phoneProvider(ctx, st)
	if err != nil {
		return err
	}
	sent := false
	switch {
	case provider == nil:
		if provider, err = guardianProvider(ctx, st, m.Kind); err != nil || provider != nil {
			break
		}
		sent, err = p.SendPhone(ctx, v, m, false)
	case provider.Name == stagedoor.PhoneCustom:
		sent, err = p.SendPhone(ctx, v, m, true)
		provider = nil
	}
	switch {
	case err != nil || sent:
		return err
	case provider == nil:
		return stagedoor.Errorf(stagedoor.Invalid, CodeNoPhone, "There is no phone provider that could send the message.")
	case m.Method == "voice":
		return stagedoor.Errorf(stagedoor.Unsupported, "not_supported", "Messages cannot be sent as a voice by this provider.")
	}
	return PhoneSender(*provider, p.HTTP).SendText(ctx, text)
}

// PhoneSender is what sends through a provider that speaks Twilio's API.
func PhoneSender(p stagedoor.PhoneProvider, client *http.Client) mail.TextSender {
	return mail.Twilio{SID: p.Configuration.SID, Token: p.Credentials.AuthToken, From: p.Configuration.From, Service: p.Configuration.Service, HTTP: client}
}

// phoneProvider is the tenant's provider that is not switched off, nil if there is none.
func phoneProvider(ctx context.Context, st *store.Store) (*stagedoor.PhoneProvider, error) {
	all, err := store.PhoneProviders.All(ctx, st)
	if err != nil {
		return nil, err
	}
	for i := range all {
		p, err := stagedoor.PhoneProviderOf(&all[i])
		if err != nil {
			return nil, err
		}
		if !p.Disabled {
			return &p, nil
		}
	}
	return nil, nil
}

// guardianProvider is who sends codes of second factors by the older settings; nil if that is nobody.
func guardianProvider(ctx context.Context, st *store.Store, kind string) (*stagedoor.PhoneProvider, error) {
	if kind != "otp_verify" && kind != "otp_enroll" {
		return nil, nil
	}
	var chosen struct {
		Provider string `json:"provider"`
	}
	if err := st.Setting(ctx, settingGuardianPhone, &chosen); err != nil || chosen.Provider != stagedoor.PhoneTwilio {
		return nil, err
	}
	var twilio struct {
		SID     string `json:"sid"`
		Token   string `json:"auth_token"`
		From    string `json:"from"`
		Service string `json:"messaging_service_sid"`
	}
	if err := st.Setting(ctx, settingGuardianTwilio, &twilio); err != nil || twilio.SID == "" || twilio.Token == "" {
		return nil, err
	}
	p := &stagedoor.PhoneProvider{Name: stagedoor.PhoneTwilio}
	p.Configuration.SID, p.Configuration.From, p.Configuration.Service, p.Credentials.AuthToken = twilio.SID, twilio.From, twilio.Service, twilio.Token
	return p, nil
}

// word gives a message its text, unless it has one.
func (v Visit) word(ctx context.Context, m *PhoneMessage) error {
	if m.Text != "" {
		return nil
	}
	t, err := phoneTemplate(ctx, v.Store, m.Kind)
	if err != nil {
		return err
	}
	vars := v.vars(m)
	if m.From == "" {
		m.From = t.Content.From
	}
	for way, into := range map[string]*string{"text": &m.Text, "voice": &m.Voice} {
		for _, source := range []string{t.Content.Body[way], PhoneTexts[m.Kind][way]} {
			if source == "" {
				continue
			}
			if *into, err = liquid.Text(ctx, source, vars, liquid.DefaultLimits); err == nil {
				break
			}
			v.Log(stagedoor.LogEvent{
				Type: "fn", Description: "The template of the message " + m.Kind + " fails, it was sent in other words: " + err.Error(),
				Details: stagedoor.NotificationDetails(map[string]string{"text": "sms", "voice": "voice"}[way], m.Kind, m.To, err.Error()),
			})
		}
	}
	return nil
}

// vars are what a tenant's template of a message may name.
func (v Visit) vars(m *PhoneMessage) map[string]any {
	s := &v.Store.Tenant().Settings
	vars := mail.About{User: m.User, Client: m.Client, Organization: m.Organization}.Vars()
	maps.Copy(vars, mail.Said(map[string]any{
		"code": m.Code, "pause": " ", "locale": m.Locale, "recipient": m.To, "tenant": v.Store.Tenant().ID, "friendly_name": cmp.Or(s.FriendlyName, v.Store.Tenant().ID),
		"support_email": s.SupportEmail, "support_url": s.SupportURL, "logo_url": s.PictureURL, "home_url": s.DefaultRedirectionURI,
	}))
	if m.User != nil && m.User.Connection != "" {
		vars["connection"] = m.User.Connection
	}
	if user, is := vars["user"].(map[string]any); is {
		place := cmp.Or(v.Store.PlaceIn(v.IP, v.Language), &stagedoor.Place{})
		maps.Copy(user, mail.Said(map[string]any{"source_ip": v.IP, "city": place.CityName, "country": place.CountryName}))
	}
	return vars
}

// phoneTemplate is the tenant's own text of a kind of message, empty if it wrote none or switched it off.
func phoneTemplate(ctx context.Context, st *store.Store, kind string) (t stagedoor.PhoneTemplate, err error) {
	d, err := store.PhoneTemplates.ByName(ctx, st, kind)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	var own stagedoor.PhoneTemplate
	if err := json.Unmarshal([]byte(d.Sealed), &own); err != nil || own.Disabled {
		return t, err
	}
	return own, nil
}
