package mfa

import (
	"context"
	"net"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The names of the settings of keys (Management API fact sheet 3.18).
const (
	SettingRoaming  = "guardian/webauthn-roaming"
	SettingPlatform = "guardian/webauthn-platform"
)

// Party is who asks for a key (WebAuthn Level 3, section 4: the Relying Party). A key belongs to the id of one party, and signs the origin of
// the page that asked: a page of somebody else's cannot pass on what it got.
type Party struct {
	ID           string   // a host name: that of the request, or a domain above it
	Name         string   // as browsers may show it
	Origins      []string // of the pages, and of apps, that may ask
	Verification string   // discouraged, preferred, required: whether a key makes sure who holds it
}

// PartyOf is who asks for keys of a kind, or for passkeys, at an address of the tenant's. The id is that which the tenant chose for the kind,
// else that of the custom domain, as far as the host name lies within it; else the host name itself.
func PartyOf(ctx context.Context, st *store.Store, issuer, name, kind string) (Party, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return Party{}, err
	}
	host := strings.ToLower(u.Hostname())
	p := Party{ID: host, Name: name, Origins: []string{strings.TrimSuffix(issuer, "/")}, Verification: "preferred"}
	var kept struct {
		Verification string `json:"userVerification"`
		Override     bool   `json:"overrideRelyingParty"`
		RelyingParty string `json:"relyingPartyIdentifier"`
	}
	switch kind {
	case Roaming:
		err = st.Setting(ctx, SettingRoaming, &kept)
	case Platform:
		kept.Verification = "required" // a device's own key is used by a fingerprint, a face or the device's code
		err = st.Setting(ctx, SettingPlatform, &kept)
	default: // a passkey is the only factor: that somebody holds it is not enough
		kept.Verification = "required"
	}
	if err != nil {
		return p, err
	}
	if kept.Verification != "" {
		p.Verification = kept.Verification
	}
	if id := strings.ToLower(kept.RelyingParty); kept.Override && within(host, id) {
		p.ID = id
		return p, nil
	}
	d, err := store.CustomDomainOf(ctx, st, host)
	if d != nil && within(host, d.RelyingParty) {
		p.ID = d.RelyingParty
	}
	return p, err
}

// within tells whether a host name is a domain's or lies within it.
func within(host, domain string) bool {
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain)) && net.ParseIP(host) == nil
}

// library is the party as the library knows it.
func (p Party) library() (*webauthn.WebAuthn, error) {
	if net.ParseIP(p.ID) != nil {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "keys_unavailable", "Keys belong to host names, and this is the address %s.", p.ID)
	}
	return webauthn.New(&webauthn.Config{
		RPID: p.ID, RPDisplayName: p.Name, RPOrigins: p.Origins, AttestationPreference: protocol.PreferNoAttestation,
	})
}
