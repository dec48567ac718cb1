package store

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/stagedoor/stagedoor"
)

// Themes are the themes of the hosted pages; the oldest is the one in use.
var Themes = Kind[stagedoor.Document]{
	Name: "branding_theme", ID: func(d *stagedoor.Document) *string { return &d.ID }, Secret: func(d *stagedoor.Document) *string { return &d.Sealed },
	NewID: stagedoor.NewClientID, Cached: true,
	Missing: stagedoor.Errorf(stagedoor.NotFound, "theme_not_found", "There was an error retrieving branding settings: invalid theme ID"),
}

// cachedLook keeps the tenant's look with its handle, which lives for minutes at most (see keep).
type cachedLook struct {
	mu   sync.Mutex
	look *stagedoor.Look
}

// Look returns what the tenant says about its hosted pages. It is read once for each handle; nobody changes it.
func (s *Store) Look(ctx context.Context) (*stagedoor.Look, error) {
	s.look.mu.Lock()
	defer s.look.mu.Unlock()
	if s.look.look != nil {
		return s.look.look, nil
	}
	look := &stagedoor.Look{}
	var template struct {
		Body string `json:"body"`
	}
	var prompts struct {
		IdentifierFirst bool `json:"identifier_first"`
	}
	for name, into := range map[string]any{
		stagedoor.SettingBranding: &look.Branding, stagedoor.SettingPageTemplate: &template, stagedoor.SettingPrompts: &prompts,
		stagedoor.SettingCustomText: &look.Texts, stagedoor.SettingPartials: &look.Partials,
		stagedoor.SettingRendering: &look.Renderings,
	} {
		if err := s.Setting(ctx, name, into); err != nil {
			return nil, err
		}
	}
	look.PageTemplate, look.IdentifierFirst = template.Body, prompts.IdentifierFirst
	themes, err := Themes.All(ctx, s)
	if err != nil {
		return nil, err
	}
	if len(themes) > 0 {
		look.Theme = &stagedoor.Theme{}
		if err := json.Unmarshal([]byte(themes[0].Sealed), look.Theme); err != nil {
			return nil, err
		}
	}
	s.look.look = look
	return look, nil
}
