package pipeline

import (
	"context"
	"net"
	"net/url"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// consent asks the person whether the client may have what it asked for, where the rules of
// the wire want that (Authentication API fact sheet 7).
func (l *login) consent(ctx context.Context) (string, error) {
	a := l.tx.Result
	needs := l.needsConsent()
	a.Agreed = a.Online && needs
	switch {
	case l.tx.Request.Federation != nil: // what the client is told an administrator has decided
		return "", nil
	case l.tx.Denied:
		return "", stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "User did not authorize the request")
	case l.tx.Consented, !needs:
		return "", nil
	case l.tx.Request.HasPrompt("consent"), len(l.tx.Request.Details) > 0, l.client.FromDocument(): // each time: what is agreed to is this, and no other
		return AskConsent, nil
	}
	g, err := l.st.GrantFor(ctx, a.UserID, a.ClientID, ConsentAudience(l.st, l.api))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return AskConsent, nil
	}
	if err != nil {
		return "", err
	}
	for _, s := range a.Scope {
		if !slices.Contains(g.Scope, s) {
			return AskConsent, nil
		}
	}
	return "", nil
}

// needsConsent tells whether the person's word is needed at all.
func (l *login) needsConsent() bool {
	switch {
	case l.tx.Request.HasPrompt("consent"), !l.client.IsFirstParty, len(l.tx.Request.Details) > 0:
		return true
	case l.api == nil, !l.tx.Request.Conformant:
		return false
	}
	return !(l.api.SkipConsent && (l.client.SkipsConfirmation() || l.verifiable()))
}

// verifiable tells whether nobody else can listen at the redirect URI. On localhost any
// program can, unless the tenant says that it does not matter.
func (l *login) verifiable() bool {
	if l.tx.Request.Device != "" { // whose code the person has confirmed
		return true
	}
	u, err := url.Parse(l.tx.Request.RedirectURI)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return !loopback || l.st.Tenant().Settings.Local.LoopbackIsVerifiable
}

// ConsentAudience is how a consent names what it is for, whatever name of it the client used. api is nil where
// only /userinfo is meant.
func ConsentAudience(st *store.Store, api *stagedoor.ResourceServer) string {
	if api != nil {
		return api.Identifier
	}
	return "https://" + st.Tenant().Domain() + "/userinfo"
}

// Decide takes the person's answer on the consent page.
func (p *Pipeline) Decide(ctx context.Context, v Visit, id, nonce string, accept bool) error {
	tx, err := p.answered(ctx, v, id, AskConsent, nonce)
	if err != nil {
		return err
	}
	tx.Consented, tx.Denied = accept, !accept
	if accept {
		api, err := p.api(ctx, v.Store, tx.Request.Audience)
		if err != nil {
			return err
		}
		if err := v.Store.AddGrant(ctx, tx.UserID, tx.Request.ClientID, ConsentAudience(v.Store, api), tx.Result.Scope); err != nil {
			return err
		}
	}
	tx.Step, tx.Nonce = "", ""
	return v.Store.SaveTransaction(ctx, tx)
}
