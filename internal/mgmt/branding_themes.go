package mgmt

import (
	"encoding/json"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// themeIn is a theme of the hosted pages; its sections are needed as a whole (Management API objects 7).
type themeIn struct {
	DisplayName string          `json:"displayName" schema:"max=2048" doc:"Display Name"`
	Borders     bordersIn       `json:"borders" schema:"required"`
	Colors      themeColorsIn   `json:"colors" schema:"required"`
	Fonts       fontsIn         `json:"fonts" schema:"required"`
	Background  backgroundIn    `json:"page_background" schema:"required"`
	Widget      widgetIn        `json:"widget" schema:"required"`
	Identifiers json.RawMessage `json:"identifiers"`
}

type bordersIn struct {
	ButtonRadius float64 `json:"button_border_radius" schema:"required,min=1,max=10" doc:"Button border radius"`
	ButtonWeight float64 `json:"button_border_weight" schema:"required,min=0,max=10" doc:"Button border weight"`
	Buttons      string  `json:"buttons_style" schema:"required,enum=pill|rounded|sharp" doc:"Buttons style"`
	InputRadius  float64 `json:"input_border_radius" schema:"required,min=0,max=10" doc:"Input border radius"`
	InputWeight  float64 `json:"input_border_weight" schema:"required,min=0,max=3" doc:"Input border weight"`
	Inputs       string  `json:"inputs_style" schema:"required,enum=pill|rounded|sharp" doc:"Inputs style"`
	Shadow       bool    `json:"show_widget_shadow" schema:"required" doc:"Show widget shadow"`
	WidgetWeight float64 `json:"widget_border_weight" schema:"required,min=0,max=10" doc:"Widget border weight"`
	WidgetRadius float64 `json:"widget_corner_radius" schema:"required,min=0,max=50" doc:"Widget corner radius"`
}

type themeColorsIn struct {
	BaseFocus        web.Opt[string] `json:"base_focus_color" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Base Focus Color"`
	BaseHover        web.Opt[string] `json:"base_hover_color" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Base Hover Color"`
	BodyText         string          `json:"body_text" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Body text"`
	Captcha          web.Opt[string] `json:"captcha_widget_theme" schema:"enum=auto|dark|light" doc:"Captcha Widget Theme"`
	Error            string          `json:"error" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Error"`
	Header           string          `json:"header" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Header"`
	Icons            string          `json:"icons" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Icons"`
	InputBackground  string          `json:"input_background" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Input background"`
	InputBorder      string          `json:"input_border" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Input border"`
	InputText        string          `json:"input_filled_text" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Input filled text"`
	InputLabels      string          `json:"input_labels_placeholders" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Input labels & placeholders"`
	Links            string          `json:"links_focused_components" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Links & focused components"`
	PrimaryButton    string          `json:"primary_button" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Primary button"`
	PrimaryLabel     string          `json:"primary_button_label" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Primary button label"`
	ReadOnly         web.Opt[string] `json:"read_only_background" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Read only background"`
	SecondaryBorder  string          `json:"secondary_button_border" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Secondary button border"`
	SecondaryLabel   string          `json:"secondary_button_label" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Secondary button label"`
	Success          string          `json:"success" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Success"`
	WidgetBackground string          `json:"widget_background" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Widget background"`
	WidgetBorder     string          `json:"widget_border" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Widget border"`
}

type fontIn struct {
	Bold bool    `json:"bold" schema:"required"`
	Size float64 `json:"size" schema:"required,min=0,max=150"`
}

type fontsIn struct {
	BodyText  fontIn  `json:"body_text" schema:"required"`
	Buttons   fontIn  `json:"buttons_text" schema:"required"`
	URL       string  `json:"font_url" schema:"required" doc:"Font URL"`
	Labels    fontIn  `json:"input_labels" schema:"required"`
	Links     fontIn  `json:"links" schema:"required"`
	LinkStyle string  `json:"links_style" schema:"required,enum=normal|underlined" doc:"Links style"`
	Size      float64 `json:"reference_text_size" schema:"required,min=12,max=24" doc:"Reference text size"`
	Subtitle  fontIn  `json:"subtitle" schema:"required"`
	Title     fontIn  `json:"title" schema:"required"`
}

type backgroundIn struct {
	Color    string `json:"background_color" schema:"required" pattern:"^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$" doc:"Background color"`
	ImageURL string `json:"background_image_url" schema:"required" doc:"Background image url"`
	Layout   string `json:"page_layout" schema:"required,enum=center|left|right" doc:"Page Layout"`
	LogoURL  string `json:"logo_url" doc:"Logo url"`
}

type widgetIn struct {
	Header     string  `json:"header_text_alignment" schema:"required,enum=center|left|right" doc:"Header text alignment"`
	LogoHeight float64 `json:"logo_height" schema:"required,min=1,max=100" doc:"Logo height"`
	LogoAt     string  `json:"logo_position" schema:"required,enum=center|left|none|right" doc:"Logo position"`
	LogoURL    string  `json:"logo_url" schema:"required" doc:"Logo url"`
	Social     string  `json:"social_buttons_layout" schema:"required,enum=bottom|top" doc:"Social buttons layout"`
}

func (in themeIn) check() error {
	for _, u := range []struct{ path, value string }{
		{"fonts.font_url", in.Fonts.URL},
		{"page_background.background_image_url", in.Background.ImageURL},
		{"page_background.logo_url", in.Background.LogoURL},
		{"widget.logo_url", in.Widget.LogoURL},
	} {
		if err := httpsOrNone(u.path, u.value); err != nil {
			return err
		}
	}
	if in.Identifiers != nil && web.TypeOf(in.Identifiers) != "object" {
		return web.WrongType("identifiers", "object", in.Identifiers).Body()
	}
	return nil
}

// noTheme is the wire's text about a theme that is not there; doing is retrieving, updating or deleting.
func noTheme(doing string) error {
	return stagedoor.Errorf(stagedoor.NotFound, "theme_not_found", "There was an error %s branding settings: invalid theme ID", doing)
}

func showTheme(d *stagedoor.Document) (any, error) {
	out := map[string]any{"displayName": ""}
	if err := json.Unmarshal([]byte(d.Sealed), &out); err != nil {
		return nil, err
	}
	out["themeId"] = d.ID
	return out, nil
}

func themeOf(c *call, id string) (*stagedoor.Document, error) {
	d, err := store.Themes.Get(c.ctx(), c.store, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = noTheme("retrieving")
	}
	return d, err
}

func (a *API) readTheme(c *call) (any, error) {
	d, err := themeOf(c, c.r.PathValue("theme_id"))
	if err != nil {
		return nil, err
	}
	return showTheme(d)
}

// readDefaultTheme shows the theme that the pages have: the oldest.
func (a *API) readDefaultTheme(c *call) (any, error) {
	all, err := store.Themes.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, noTheme("retrieving")
	}
	return showTheme(&all[0])
}

func (a *API) createTheme(c *call, in themeIn) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	d := &stagedoor.Document{Sealed: strings.TrimSpace(string(c.body))}
	if err := store.Themes.Create(c.ctx(), c.store, d); err != nil {
		return nil, err
	}
	return showTheme(d)
}

func (a *API) updateTheme(c *call, in themeIn) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	d, err := store.Themes.Update(c.ctx(), c.store, c.r.PathValue("theme_id"), func(d *stagedoor.Document) error {
		d.Sealed = strings.TrimSpace(string(c.body))
		return nil
	})
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, noTheme("updating")
	}
	if err != nil {
		return nil, err
	}
	return showTheme(d)
}

func (a *API) deleteTheme(c *call) (any, error) {
	found, err := store.Themes.Delete(c.ctx(), c.store, c.r.PathValue("theme_id"))
	if err == nil && !found {
		err = noTheme("deleting")
	}
	return nil, err
}
