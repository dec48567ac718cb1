package page

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// lookOf is what the tenant says about its pages. If it cannot be read they look like ours: a page is worth more than its colours.
func lookOf(ctx context.Context, st *store.Store) *stagedoor.Look {
	look, err := st.Look(ctx)
	if err != nil {
		web.Logger(ctx).ErrorContext(ctx, "the look of the pages cannot be read", "tenant", st.Tenant().ID, "error", err)
		return &stagedoor.Look{}
	}
	return look
}

// Logo is the picture of the tenant: that of the theme, of the branding, of the settings, whichever there is.
func Logo(st *store.Store, look *stagedoor.Look) string {
	if look.Theme != nil && look.Theme.Widget.LogoURL != "" {
		return look.Theme.Widget.LogoURL
	}
	if look.Branding.LogoURL != "" {
		return look.Branding.LogoURL
	}
	return st.Tenant().Settings.PictureURL
}

// Brand is the look of the tenant: a theme says all; branding, and for tenants that have none the older settings, say some.
func Brand(st *store.Store, look *stagedoor.Look) ui.Brand {
	b := ui.Brand{Theme: look.Theme, Primary: look.Branding.Colors.Primary, FontURL: look.Branding.Font.URL}
	if b.Primary == "" {
		b.Primary = st.Tenant().Settings.Local.PrimaryColor
	}
	var old struct {
		Colors stagedoor.OrganizationColors `json:"colors"`
	}
	if raw := st.Tenant().Settings.Stored["universal_login"]; raw != nil && json.Unmarshal(raw, &old) == nil && b.Primary == "" {
		b.Primary = old.Colors.Primary
	}
	background := look.Branding.Colors.PageBackground
	if bytes.HasPrefix(background, []byte("{")) {
		var g struct {
			Start, End string
			Angle      float64 `json:"angle_deg"`
		}
		if json.Unmarshal(background, &g) == nil {
			b.Background, b.BackgroundEnd, b.Angle = g.Start, g.End, g.Angle
		}
	} else if json.Unmarshal(background, &b.Background) != nil {
		b.Background = old.Colors.PageBackground
	}
	return b
}

// BrandOf is the look that the tenant's pages have.
func BrandOf(ctx context.Context, st *store.Store) ui.Brand { return Brand(st, lookOf(ctx, st)) }
