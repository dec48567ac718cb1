package login

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/ui"
)

// showConsent asks whether the client may have what it asked for.
func (d *Door) showConsent(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskConsent)
	if err != nil {
		return err
	}
	u, err := st.User(r.Context(), p.tx.UserID)
	if err != nil {
		return err
	}
	c := ui.ConsentPage{Frame: p.frame, Form: p.form("/u/consent"), User: shown(u)}
	if host := p.client.Host(); host != "" {
		c.Client.Name, c.From = p.client.Name, host // the page names the host by itself
	}
	texts, err := p.describe(r.Context(), st, &c)
	if err != nil {
		return err
	}
	for _, scope := range p.tx.Result.Scope {
		c.Scopes = append(c.Scopes, ui.Scope{Value: scope, Description: texts[scope]})
	}
	if c.Details, err = details(p.tx.Request.Details); err != nil {
		return err
	}
	c.Raw = p.tx.Request.Details
	page.Render(w, http.StatusOK, c)
	return nil
}

// whereTo is what people can judge an address by that a stranger has registered: the host, or the scheme of an app, which may write any host behind it.
func whereTo(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return ""
	case u.Scheme == "https" || u.Scheme == "http":
		return u.Host
	}
	return u.Scheme
}

// details are authorization details as people see them: all that they say, member by member, in the order of their names.
func details(raw json.RawMessage) ([]ui.ScopeGroup, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var all []map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&all); err != nil {
		return nil, err
	}
	var out []ui.ScopeGroup
	for _, one := range all {
		kind, _ := one["type"].(string)
		delete(one, "type")
		group := ui.ScopeGroup{Title: kind}
		for _, name := range slices.Sorted(maps.Keys(one)) {
			group.Items = append(group.Items, name+": "+told(one[name]))
		}
		out = append(out, group)
	}
	return out, nil
}

// told writes a value for people: lists with commas, objects as name and value.
func told(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = told(v[i])
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, name+" "+told(v[name]))
		}
		return strings.Join(parts, ", ")
	case json.Number: // all of it, and without an exponent, which few people read
		if n, ok := new(big.Rat).SetString(v.String()); ok {
			places, _ := n.FloatPrec()
			return n.FloatString(places)
		}
	}
	return fmt.Sprint(value)
}

// describe names the API on the page, and returns its own texts of scopes if the tenant wants them.
func (p *prompt) describe(ctx context.Context, st *store.Store, c *ui.ConsentPage) (map[string]string, error) {
	texts := map[string]string{}
	if token.IsUserInfo(st.Tenant(), p.tx.Request.Audience) {
		return texts, nil
	}
	api, err := token.ResourceServer(ctx, st, p.tx.Request.Audience)
	if err != nil {
		return nil, err
	}
	switch { // the server's own API is the account, as far as people are concerned: they do not know its name
	case token.IsManagement(st.Tenant(), p.tx.Request.Audience):
	case api.Name != "":
		c.API = api.Name
	default:
		c.API = api.Identifier
	}
	if st.Tenant().Settings.Flags[stagedoor.FlagScopeDescriptions] {
		for _, scope := range api.Scopes {
			texts[scope.Value] = scope.Description
		}
	}
	return texts, nil
}

// shown is how a user is called on pages.
func shown(u *stagedoor.User) string { return u.Shown() }

// decide takes the form of the consent page.
func (d *Door) decide(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskConsent)
	if err != nil {
		return err
	}
	decision := r.PostFormValue(ui.FieldDecision)
	if decision != ui.Accept && decision != ui.Decline {
		return invalid("invalid_request", "The form says neither yes nor no.")
	}
	if err := d.Pipeline.Decide(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), decision == ui.Accept); err != nil {
		return err
	}
	p.goOn(w, r, nil)
	return nil
}
