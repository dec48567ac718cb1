package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
)

// clientFile is what Lock loads to learn which connections it may offer: a script that hands them over (Authentication API fact sheet 6.15). Anybody may load it.
func (d *Door) clientFile(w http.ResponseWriter, r *http.Request, st *store.Store) {
	id, is := strings.CutSuffix(r.PathValue("file"), ".js")
	client, err := st.Client(r.Context(), id)
	if !is || stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && (client.Global || !st.Tenant().Serves(client)) {
		http.NotFound(w, r)
		return
	}
	var told *lockClient
	if err == nil {
		told, err = tellLock(r.Context(), st, client)
	}
	var text []byte
	if err == nil {
		text, err = json.Marshal(told) // which writes <, > and & as escapes
	}
	if err != nil {
		answerError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/javascript; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Cache-Control", "public, max-age=60")
	w.Write([]byte("Auth0.setClient(" + string(text) + ");\n")) //nolint:errcheck // the browser is gone
}

// lockClient is a client as Lock knows it.
type lockClient struct {
	ID         string         `json:"id"`
	Tenant     string         `json:"tenant"`
	Strategies []lockStrategy `json:"strategies"`
}

type lockStrategy struct {
	Name        string           `json:"name"`
	Connections []lockConnection `json:"connections"`
}

type lockConnection struct {
	Name        string `json:"name"`
	DisplayName string `json:"display_name,omitempty"`

	Domain  string   `json:"domain,omitempty"` // of a company's people
	Aliases []string `json:"domain_aliases,omitempty"`

	*lockDatabase
}

type lockDatabase struct {
	PasswordPolicy   string                        `json:"passwordPolicy"`
	Complexity       *stagedoor.PasswordComplexity `json:"password_complexity_options,omitempty"`
	Signup           bool                          `json:"showSignup"`
	Forgot           bool                          `json:"showForgot"`
	RequiresUsername bool                          `json:"requires_username"`
	Validation       map[string]map[string]int     `json:"validation,omitempty"`
}

// tellLock says what a page of the client's may offer: what has a button on our own pages. Connections without one, which are those of companies, with the domains of
// their people, only where a page needs them to send people there: the client has such a login page, or may ask for passwords in its own pages.
func tellLock(ctx context.Context, st *store.Store, client *stagedoor.Client) (*lockClient, error) {
	choice, err := connection.Choose(ctx, st, &stagedoor.AuthorizationRequest{ClientID: client.ID})
	if err != nil {
		return nil, err
	}
	own, err := page.LoginPage(ctx, st, client)
	if err != nil {
		return nil, err
	}
	away, hidden := choice.Buttons(), st.Tenant().Settings.Flags[stagedoor.FlagHideEnterprise]
	if !hidden && (own != "" || st.Tenant().Settings.Local.EmbeddedLogin && client.CrossOriginLogin()) {
		away = choice.Elsewhere()
	}
	out := &lockClient{ID: client.ID, Tenant: client.Tenant, Strategies: []lockStrategy{}}
	for _, c := range slices.Concat(choice.Databases(), away, choice.ByCode()) {
		i := slices.IndexFunc(out.Strategies, func(s lockStrategy) bool { return s.Name == c.Strategy })
		if i < 0 {
			i, out.Strategies = len(out.Strategies), append(out.Strategies, lockStrategy{Name: c.Strategy})
		}
		told := tellConnection(&c)
		if hidden {
			told.Domain, told.Aliases = "", nil
		}
		out.Strategies[i].Connections = append(out.Strategies[i].Connections, told)
	}
	return out, nil
}

func tellConnection(c *stagedoor.Connection) lockConnection {
	out := lockConnection{Name: c.Name, DisplayName: c.DisplayName}
	if domains := c.Domains(); len(domains) > 0 {
		out.Domain, out.Aliases = domains[0], domains[1:]
	}
	if !c.ForLogin() {
		return out
	}
	names := c.Options.Usernames()
	out.lockDatabase = &lockDatabase{
		PasswordPolicy: c.Options.PasswordPolicy, Complexity: c.Options.PasswordComplexityOptions, Signup: !c.Options.DisableSignup, Forgot: c.Options.SelfServicePasswords(),
		RequiresUsername: names.Must,
	}
	if out.PasswordPolicy == "" {
		out.PasswordPolicy = "none"
	}
	if names.Have && names.Max > 0 {
		out.Validation = map[string]map[string]int{"username": {"min": names.Min, "max": names.Max}}
	}
	return out
}
