package mgmt

import (
	"context"
	"crypto/sha1" //nolint:gosec // the wire shows the thumbprint of a public certificate, which protects nothing
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// complete adds to the options what follows from them, as the API that we follow shows it.
func complete(conn *stagedoor.Connection, options freeObject, created bool) error {
	if created && conn.DisplayName == "" && slices.Contains([]string{"oidc", "okta", "waad"}, conn.Strategy) {
		conn.DisplayName = conn.Name
	}
	switch conn.Strategy {
	case "oidc":
		fromMetadata(options)
	case "okta":
		if domain := optionText(options, "domain"); domain != "" {
			for name, path := range map[string]string{
				"issuer": "", "authorization_endpoint": "/oauth2/v1/authorize", "token_endpoint": "/oauth2/v1/token",
				"userinfo_endpoint": "/oauth2/v1/userinfo", "jwks_uri": "/oauth2/v1/keys",
			} {
				fill(options, name, "https://"+domain+path)
			}
		}
	case "samlp", "pingfederate":
		fill(options, "signInEndpoint", optionText(options, "pingFederateBaseUrl"))
		fromProvider(options, conn.Options.Stored)
		describeCertificate(options)
	case "adfs":
		fill(options, "signInEndpoint", passiveEndpoint(optionText(options, "fedMetadataXml")))
	case "google-oauth2":
		googleScopes(options)
	}
	return nil
}

func optionText(options freeObject, name string) string {
	var text string
	_ = json.Unmarshal(options[name], &text) // anything else is no text
	return text
}

// fill sets an option that is absent or null.
func fill(options freeObject, name, value string) {
	if old := options[name]; value == "" || old != nil && string(old) != "null" {
		return
	}
	options[name], _ = json.Marshal(value)
}

// endpoints are the members of an issuer's metadata that are options of their own.
var endpoints = []string{"issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"}

// fromMetadata takes endpoints that were not sent from the issuer's metadata.
func fromMetadata(options freeObject) {
	var metadata freeObject
	if json.Unmarshal(options["oidc_metadata"], &metadata) != nil {
		return
	}
	for _, name := range endpoints {
		fill(options, name, optionText(metadata, name))
	}
}

// providerOptions are what the metadata of an identity provider of SAML say of it, by the options of that meaning.
func providerOptions(options freeObject) map[string]string {
	text := optionText(options, "metadataXml")
	if text == "" {
		return nil
	}
	party, err := xmlsig.ReadMetadata(text, optionText(options, "protocolBinding"))
	if err != nil {
		return nil // nobody can log in by it; that is said when somebody tries
	}
	out := map[string]string{"signInEndpoint": party.SignIn, "signOutEndpoint": party.SignOut}
	if len(party.Certs) > 0 {
		out["signingCert"] = base64.StdEncoding.EncodeToString([]byte(certificatePEM(party.Certs[0].Raw)))
	}
	return out
}

// fromProvider takes what was not sent from the metadata. What only repeats former metadata, as tools send back what they have read, was not sent.
func fromProvider(options, before freeObject) {
	now := providerOptions(options)
	if now == nil {
		return
	}
	if slices.ContainsFunc([]string{"metadataXml", "protocolBinding"}, func(name string) bool { return optionText(before, name) != optionText(options, name) }) {
		for name, value := range providerOptions(before) {
			if optionText(options, name) == value {
				delete(options, name)
			}
		}
	}
	for name, value := range now {
		fill(options, name, value)
	}
}

// discover reads the metadata of an OpenID Connect issuer or an identity provider of SAML where the options do not say the endpoints themselves. It runs before
// anything is written.
func (a *API) discover(ctx context.Context, strategy string, options freeObject) error {
	if address := optionText(options, "metadataUrl"); strategy == "samlp" && address != "" && optionText(options, "metadataXml") == "" {
		body, err := a.fetch(ctx, address)
		if err != nil {
			return err
		}
		if _, err := xmlsig.ReadMetadata(string(body), ""); err != nil {
			return bad("operation_not_supported", "The address "+bounded(address, 300)+" does not answer with the metadata of an identity provider of SAML.")
		}
		options["metadataXml"], err = json.Marshal(string(body))
		return err
	}
	if strategy != "oidc" || options["oidc_metadata"] != nil || optionText(options, "authorization_endpoint") != "" && optionText(options, "jwks_uri") != "" {
		return nil
	}
	address := optionText(options, "discovery_url")
	if issuer := optionText(options, "issuer"); address == "" && issuer != "" {
		address = strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	}
	if address == "" {
		return nil
	}
	body, err := a.fetch(ctx, address)
	if err != nil {
		return err
	}
	var metadata freeObject
	if json.Unmarshal(body, &metadata) != nil || optionText(metadata, "issuer") == "" || optionText(metadata, "jwks_uri") == "" {
		return bad("operation_not_supported", "The address "+bounded(address, 300)+" does not answer with the metadata of an OpenID Connect issuer.")
	}
	options["oidc_metadata"] = body
	return nil
}

// maxFetched bounds a document that is read from elsewhere, in bytes.
const maxFetched = 256 << 10

// fetch reads a document through the client that leaves the house, or takes it from what was read ahead.
func (a *API) fetch(ctx context.Context, address string) ([]byte, error) {
	if ahead, is := ctx.Value(aheadKey{}).(*Ahead); is {
		return ahead.take(address)
	}
	return a.fetchNow(ctx, address)
}

func (a *API) fetchNow(ctx context.Context, address string) ([]byte, error) {
	unreachable := func(why string) error {
		return bad("operation_not_supported", "The document at "+bounded(address, 300)+" could not be read: "+why+".")
	}
	if a.HTTP == nil {
		return nil, unreachable("this server makes no outbound calls")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || !isSecure(address) || r.URL.User != nil {
		return nil, unreachable("it is not an https address")
	}
	r.Header.Set("Accept", "application/json, application/samlmetadata+xml, */*;q=0.8")
	resp, err := a.HTTP.Do(r)
	if err != nil {
		a.Log.InfoContext(ctx, "a document could not be fetched", "address", address, "error", err)
		// Whether it is a name of the network that the server stands in is not told: members of organizations ask, too.
		return nil, unreachable("there was no answer, or its address is not public and the operator of this server has not allowed it (--outbound-allow)")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFetched+1))
	switch {
	case err != nil:
		return nil, unreachable("the answer broke off")
	case resp.StatusCode != http.StatusOK:
		return nil, unreachable("the answer was " + itoa(resp.StatusCode))
	case len(body) > maxFetched:
		return nil, unreachable("it is too large")
	}
	return body, nil
}

// subjectNames are the names under which the parts of a certificate's subject are shown.
var subjectNames = map[string]string{
	"2.5.4.3": "commonName", "2.5.4.6": "countryName", "2.5.4.7": "localityName", "2.5.4.8": "stateOrProvinceName",
	"2.5.4.10": "organizationName", "2.5.4.11": "organizationalUnitName", "1.2.840.113549.1.9.1": "emailAddress",
}

// describeCertificate adds what the certificate of an identity provider says of itself.
func describeCertificate(options freeObject) {
	text := optionText(options, "signingCert")
	if text == "" {
		text = optionText(options, "cert")
	}
	certs := xmlsig.Certificates(text)
	if len(certs) == 0 {
		return
	}
	cert := certs[0]
	subject := map[string]string{}
	for _, part := range cert.Subject.Names {
		if name, value := subjectNames[part.Type.String()], part.Value; name != "" {
			subject[name], _ = value.(string)
		}
	}
	sum := sha1.Sum(cert.Raw) //nolint:gosec // see above
	for name, value := range map[string]any{
		"subject": subject, "expires": stagedoor.FormatTime(cert.NotAfter), "thumbprints": []string{hex.EncodeToString(sum[:])}, "cert": text,
	} {
		options[name], _ = json.Marshal(value)
	}
}

// passiveEndpoint finds the address at which WS-Federation metadata lets people sign in.
func passiveEndpoint(metadata string) string {
	dec := xml.NewDecoder(strings.NewReader(metadata))
	within := false
	for {
		t, err := dec.Token()
		if err != nil {
			return ""
		}
		switch t := t.(type) {
		case xml.StartElement:
			within = within || t.Name.Local == "PassiveRequestorEndpoint"
			var address string
			if within && t.Name.Local == "Address" && dec.DecodeElement(&address, &t) == nil {
				return strings.TrimSpace(address)
			}
		case xml.EndElement:
			within = within && t.Name.Local != "PassiveRequestorEndpoint"
		}
	}
}

// googleScopes makes the list of scopes of its switches, unless a list was sent.
func googleScopes(options freeObject) {
	scopes := []string{}
	for _, s := range []struct{ option, scope string }{
		{"profile", "profile"},
		{"calendar", "https://www.googleapis.com/auth/calendar"},
		{"contacts", "https://www.google.com/m8/feeds/"},
		{"gmail", "https://mail.google.com/"},
		{"drive", "https://www.googleapis.com/auth/drive"},
		{"youtube", "https://www.googleapis.com/auth/youtube"},
		{"email", "email"},
	} {
		if string(options[s.option]) == "true" {
			scopes = append(scopes, s.scope)
		}
	}
	if string(options["scope"]) == strategies["google-oauth2"].defaults["scope"] {
		options["scope"], _ = json.Marshal(scopes)
	}
}
