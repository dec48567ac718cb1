package mgmt

import (
	"encoding/json"
	netmail "net/mail"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/web"
)

type emailTemplateMembers struct {
	Body             web.Opt[string] `json:"body" schema:"max=1000000" doc:"Body of the email template"`
	From             web.Opt[string] `json:"from" schema:"max=1000" doc:"Senders from email address"`
	ResultURL        web.Opt[string] `json:"resultUrl" schema:"max=2000" doc:"URL to redirect the user to after a successful action"`
	Subject          web.Opt[string] `json:"subject" schema:"max=1000" doc:"Subject line of the email"`
	Syntax           web.Opt[string] `json:"syntax" schema:"max=20" doc:"Syntax of the template body"`
	Lifetime         web.Opt[int]    `json:"urlLifetimeInSeconds" schema:"min=0,max=2592000" doc:"Lifetime in seconds that the link within the email will be valid for"`
	IncludeInAddress web.Opt[bool]   `json:"includeEmailInRedirect" schema:"notnull" doc:"Whether the reset_email and verify_email templates should include the user's email address as the email parameter in the returnUrl (true) or whether no email address should be included in the redirect (false)"`
	Enabled          web.Opt[bool]   `json:"enabled" doc:"Whether the template is enabled (true) or disabled (false)"`
}

type emailTemplateIn struct {
	Template string `json:"template" schema:"required" doc:"Template name"`
	emailTemplateMembers
}

type updateEmailTemplateIn struct {
	Template string `json:"template" doc:"Template name"`
	emailTemplateMembers
}

func noEmailTemplate() error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_email_template", "The template does not exist.")
}

// wholeEmailTemplate looks at what a new or a replaced template must have.
func (in emailTemplateIn) whole() error {
	if !slices.Contains(stagedoor.EmailTemplateNames, in.Template) {
		return (&web.Violation{Path: "template", Doc: "Template name", Reason: "No enum match for: " + bounded(in.Template, 100)}).Body()
	}
	for _, m := range []struct {
		name string
		set  bool
	}{{"body", in.Body.Set}, {"from", in.From.Set}, {"subject", in.Subject.Set}, {"syntax", in.Syntax.Set}, {"enabled", in.Enabled.Set}} {
		if !m.set {
			return (&web.Violation{Reason: "Missing required property: " + m.name}).Body()
		}
	}
	return in.check()
}

func (in emailTemplateMembers) check() error {
	if u := in.ResultURL.Value; u != "" && !strings.Contains(u, "{{") && !isURL(u) && !isURL("https://"+u) {
		return badProperty("resultUrl", "Object didn't pass validation for format url: "+bounded(u, 100))
	}
	if in.Syntax.Or("liquid") != "liquid" {
		return nil
	}
	for name, text := range map[string]string{"body": in.Body.Value, "from": in.From.Value, "subject": in.Subject.Value, "resultUrl": in.ResultURL.Value} {
		if err := liquid.Check(text); err != nil {
			return badProperty(name, "The template cannot be read: "+bounded(err.Error(), 200))
		}
	}
	return nil
}

// templateName returns the name in the path.
func templateName(c *call) (string, error) {
	name := c.r.PathValue("template_name")
	if !slices.Contains(stagedoor.EmailTemplateNames, name) {
		return "", (&web.Violation{
			Path: "templateName", Reason: "No enum match for: " + bounded(name, 100),
			Doc: "Template name. Can be " + strings.Join(stagedoor.EmailTemplateNames, ", "),
		}).URI()
	}
	return name, nil
}

func (a *API) readEmailTemplate(c *call, in web.Fields) (any, error) {
	name, err := templateName(c)
	if err != nil {
		return nil, err
	}
	kept := map[string]json.RawMessage{}
	if err := c.store.Setting(c.ctx(), stagedoor.SettingEmailTemplate+name, &kept); err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		return nil, noEmailTemplate()
	}
	return in.Pick(kept)
}

func (a *API) createEmailTemplate(c *call, in emailTemplateIn) (any, error) {
	if err := in.whole(); err != nil {
		return nil, err
	}
	return setEmailTemplate(c, in.Template, func(kept map[string]any) error {
		if len(kept) > 0 {
			return stagedoor.Errorf(stagedoor.Conflict, "", "Template %s already exists.", in.Template)
		}
		return nil
	})
}

func (a *API) replaceEmailTemplate(c *call, in emailTemplateIn) (any, error) {
	name, err := templateName(c)
	if err != nil {
		return nil, err
	}
	if err := in.whole(); err != nil {
		return nil, err
	}
	return setEmailTemplate(c, name, func(kept map[string]any) error {
		if len(kept) == 0 {
			return noEmailTemplate()
		}
		clear(kept)
		return nil
	})
}

func (a *API) updateEmailTemplate(c *call, in updateEmailTemplateIn) (any, error) {
	name, err := templateName(c)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	return setEmailTemplate(c, name, func(kept map[string]any) error {
		if len(kept) == 0 {
			return noEmailTemplate()
		}
		return nil
	})
}

// setEmailTemplate puts the members of the body on the template that first lets through; null removes one.
func setEmailTemplate(c *call, name string, first func(kept map[string]any) error) (any, error) {
	members := map[string]any{}
	if err := json.Unmarshal(c.body, &members); err != nil {
		return nil, err
	}
	var out map[string]any
	err := c.store.ChangeSetting(c.ctx(), stagedoor.SettingEmailTemplate+name, func(kept map[string]any) error {
		if err := first(kept); err != nil {
			return err
		}
		overlay(kept, members)
		kept["template"] = name
		out = kept
		return nil
	})
	return out, err
}

// isMailbox tells whether s is an address, with or without a name.
func isMailbox(s string) bool {
	_, err := netmail.ParseAddress(s)
	return err == nil
}
