package mgmt

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/web"
)

type brandingIn struct {
	_          struct{}                  `schema:"min=1"`
	Colors     web.Opt[brandingColorsIn] `json:"colors" doc:"Custom color settings"`
	FaviconURL web.Opt[string]           `json:"favicon_url" doc:"URL for the favicon. Must use HTTPS"`
	LogoURL    web.Opt[string]           `json:"logo_url" doc:"URL for the logo. Must use HTTPS"`
	Font       web.Opt[brandingFontIn]   `json:"font" doc:"Custom font settings"`
}

type brandingColorsIn struct {
	Primary        web.Opt[string]          `json:"primary" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Accent color"`
	PageBackground web.Opt[json.RawMessage] `json:"page_background" doc:"Page background color or gradient"`
}

type brandingFontIn struct {
	URL web.Opt[string] `json:"url" doc:"URL for the custom font. Must use HTTPS"`
}

// gradientIn is a page background that is not one colour.
type gradientIn struct {
	Type  string           `json:"type" schema:"required,enum=linear-gradient"`
	Start string           `json:"start" pattern:"^#[0-9a-fA-F]{6}$" schema:"required"`
	End   string           `json:"end" pattern:"^#[0-9a-fA-F]{6}$" schema:"required"`
	Angle web.Opt[float64] `json:"angle_deg" schema:"min=0,max=360"`
}

var (
	gradientSchema = web.NewSchema[gradientIn]()
	colourPattern  = regexp.MustCompile(`^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$`)
)

func (in brandingIn) check() error {
	for _, u := range []struct{ path, value string }{
		{"favicon_url", in.FaviconURL.Value}, {"logo_url", in.LogoURL.Value}, {"font.url", in.Font.Value.URL.Value},
	} {
		if err := httpsOrNone(u.path, u.value); err != nil {
			return err
		}
	}
	background := in.Colors.Value.PageBackground
	if !background.Has() {
		return nil
	}
	switch web.TypeOf(background.Value) {
	case "string":
		var colour string
		if err := json.Unmarshal(background.Value, &colour); err != nil || !colourPattern.MatchString(colour) {
			return badProperty("colors.page_background", "String does not match pattern "+colourPattern.String()+": "+bounded(colour, 100))
		}
		return nil
	case "object":
		_, err := gradientSchema.Decode(background.Value)
		return err
	}
	return web.WrongType("colors.page_background", "string", background.Value).Body()
}

// httpsOrNone refuses what is neither empty nor an https address.
func httpsOrNone(path, address string) error {
	if address != "" && (!isURL(address) || !strings.HasPrefix(address, "https://")) {
		return badProperty(path, "Object didn't pass validation for format strict-https-uri-or-null: "+bounded(address, 100))
	}
	return nil
}

func (a *API) readBranding(c *call) (any, error) {
	kept := map[string]json.RawMessage{}
	err := c.store.Setting(c.ctx(), stagedoor.SettingBranding, &kept)
	return kept, err
}

// updateBranding sets the members that were sent, each as a whole; null removes one.
func (a *API) updateBranding(c *call, in brandingIn) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	members := map[string]any{}
	if len(c.body) > 0 { // the Go SDK sends none where nothing changes
		if err := json.Unmarshal(c.body, &members); err != nil {
			return nil, err
		}
	}
	var out map[string]any
	err := c.store.ChangeSetting(c.ctx(), stagedoor.SettingBranding, func(kept map[string]any) error {
		for name, value := range members {
			if value == nil {
				delete(kept, name)
				continue
			}
			if object, is := value.(map[string]any); is {
				value = withoutNulls(object)
			}
			kept[name] = value
		}
		out = kept
		return nil
	})
	return out, err
}

func withoutNulls(object map[string]any) map[string]any {
	for name, value := range object {
		if value == nil {
			delete(object, name)
		}
	}
	return object
}

// pageTemplate is the tenant's frame for the hosted pages (Management API fact sheet 3.17).
type pageTemplate struct {
	Body string `json:"body,omitempty"`
}

// maxPageTemplate bounds it, in bytes.
const maxPageTemplate = 100 << 10

func (a *API) readPageTemplate(c *call) (any, error) {
	var t pageTemplate
	if err := c.store.Setting(c.ctx(), stagedoor.SettingPageTemplate, &t); err != nil {
		return nil, err
	}
	if t.Body == "" {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "inexistent_templates_universal_login", "Template does not exist.")
	}
	return t, nil
}

type pageTemplateIn struct {
	Template string `json:"template" schema:"required" doc:"The custom page template"`
}

var pageTemplateSchema = web.NewSchema[pageTemplateIn]()

// setPageTemplate takes the template as text/html, as a JSON text or as the member template of an object.
func (a *API) setPageTemplate(c *call) (any, error) {
	text, err := pageTemplateText(c)
	if err != nil {
		return nil, err
	}
	switch {
	case len(text) > maxPageTemplate:
		return nil, bad("invalid_body", "Payload validation error: 'String is too long ("+itoa(len(text))+" chars), maximum "+itoa(maxPageTemplate)+"'.")
	case !page.HasTags(text):
		return nil, bad("invalid_template", "The template must contain both {%- auth0:head -%} and {%- auth0:widget -%} tags.")
	}
	if err := liquid.Check(page.WithTags(text)); err != nil {
		return nil, bad("invalid_template", "The template cannot be read: "+bounded(err.Error(), 200))
	}
	status := http.StatusNoContent
	err = changeSetting(c, stagedoor.SettingPageTemplate, func(t *pageTemplate) error {
		if status = http.StatusNoContent; t.Body == "" {
			status = http.StatusCreated
		}
		t.Body = text
		return nil
	})
	return outcome{status, map[string]any{}}, err
}

func pageTemplateText(c *call) (string, error) {
	const limit = 4 * maxPageTemplate // of a body: JSON may write a character in many
	if strings.HasPrefix(strings.ToLower(c.r.Header.Get("Content-Type")), "text/html") {
		b, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, limit))
		if err != nil {
			return "", stagedoor.Errorf(stagedoor.TooLarge, "", "Payload content length greater than maximum allowed: %d", limit)
		}
		if !bytes.ContainsRune(b, 0) {
			return strings.ToValidUTF8(string(b), "\uFFFD"), nil
		}
		return "", bad("invalid_body", "Payload validation error: 'Texts must be valid Unicode without NUL characters'.")
	}
	b, err := web.ReadBody(c.w, c.r, limit)
	if err != nil {
		return "", err
	}
	c.body = b
	if web.TypeOf(b) != "string" {
		in, err := pageTemplateSchema.Decode(b)
		return in.Template, err
	}
	if err := web.CheckJSON(b); err != nil {
		return "", err
	}
	var text string
	return text, json.Unmarshal(b, &text)
}

func (a *API) deletePageTemplate(c *call) (any, error) {
	return nil, changeSetting(c, stagedoor.SettingPageTemplate, func(t *pageTemplate) error {
		t.Body = ""
		return nil
	})
}
