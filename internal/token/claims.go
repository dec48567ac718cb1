package token

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// maxCustomClaims bounds what scripts may add to one token, names and values, in bytes
// (Authentication API fact sheet 5.5).
const maxCustomClaims = 100 << 10

// protected are the claims that no script and no profile property may set.
var protected = strings.Fields(`acr act active amr at_hash ath attest aud auth_time authorization_details azp c_hash
	client_id cnf cty dest entitlements events exp groups gty htm htu iat internalService iss jcard jku jti jwe jwk kid
	may_act mky nbf nonce object_id org_id org_name orig origid permissions roles rph s_hash sid sip_callid sip_cseq_num
	sip_date sip_from_tag sip_via_branch sub sub_jwk toe txn typ uuid vot vtm x5t#S256`)

// core are the protected claims that stay so for clients of the old kind, whose rules may set roles and groups.
var core = strings.Fields("iss sub aud exp iat nbf jti azp nonce at_hash c_hash sid auth_time acr amr cnf")

// profileClaims are the claims of OpenID Connect that a scope stands for; a script may override them only
// where the scope was granted.
var profileClaims = map[string]string{
	"address": "address", "birthdate": "profile", "email": "email", "email_verified": "email", "family_name": "profile",
	"gender": "profile", "given_name": "profile", "locale": "profile", "middle_name": "profile", "name": "profile",
	"nickname": "profile", "phone_number": "phone", "phone_number_verified": "phone", "picture": "profile",
	"preferred_username": "profile", "profile": "profile", "updated_at": "profile", "website": "profile", "zoneinfo": "profile",
}

// Custom returns the claims that a script may set on a token with these scopes. Reserved names and
// namespaces are left out silently, as the wire does.
func Custom(claims map[string]json.RawMessage, scope []string, conformant bool) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	size := 0
	for name, value := range claims {
		if !mayBeSet(name, scope, conformant) || string(value) == "" {
			continue
		}
		size += len(name) + len(value)
		out[name] = value
	}
	if size > maxCustomClaims {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Custom claims exceed the limit of %d bytes.", maxCustomClaims)
	}
	return out, nil
}

func mayBeSet(name string, scope []string, conformant bool) bool {
	if name == "__proto__" { // whoever reads the token with JavaScript may get another prototype, not a claim
		return false
	}
	if !conformant {
		return !slices.Contains(core, name)
	}
	if slices.Contains(protected, name) || strings.HasPrefix(strings.ToLower(name), "urn:auth0") {
		return false
	}
	if needs, ok := profileClaims[name]; ok {
		return slices.Contains(scope, needs)
	}
	if u, err := url.Parse(name); err == nil && u.Host != "" {
		name := strings.ToLower(u.Hostname())
		for _, host := range []string{"auth0.com", "webtask.io", "webtask.run"} {
			if name == host || strings.HasSuffix(name, "."+host) {
				return false
			}
		}
	}
	return true
}

// UserClaims returns what the scopes of an Authorization say of its user: for conformant clients the claims
// of OpenID Connect, for others the properties of the profile that scope names, as it
// stands after rules.
func UserClaims(u *stagedoor.User, a *stagedoor.Authorization) map[string]any {
	claims := map[string]any{}
	if a.Conformant {
		standardClaims(claims, u, a.Scope)
	} else {
		legacyClaims(claims, a)
	}
	for name, value := range a.IDClaims {
		claims[name] = value
	}
	return claims
}

// organizationClaims adds the organization that the tokens are for.
func organizationClaims(claims map[string]any, a *stagedoor.Authorization) {
	for name, value := range map[string]string{"org_id": a.OrgID, "org_name": a.OrgName} {
		delete(claims, name)
		if value != "" {
			claims[name] = value
		}
	}
}

// UserInfo returns what /userinfo says of a conformant client's user: claims by scope, and the organization.
func UserInfo(u *stagedoor.User, a *stagedoor.Authorization) map[string]any {
	claims := UserClaims(u, a)
	organizationClaims(claims, a)
	return claims
}

func standardClaims(claims map[string]any, u *stagedoor.User, scope []string) {
	set := func(name, value string) {
		if value != "" {
			claims[name] = value
		}
	}
	for _, s := range scope {
		switch s {
		case "profile":
			set("name", u.Name)
			set("nickname", u.Nickname)
			set("given_name", u.GivenName)
			set("family_name", u.FamilyName)
			set("preferred_username", u.Username)
			set("picture", u.Picture)
			claims["updated_at"] = stagedoor.FormatTime(u.LastChange())
		case "email":
			if u.Email != "" {
				claims["email"], claims["email_verified"] = u.Email, u.EmailVerified
			}
		case "phone":
			if u.PhoneNumber != "" {
				claims["phone_number"], claims["phone_number_verified"] = u.PhoneNumber, u.PhoneVerified
			}
		}
	}
}

// legacyClaims copies the properties of the profile that scope names; the scope profile means all of them.
func legacyClaims(claims map[string]any, a *stagedoor.Authorization) {
	var profile map[string]json.RawMessage
	if json.Unmarshal(a.Profile, &profile) != nil {
		return
	}
	for name, value := range profile {
		named := a.HasScope(name) || a.HasScope("profile") || name == "email_verified" && a.HasScope("email")
		if named && !slices.Contains(core, name) && name != "openid" && name != "offline_access" {
			claims[name] = value
		}
	}
}
