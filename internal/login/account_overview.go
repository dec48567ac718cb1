package login

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// accountDone are the things that the page tells when they are done.
var accountDone = []string{"confirmed", "profile", "metadata", "email", "verify", "username", "password", "factor", "removed", "browsers", "browser", "session", "revoked", "unlinked", "disconnected"}

// overview shows the page, with what was done.
func (a *account) overview() error {
	p, err := a.page()
	if err != nil {
		return err
	}
	if done := a.r.URL.Query().Get("done"); slices.Contains(accountDone, done) {
		p.Done = done
	}
	page.Render(a.w, http.StatusOK, p)
	return nil
}

// page is the page as it is now.
func (a *account) page() (ui.AccountPage, error) {
	p := ui.AccountPage{Frame: a.frame, Form: a.form(""), Has: map[string]bool{}}
	for _, part := range stagedoor.AccountParts {
		p.Has[part] = a.set.Has(part)
	}
	u := a.user
	p.Person = ui.AccountPerson{
		Name: u.Name, Picture: u.Picture, Email: u.Email, Verified: u.EmailVerified, Username: u.Username, Phone: u.PhoneNumber,
		Since: u.CreatedAt,
	}
	p.Typed = ui.AccountProfile{Name: u.Name, Nickname: u.Nickname, Picture: u.Picture}
	a.fillProfile(&p)
	var err error
	if p.CanVerify, err = a.mayVerify(); err != nil {
		return p, err
	}
	for _, fill := range []func(*ui.AccountPage) error{a.fillFactors, a.fillSessions, a.fillClients, a.fillIdentities, a.fillConnected, a.fillEvents} {
		if err := fill(&p); err != nil {
			return p, err
		}
	}
	if len(p.Factors) == 0 && len(p.Addable) == 0 && !p.Recovers && len(p.Browsers) == 0 {
		p.Has[stagedoor.AccountFactors] = false // the tenant has switched none on: there is nothing to see, and nothing to do
	}
	p.Sections = []string{"profile"}
	for _, part := range []string{stagedoor.AccountFactors, stagedoor.AccountSessions, stagedoor.AccountClients, stagedoor.AccountIdentities, "connected", stagedoor.AccountActivity} {
		if p.Has[part] || part == "connected" && len(p.Connected) > 0 {
			p.Sections = append(p.Sections, part)
		}
	}
	if p.Has[stagedoor.AccountExport] || p.Has[stagedoor.AccountDelete] {
		p.Sections = append(p.Sections, "data")
	}
	return p, nil
}

func (a *account) fillProfile(p *ui.AccountPage) {
	own := a.conn != nil && a.conn.ForLogin()
	p.ProfileIsTheirs = a.profileIsTheirs()
	p.CanEmail = own && p.Has[stagedoor.AccountEmail] && a.conn.Options.Attributes().Email.Had()
	p.CanUsername = own && a.conn.Options.Usernames().Have && p.Has[stagedoor.AccountUsername]
	p.CanPassword = own && a.conn.Passwords() && p.Has[stagedoor.AccountPassword]
	if p.Has[stagedoor.AccountMetadata] {
		p.Metadata = a.metadata(false)
		p.CanMetadata = len(a.set.MetadataKeys) > 0
	}
}

// profileIsTheirs tells whether each login writes the profile anew from a provider's.
func (a *account) profileIsTheirs() bool {
	c := a.conn
	return c != nil && !c.KeepsUsers() && !c.SendsCodes() && c.SyncsProfile() == stagedoor.SyncEachLogin
}

// metadata are the members of the person's own metadata; those that they may change alone, or all. Texts stand without their quotes.
func (a *account) metadata(changeable bool) []ui.AccountValue {
	var out []ui.AccountValue
	for key, raw := range a.user.UserMetadata {
		if changeable && !a.set.MayChange(key) {
			continue
		}
		text := string(bytes.TrimSpace(raw))
		var plain string
		if json.Unmarshal(raw, &plain) == nil {
			text = plain
		}
		if !changeable {
			text = stagedoor.Shorten(text, 400)
		}
		out = append(out, ui.AccountValue{Name: key, Value: strings.ToValidUTF8(text, "")})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func (a *account) fillFactors(p *ui.AccountPage) error {
	if !p.Has[stagedoor.AccountFactors] {
		return nil
	}
	all, err := a.st.AuthenticationMethods(a.r.Context(), a.user.ID)
	if err != nil {
		return err
	}
	for _, m := range all {
		f := ui.AccountFactor{ID: m.ID, Kind: mfa.KindOf(m.Type), Name: m.Name, Created: m.CreatedAt, Used: m.LastUsedAt, Fixed: m.Type == store.TypeRecovery || m.Type == "password"}
		if f.Kind == "" {
			f.Kind = m.Type
		}
		for _, s := range []string{m.PhoneNumber, m.Email} {
			if f.Name == "" {
				f.Name = s
			}
		}
		p.Factors = append(p.Factors, f)
	}
	remembering, err := mfa.RememberingOf(a.r.Context(), a.st)
	if err != nil {
		return err
	}
	idle, overall := remembering.Ages()
	browsers, err := a.st.RememberedBrowsers(a.r.Context(), a.user.ID, idle, overall)
	if err != nil {
		return err
	}
	here := jose.HashToken(session.Remembered(a.r))
	for _, b := range browsers {
		p.Browsers = append(p.Browsers, ui.AccountSession{ID: b.ID, Device: ui.Device(b.UserAgent), IP: b.IP, Place: a.placeIn(p.Lang, b.IP), Began: b.CreatedAt, Used: b.UsedAt, Here: b.ID == here})
	}
	settings, asks, err := a.factorsIn(all)
	p.Addable, p.Recovers = mfa.Enrollable(settings.On), asks && settings.Has(mfa.Recovery)
	return err
}

// placeIn is where an address is, in words of a language.
func (a *account) placeIn(lang, ip string) string {
	place := a.st.PlaceIn(ip, lang)
	if place == nil {
		return ""
	}
	return strings.Join(slices.DeleteFunc([]string{place.CityName, place.CountryName}, func(name string) bool { return name == "" }), ", ")
}

func (a *account) fillSessions(p *ui.AccountPage) error {
	if !p.Has[stagedoor.AccountSessions] {
		return nil
	}
	all, err := a.st.UserSessions(a.r.Context(), a.user.ID)
	if err != nil {
		return err
	}
	var ids []string
	for _, s := range all {
		ids = append(ids, s.Clients...)
	}
	called, err := a.st.ClientNames(a.r.Context(), ids)
	if err != nil {
		return err
	}
	for _, s := range all {
		var names []string
		for _, id := range s.Clients {
			if name := called[id]; name != "" {
				names = append(names, name)
			}
		}
		p.Sessions = append(p.Sessions, ui.AccountSession{
			ID: s.ID, Device: ui.Device(s.LastUserAgent), IP: s.LastIP, Place: a.placeIn(p.Lang, s.LastIP), Began: s.CreatedAt, Used: s.LastInteractionAt, Here: s.ID == a.session.ID, Programs: strings.Join(names, ", "),
		})
	}
	sort.SliceStable(p.Sessions, func(i, j int) bool {
		if x, y := p.Sessions[i], p.Sessions[j]; x.Here != y.Here {
			return x.Here
		} else {
			return x.Used.After(y.Used)
		}
	})
	return nil
}

func (a *account) fillClients(p *ui.AccountPage) error {
	if !p.Has[stagedoor.AccountClients] {
		return nil
	}
	grants, tokens, err := a.access()
	if err != nil {
		return err
	}
	var ids []string
	for _, g := range grants {
		ids = append(ids, g.ClientID)
	}
	for _, t := range tokens {
		ids = append(ids, t.ClientID)
	}
	sessions, err := a.st.UserSessions(a.r.Context(), a.user.ID)
	if err != nil {
		return err
	}
	var online []string // clients that keep access as long as a session goes on
	for _, s := range sessions {
		for id, turn := range s.Online {
			if turn > 0 {
				online = append(online, id)
			}
		}
	}
	ids = append(ids, online...)
	called, err := a.st.ClientNames(a.r.Context(), ids)
	if err != nil {
		return err
	}
	found := map[string]*ui.AccountClient{}
	of := func(id string) *ui.AccountClient {
		if found[id] == nil {
			found[id] = &ui.AccountClient{ID: id, Name: cmp.Or(called[id], id)}
		}
		return found[id]
	}
	for _, g := range grants {
		c := of(g.ClientID)
		for _, group := range (ui.ConsentPage{Frame: a.frame, Scopes: scopesOf(g.Scope)}).Groups() {
			c.Scopes = append(c.Scopes, group.Title)
		}
	}
	for _, t := range tokens {
		c := of(t.ClientID)
		c.Keeps = true
		for _, at := range []time.Time{t.CreatedAt, t.LastUsedAt} {
			if at.After(c.Used) {
				c.Used = at
			}
		}
	}
	for _, id := range online {
		of(id)
	}
	for _, c := range found {
		slices.Sort(c.Scopes)
		c.Scopes = slices.Compact(c.Scopes)
		p.Clients = append(p.Clients, *c)
	}
	sort.Slice(p.Clients, func(i, j int) bool { return p.Clients[i].Name+p.Clients[i].ID < p.Clients[j].Name+p.Clients[j].ID })
	return nil
}

func scopesOf(values []string) []ui.Scope {
	var out []ui.Scope
	for _, v := range values {
		if v != "offline_access" {
			out = append(out, ui.Scope{Value: v})
		}
	}
	return out
}

// access is what the person has let clients do, and what clients keep of it.
func (a *account) access() ([]stagedoor.Grant, []stagedoor.RefreshToken, error) {
	grants, err := a.st.UserGrants(a.r.Context(), a.user.ID, "")
	if err != nil {
		return nil, nil, err
	}
	tokens, err := a.st.UserRefreshTokens(a.r.Context(), a.user.ID)
	return grants, tokens, err
}

func (a *account) fillIdentities(p *ui.AccountPage) error {
	if !p.Has[stagedoor.AccountIdentities] {
		return nil
	}
	for i, one := range a.user.Identities {
		name, _ := one.ProfileData["email"].(string)
		if name == "" {
			name, _ = one.ProfileData["name"].(string)
		}
		if name == "" && i == 0 {
			name = shown(a.user)
		}
		provider := one.Connection
		if c, err := a.st.ConnectionByName(a.r.Context(), one.Connection); err == nil {
			provider = connection.Title(c)
			if c.Strategy == stagedoor.StrategyDatabase && c.DisplayName == "" {
				provider = p.T("form.password") // its name is for those who run it
			}
		}
		p.Identities = append(p.Identities, ui.AccountIdentity{Provider: provider, ID: one.FullID(), Name: name, Main: i == 0})
	}
	return nil
}

// fillConnected lists the accounts at other providers that programs may act in: they have access as those do that the person has let in here.
func (a *account) fillConnected(p *ui.AccountPage) error {
	if !p.Has[stagedoor.AccountClients] {
		return nil
	}
	all, err := a.st.ConnectedAccounts(a.r.Context(), a.user.ID)
	if err != nil || len(all) == 0 {
		return err
	}
	connections, err := a.st.Connections(a.r.Context())
	if err != nil {
		return err
	}
	for _, one := range all {
		e := ui.AccountElsewhere{ID: one.ID, Provider: one.ConnectionID, Name: strings.Join(one.Names, ", "), Scopes: one.Scopes, Created: one.CreatedAt, Used: one.LastUsedAt}
		if e.Name == "" {
			e.Name = one.Account
		}
		if i := slices.IndexFunc(connections, func(c stagedoor.Connection) bool { return c.ID == one.ConnectionID }); i >= 0 {
			e.Provider = connection.Title(&connections[i])
		}
		p.Connected = append(p.Connected, e)
	}
	return nil
}

// accountEvents are the events of the log that the page tells in plain words.
var accountEvents = map[string]struct {
	key      string
	alarming bool
}{
	"s": {"login", false}, "fp": {"wrong_password", true}, "f": {"failed", true}, "slo": {"logout", false}, "ss": {"signup", false}, "scp": {"password", false},
	"scpr": {"reset", false}, "sce": {"email", false}, "scu": {"username", false}, "sv": {"verified", false}, "limit_wc": {"locked", true}, "limit_mu": {"locked", true},
	"gd_auth_succeed": {"factor", false}, "gd_auth_failed": {"factor_failed", true}, "gd_enrollment_complete": {"factor_added", false}, "gd_unenroll": {"factor_removed", false},
	"gd_recovery_succeed": {"recovery", true}, "gd_recovery_failed": {"factor_failed", true},
}

// mostEvents is how many events the page shows, of so many newest of the person: an app renews its tokens often, which the page does not tell.
const (
	mostEvents  = 20
	amongEvents = 1000
)

func (a *account) fillEvents(p *ui.AccountPage) error {
	if !p.Has[stagedoor.AccountActivity] {
		return nil
	}
	all, err := a.st.UserLogs(a.r.Context(), a.user.ID, slices.Sorted(maps.Keys(accountEvents)), mostEvents, amongEvents)
	if err != nil {
		return err
	}
	for _, e := range all {
		known := accountEvents[e.Type]
		p.Events = append(p.Events, ui.AccountEvent{Key: known.key, Alarming: known.alarming, At: e.Date, IP: e.IP, Place: a.placeIn(p.Lang, e.IP), Device: ui.Device(e.UserAgent)})
	}
	return nil
}
