package saml

import (
	"crypto/x509"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// settings are those of an addon (object shapes section 2), under which those of scripts lie (extensibility fact sheet 1.16 and 3.6). What is of
// another shape than it should be counts as if it were not there.
type settings map[string]json.RawMessage

// addonOf is what an addon of a client says, and whether the client has it.
func addonOf(c *stagedoor.Client, protocol string) (settings, bool) {
	var all map[string]json.RawMessage
	var s settings
	if json.Unmarshal(c.Stored["addons"], &all) != nil || json.Unmarshal(all[protocol], &s) != nil || s == nil {
		return nil, false
	}
	return s, true
}

// scriptMappings is where the mappings of rules lie, which run the other way than those of the addon.
const scriptMappings = "mappings of scripts"

// with are the settings with those of scripts in their place.
func (s settings) with(said map[string]json.RawMessage) settings {
	out := maps.Clone(s)
	if out == nil {
		out = settings{}
	}
	for name, value := range said {
		switch {
		case name == "mappings":
			name = scriptMappings
		case name == "RelayState":
			name = "relayState"
		}
		out[name] = value
	}
	return out
}

func (s settings) text(name, otherwise string) string {
	var v string
	if json.Unmarshal(s[name], &v) != nil || v == "" {
		return otherwise
	}
	return v
}

func (s settings) flag(name string, otherwise bool) bool {
	var v *bool
	if json.Unmarshal(s[name], &v) != nil || v == nil {
		return otherwise
	}
	return *v
}

// texts reads a list of texts, or one.
func (s settings) texts(name string, otherwise []string) []string {
	if list := textsOf(s[name]); len(list) > 0 {
		return list
	}
	return otherwise
}

func textsOf(raw json.RawMessage) []string {
	var list []string
	var one string
	if json.Unmarshal(raw, &list) == nil && list != nil {
		return list
	}
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	return nil
}

// maxLife bounds how long an assertion may be good.
const maxLife = 7 * 24 * time.Hour

// life is how long an assertion is good.
func (s settings) life() time.Duration {
	var n float64
	if json.Unmarshal(s["lifetimeInSeconds"], &n) != nil || n < 1 {
		n = 3600
	}
	return min(time.Duration(min(n, 1e9))*time.Second, maxLife)
}

// certificates are those with which the client signs what it sends.
func (s settings) certificates() []*x509.Certificate {
	return xmlsig.Certificates(s.texts("signingCert", nil)...)
}

// mustSign tells whether the client's messages have to be signed: also where its certificate is none.
func (s settings) mustSign() bool { return len(s.texts("signingCert", nil)) > 0 }

// encryptFor is who alone reads the assertion; nil: it is not encrypted. What was meant to be encrypted and cannot be goes to nobody.
func (s settings) encryptFor() (*xmlsig.Reader, error) {
	given := func(name string) bool {
		v := string(s[name])
		return v != "" && v != "null" && v != `""`
	}
	denied := func(why string) error {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The assertion cannot be encrypted as it was meant to be: %s.", why)
	}
	if !given("encryptionCert") && !given("encryptionPublicKey") {
		return nil, nil
	}
	for _, name := range []string{"encryptionCert", "encryptionPublicKey"} {
		if given(name) && s.text(name, "") == "" {
			return nil, denied(name + " is no text")
		}
	}
	r, err := xmlsig.ReaderOf(s.text("encryptionCert", ""), s.text("encryptionPublicKey", ""))
	if err != nil {
		return nil, denied(err.Error())
	}
	r.GCM = s.text("encryptionAlgorithm", "") == "aes256-gcm"
	return r, nil
}

// slo is where the client is told of a session's end; empty: nowhere.
func (s settings) slo() string {
	var out settings
	_ = json.Unmarshal(s["logout"], &out) // absent is empty
	to := out.text("callback", "")
	if !strings.HasPrefix(to, "https://") && !strings.HasPrefix(to, "http://") {
		return ""
	}
	return to
}

// told tells whether the client hears of a session's end that it did not ask for.
func (s settings) told() bool {
	var out settings
	_ = json.Unmarshal(s["logout"], &out) // absent is empty
	return out.flag("slo_enabled", true) && s.slo() != ""
}

// issuer is who we are to the client.
func (s settings) issuer(st *store.Store) string {
	return s.text("issuer", "urn:"+st.Tenant().Domain())
}

// registered are the addresses that answers may be posted to. Callbacks with a wildcard are held to the address of a request; those with the name of an organization are none.
func (s settings) registered(c *stagedoor.Client) []string {
	all := slices.DeleteFunc(slices.Clone(c.Callbacks), func(a string) bool { return strings.ContainsAny(a, "*{") })
	for _, name := range []string{"destination", "recipient"} {
		if a := s.text(name, ""); a != "" && !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return slices.DeleteFunc(all, func(a string) bool { return !strings.HasPrefix(a, "https://") && !strings.HasPrefix(a, "http://") })
}

// attributes are what actions set one by one; null takes one away.
func (s settings) attributes() map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, value := range s {
		if a, ok := strings.CutPrefix(name, pipeline.AttributePrefix); ok {
			out[a] = value
		}
	}
	return out
}
