package pipeline

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The parts of an event that triggers share (extensibility fact sheet 3.5 and 3.9). Times are ISO texts; what is not known is left out.

// commonEvent is what every trigger's event has.
func commonEvent(v Visit, method string, query map[string][]string) map[string]any {
	place := v.Store.Place(v.IP)
	request := map[string]any{
		"ip": v.IP, "hostname": v.Hostname, "method": method, "user_agent": v.UserAgent, "geoip": place.Event(), "query": flat(query), "body": v.Body,
	}
	if v.Body == nil {
		request["body"] = map[string]any{}
	}
	set(request, map[string]string{"language": v.Language, "asn": place.AS()})
	event := map[string]any{"tenant": map[string]any{"id": v.Store.Tenant().ID}, "request": request}
	if f := v.Fingerprints; f != nil {
		seen := map[string]any{}
		set(seen, map[string]string{"ja3": f.JA3, "ja4": f.JA4})
		event["security_context"] = seen
	}
	return event
}

// customDomain adds the domain of the tenant's own under which the request came, if it is one.
func customDomain(ctx context.Context, v Visit, event map[string]any) error {
	host := strings.TrimSuffix(strings.TrimPrefix(v.Issuer, "https://"), "/")
	if host == "" || host == v.Store.Tenant().Domain() { // nobody's request has none
		return nil
	}
	d, err := store.CustomDomainOf(ctx, v.Store, host)
	if d != nil {
		event["custom_domain"] = map[string]any{"domain": d.Domain, "domain_metadata": nonNil(d.Metadata)}
	}
	return err
}

// nobody is what an event has in a user's place where there is none: code that delivers messages looks at it without asking. to is a member that says where
// the message goes.
func nobody(to, address string) map[string]any {
	return map[string]any{
		"user_id": "", to: address, "email_verified": false, "user_metadata": map[string]any{}, "app_metadata": map[string]any{}, "identities": []any{},
	}
}

func eventClient(c *stagedoor.Client) map[string]any {
	return map[string]any{"client_id": c.ID, "name": c.Name, "metadata": nonNil(c.Metadata)}
}

func eventConnection(c *stagedoor.Connection) map[string]any {
	return map[string]any{"id": c.ID, "name": c.Name, "strategy": c.Strategy, "metadata": nonNil(c.Metadata)}
}

// notForActions are the members of a user that rules see and actions do not.
var notForActions = []string{"blocked", "logins_count", "last_login", "last_ip"}

// eventUser is a user as actions see them: metadata are always there, and no identity has tokens of its provider.
func eventUser(u *stagedoor.User) (map[string]any, error) {
	b, err := json.Marshal(u.Wire())
	if err != nil {
		return nil, err
	}
	m := map[string]any{"email_verified": false, "user_metadata": map[string]any{}, "app_metadata": map[string]any{}}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	for _, name := range notForActions {
		delete(m, name)
	}
	identities, _ := m["identities"].([]any)
	for _, identity := range identities {
		if one, ok := identity.(map[string]any); ok {
			for _, name := range []string{"access_token", "access_token_secret", "refresh_token", "expires_in"} {
				delete(one, name)
			}
		}
	}
	return m, nil
}

// requested is what a request for a login asked for, as event.transaction has it. Its locale is the language of the pages.
func requested(v Visit, r *stagedoor.AuthorizationRequest) map[string]any {
	t := map[string]any{
		"protocol": r.Protocol(), "requested_scopes": nonNilList(r.Scope), "response_type": stagedoor.Words(r.ResponseType), "prompt": nonNilList(r.Prompt),
		"ui_locales": nonNilList(stagedoor.Words(r.UILocales)), "acr_values": nonNilList(stagedoor.Words(strings.Join(r.Query["acr_values"], " "))), "locale": v.Language,
	}
	if words := stagedoor.Words(strings.Join(r.Query["correlation_id"], " ")); len(words) > 0 {
		t["correlation_id"] = words[0]
	}
	set(t, map[string]string{"redirect_uri": r.RedirectURI, "response_mode": r.ResponseMode, "state": r.State, "login_hint": r.LoginHint})
	return t
}

func eventSession(st *store.Store, s *stagedoor.Session) map[string]any {
	clients := []any{}
	for _, id := range s.Clients {
		clients = append(clients, map[string]any{"client_id": id})
	}
	mode := "non-persistent"
	if s.Persistent {
		mode = "persistent"
	}
	device := map[string]any{"initial_ip": s.InitialIP, "initial_user_agent": s.InitialUserAgent, "last_ip": s.LastIP, "last_user_agent": s.LastUserAgent}
	set(device, map[string]string{"initial_asn": st.Place(s.InitialIP).AS(), "last_asn": st.Place(s.LastIP).AS()})
	m := map[string]any{
		"id": s.ID, "user_id": s.UserID, "clients": clients, "cookie": map[string]any{"mode": mode}, "metadata": nonNilAny(s.Metadata), "device": device,
	}
	addTimes(m, map[string]time.Time{
		"authenticated_at": s.AuthenticatedAt, "created_at": s.CreatedAt, "updated_at": s.LastInteractionAt, "last_interacted_at": s.LastInteractionAt,
		"idle_expires_at": s.IdleExpiresAt, "expires_at": s.ExpiresAt,
	})
	return m
}

func eventMethods(all []stagedoor.AuthMethod) map[string]any {
	methods := []any{}
	for _, m := range all {
		one := map[string]any{"name": m.Name, "timestamp": stagedoor.FormatTime(time.UnixMilli(m.Timestamp))}
		set(one, map[string]string{"type": m.Type})
		methods = append(methods, one)
	}
	return map[string]any{"methods": methods}
}

func eventRefreshToken(st *store.Store, t *stagedoor.RefreshToken) map[string]any {
	m := map[string]any{
		"id": t.ID, "client_id": t.ClientID, "user_id": t.UserID, "rotating": t.Rotating, "device": refreshDevice(st, t), "metadata": nonNilAny(t.Metadata),
		"resource_servers": []any{map[string]any{"audience": t.Audience, "scopes": strings.Join(t.Scope, " ")}},
	}
	if m["access"] = "offline"; t.Online {
		m["access"] = "online"
	}
	if t.SessionID != "" {
		m["session_id"] = t.SessionID
	}
	if t.Transfer != nil {
		m["session_transfer"] = map[string]any{"parent_refresh_token": map[string]any{"id": t.Transfer.TokenID}}
	}
	addTimes(m, map[string]time.Time{"created_at": t.CreatedAt, "last_exchanged_at": t.LastUsedAt, "expires_at": t.ExpiresAt, "idle_expires_at": t.IdleExpiry})
	return m
}

func refreshDevice(st *store.Store, t *stagedoor.RefreshToken) map[string]any {
	m := map[string]any{}
	set(m, map[string]string{"initial_ip": t.InitialIP, "initial_asn": st.Place(t.InitialIP).AS(), "initial_user_agent": t.InitialUserAgent})
	return m
}

func nonNilAny(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func addTimes(m map[string]any, times map[string]time.Time) {
	for name, t := range times {
		if !t.IsZero() {
			m[name] = stagedoor.FormatTime(t)
		}
	}
}

// set adds a text that is not empty.
func set(m map[string]any, texts map[string]string) {
	for name, text := range texts {
		if text != "" {
			m[name] = text
		}
	}
}
