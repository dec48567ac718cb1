package mgmt

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/web"
)

// maxCredentials bounds the credentials of a client.
const maxCredentials = 20

// credentialIn is a credential as it is created, or, in the update of a client, the id of one that is there.
type credentialIn struct {
	ID          web.Opt[string] `json:"id" schema:"notnull,min=1,max=255" doc:"Credential ID"`
	Type        string          `json:"credential_type" schema:"enum=public_key|cert_subject_dn|x509_cert" doc:"The type of credential"`
	Name        web.Opt[string] `json:"name" schema:"max=128" doc:"The name given to the credential by the user"`
	PEM         string          `json:"pem" schema:"max=65536" doc:"PEM-formatted public key (SPKI and PKCS1) or X509 certificate"`
	SubjectDN   string          `json:"subject_dn" schema:"max=256" doc:"Subject Distinguished Name"`
	Algorithm   string          `json:"alg" schema:"enum=RS256|RS384|PS256|PS384|ES256|ES384" doc:"Algorithm which will be used with the credential"`
	ParseExpiry bool            `json:"parse_expiry_from_cert" doc:"Parse expiry from x509 certificate"`
	ExpiresAt   web.Opt[string] `json:"expires_at" doc:"The ISO 8601 formatted date representing the expiration of the credential"`
	KID         web.Opt[string] `json:"kid" schema:"min=10,max=64" pattern:"^([0-9a-zA-Z-_]{10,64})$" doc:"Optional kid (Key ID), used to uniquely identify the credential"`
}

type clientAuthenticationIn struct {
	_             struct{}                  `schema:"min=1,max=1"`
	PrivateKeyJWT web.Opt[credentialListIn] `json:"private_key_jwt" schema:"notnull"`
	TLS           web.Opt[credentialListIn] `json:"tls_client_auth" schema:"notnull"`
	SelfSignedTLS web.Opt[credentialListIn] `json:"self_signed_tls_client_auth" schema:"notnull"`
}

type credentialListIn struct {
	Credentials []credentialIn `json:"credentials" schema:"required,max=2"`
}

type signedRequestIn struct {
	Required    web.Opt[bool]           `json:"required" schema:"notnull"`
	Credentials web.Opt[[]credentialIn] `json:"credentials" schema:"max=2"`
}

// credential makes a credential of what was sent (Management API fact sheet 3.4).
func (in *credentialIn) credential(path string, now time.Time) (stagedoor.ClientCredential, error) {
	at := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	c := stagedoor.ClientCredential{
		ID: stagedoor.NewCredentialID(), Name: in.Name.Value, Type: in.Type, CreatedAt: now, UpdatedAt: now,
	}
	if in.ExpiresAt.Has() {
		t, err := time.Parse(time.RFC3339, in.ExpiresAt.Value)
		if err != nil || !t.After(now) {
			return c, badProperty(at("expires_at"), "Object didn't pass validation for format date-time: "+bounded(in.ExpiresAt.Value, 100))
		}
		c.ExpiresAt = &t
	}
	if in.Type == "" {
		return c, badProperty(path, "Missing required property: credential_type")
	}
	if in.Type == "cert_subject_dn" && in.SubjectDN != "" && in.PEM == "" {
		c.SubjectDN = in.SubjectDN
		return c, nil
	}
	if in.PEM == "" {
		return c, badProperty(path, "Missing required property: pem")
	}
	key, err := jose.ParsePublicPEM([]byte(in.PEM))
	if err != nil {
		return c, badProperty(at("pem"), "Object didn't pass validation for format pem")
	}
	if in.Type != "public_key" && key.Cert == nil {
		return c, badProperty(at("pem"), "The credential needs an X.509 certificate")
	}
	switch in.Type {
	case "public_key":
		if c.Algorithm = in.Algorithm; c.Algorithm == "" {
			c.Algorithm = jose.RS256
		}
		if !key.Does(c.Algorithm) {
			return c, badProperty(at("pem"), "The key cannot be used with algorithm "+c.Algorithm)
		}
		c.KID = in.KID.Or(key.Thumbprint())
		c.PEM = in.PEM
		if in.ParseExpiry && key.Cert != nil && c.ExpiresAt == nil {
			c.ExpiresAt = &key.Cert.NotAfter
		}
	case "cert_subject_dn":
		c.SubjectDN = jose.SubjectLines(key.Cert)
	case "x509_cert":
		c.Thumbprint, c.PEM, c.ExpiresAt = jose.CertificateThumbprint(key.Cert), in.PEM, &key.Cert.NotAfter
	}
	return c, nil
}

// shownCredential is a credential as the wire has it.
type shownCredential struct {
	ID         string  `json:"id"`
	Name       string  `json:"name,omitempty"`
	Type       string  `json:"credential_type"`
	KID        string  `json:"kid,omitempty"`
	Algorithm  string  `json:"alg,omitempty"`
	SubjectDN  string  `json:"subject_dn,omitempty"`
	Thumbprint string  `json:"thumbprint_sha256,omitempty"`
	CreatedAt  string  `json:"created_at"`
	UpdatedAt  string  `json:"updated_at"`
	ExpiresAt  *string `json:"expires_at,omitempty"`
}

func showCredential(c stagedoor.ClientCredential) shownCredential {
	out := shownCredential{
		c.ID, c.Name, c.Type, c.KID, c.Algorithm, c.SubjectDN, c.Thumbprint, stagedoor.FormatTime(c.CreatedAt), stagedoor.FormatTime(c.UpdatedAt), nil,
	}
	if c.ExpiresAt != nil {
		text := stagedoor.FormatTime(*c.ExpiresAt)
		out.ExpiresAt = &text
	}
	return out
}

// applyCredentials copies how the client proves itself and what it must do. Creation takes whole credentials, updates the ids
// of such that are there.
func (in *clientIn) applyCredentials(c *stagedoor.Client, created bool, now time.Time) error {
	if in.AuthenticationMethods.Has() && in.TokenEndpointAuthMethod.Has() {
		return bad("invalid_body", "Payload validation error: 'client_authentication_methods and token_endpoint_auth_method cannot be set at the same time'.")
	}
	ids := func(path string, list []credentialIn) ([]stagedoor.CredentialID, error) {
		return in.credentialIDs(c, path, list, created, now)
	}
	switch {
	case in.AuthenticationMethods.Null:
		c.AuthenticationMethods = nil
	case in.AuthenticationMethods.Set:
		c.AuthenticationMethods = &stagedoor.ClientAuthentication{}
		c.TokenEndpointAuthMethod = ""
		methods := in.AuthenticationMethods.Value
		for _, m := range []struct {
			name string
			in   web.Opt[credentialListIn]
			to   **stagedoor.CredentialList
			kind string
		}{
			{"private_key_jwt", methods.PrivateKeyJWT, &c.AuthenticationMethods.PrivateKeyJWT, "public_key"},
			{"tls_client_auth", methods.TLS, &c.AuthenticationMethods.TLS, "cert_subject_dn"},
			{"self_signed_tls_client_auth", methods.SelfSignedTLS, &c.AuthenticationMethods.SelfSignedTLS, "x509_cert"},
		} {
			if !m.in.Has() {
				continue
			}
			path := "client_authentication_methods." + m.name + ".credentials"
			found, err := ids(path, m.in.Value.Credentials)
			if err != nil {
				return err
			}
			for i, id := range found {
				if c.Credential(id.ID).Type != m.kind {
					return badProperty(path+"["+itoa(i)+"].credential_type", "No enum match for: "+c.Credential(id.ID).Type)
				}
			}
			*m.to = &stagedoor.CredentialList{Credentials: found}
		}
		switch c.JWTConfiguration.Algorithm {
		case jose.HS256:
			return badProperty("jwt_configuration.alg", "Clients that authenticate with keys need an asymmetric algorithm, not HS256")
		case "":
			c.JWTConfiguration.Algorithm = jose.RS256
		}
	case in.TokenEndpointAuthMethod.Has() && c.AuthenticationMethods != nil && len(c.AuthenticationMethods.Lists()) > 0:
		return bad("invalid_body", "Payload validation error: 'client_authentication_methods and token_endpoint_auth_method cannot be set at the same time'.")
	}
	if err := in.applyRequests(c, ids); err != nil {
		return err
	}
	return in.applyTokenVault(c, ids, created)
}

type idsOf func(path string, list []credentialIn) ([]stagedoor.CredentialID, error)

func (in *clientIn) applyRequests(c *stagedoor.Client, ids idsOf) error {
	if in.SignedRequestObject.Null {
		c.SignedRequestObject = nil
	} else if in.SignedRequestObject.Set {
		s := stagedoor.SignedRequestObject{}
		if c.SignedRequestObject != nil {
			s = *c.SignedRequestObject
		}
		in.SignedRequestObject.Value.Required.Into(&s.Required)
		if list := in.SignedRequestObject.Value.Credentials; list.Null {
			s.Credentials = nil
		} else if list.Set {
			found, err := ids("signed_request_object.credentials", list.Value)
			if err != nil {
				return err
			}
			s.Credentials = found
		}
		c.SignedRequestObject = &s
	}
	copyFlag(in.RequirePAR, &c.RequirePAR)
	copyFlag(in.RequireProof, &c.RequireProofOfPossession)
	in.ComplianceLevel.Into(&c.ComplianceLevel)
	return nil
}

// copyFlag copies a flag that may be absent.
func copyFlag(from web.Opt[bool], to **bool) {
	if from.Null {
		*to = nil
	} else if from.Set {
		*to = &from.Value
	}
}

func (in *clientIn) applyTokenVault(c *stagedoor.Client, ids idsOf, created bool) error {
	const name = "token_vault_privileged_access"
	if in.TokenVault.Null {
		delete(c.Stored, name)
	}
	if !in.TokenVault.Has() {
		return nil
	}
	vault := in.TokenVault.Value
	if err := vault.check(created); err != nil {
		return err
	}
	found, err := ids(name+".credentials", vault.Credentials)
	if err != nil {
		return err
	}
	kept, err := json.Marshal(map[string]any{"credentials": found, "ip_allowlist": vault.IPAllowlist, "grants": vault.Grants})
	if err != nil {
		return err
	}
	keepStored(&c.Stored, map[string]json.RawMessage{name: kept})
	return nil
}

func (in *clientIn) credentialIDs(c *stagedoor.Client, path string, list []credentialIn, created bool, now time.Time) ([]stagedoor.CredentialID, error) {
	out := []stagedoor.CredentialID{}
	for i := range list {
		item, at := &list[i], path+"["+itoa(i)+"]"
		if !created {
			switch {
			case !item.ID.Has():
				return nil, badProperty(at, "Missing required property: id")
			case item.Type != "" || item.PEM != "":
				return nil, web.Unknown(at, "credential_type", "pem").Body()
			case c.Credential(item.ID.Value) == nil:
				return nil, badProperty(at+".id", "The credential does not exist: "+bounded(item.ID.Value, 100))
			}
			out = append(out, stagedoor.CredentialID{ID: item.ID.Value})
			continue
		}
		if item.ID.Set {
			return nil, web.Unknown(at, "id").Body()
		}
		made, err := item.credential(at, now)
		if err != nil {
			return nil, err
		}
		if err := addCredential(c, made); err != nil {
			return nil, err
		}
		out = append(out, stagedoor.CredentialID{ID: made.ID})
	}
	return out, nil
}

// addCredential adds a credential whose kid, if it has one, nobody else of the client has.
func addCredential(c *stagedoor.Client, made stagedoor.ClientCredential) error {
	if made.KID != "" && slices.ContainsFunc(c.Credentials, func(o stagedoor.ClientCredential) bool { return o.KID == made.KID }) {
		return stagedoor.Errorf(stagedoor.Conflict, "credential_conflict", "A credential with the same kid already exists")
	}
	if len(c.Credentials) >= maxCredentials {
		return bad("operation_not_supported", "A client has at most "+itoa(maxCredentials)+" credentials.")
	}
	c.Credentials = append(slices.Clone(c.Credentials), made)
	return nil
}

func errCredential() error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_client_credential", "The credential does not exist.")
}

// clientIDInPath is the client's id in the paths of its credentials.
func (c *call) clientIDInPath() string { return c.r.PathValue("client_id") }

func (c *call) credentialID() string { return c.r.PathValue("credential_id") }

// listCredentials answers all credentials; paging parameters are taken and change nothing, as SDKs send them.
func (a *API) listCredentials(c *call, _ web.Paging) (any, error) {
	cl, err := c.store.Client(c.ctx(), c.clientIDInPath())
	if err != nil {
		return nil, err
	}
	out := []shownCredential{}
	for _, cred := range cl.Credentials {
		out = append(out, showCredential(cred))
	}
	return out, nil
}

func (a *API) readCredential(c *call) (any, error) {
	cl, err := c.store.Client(c.ctx(), c.clientIDInPath())
	if err != nil {
		return nil, err
	}
	cred := cl.Credential(c.credentialID())
	if cred == nil {
		return nil, errCredential()
	}
	return showCredential(*cred), nil
}

func (a *API) createCredential(c *call, in credentialIn) (any, error) {
	if in.ID.Set {
		return nil, web.Unknown("", "id").Body()
	}
	made, err := in.credential("", a.Clock.Now())
	if err != nil {
		return nil, err
	}
	_, err = c.store.UpdateClient(c.ctx(), c.clientIDInPath(), func(cl *stagedoor.Client) error { return addCredential(cl, made) })
	if err != nil {
		return nil, err
	}
	return showCredential(made), nil
}

// updateCredentialIn is what can be changed of a credential: when it ends.
type updateCredentialIn struct {
	_         struct{}        `schema:"min=1"`
	ExpiresAt web.Opt[string] `json:"expires_at" doc:"The ISO 8601 formatted date representing the expiration of the credential"`
}

func (a *API) updateCredential(c *call, in updateCredentialIn) (any, error) {
	var until *time.Time
	if in.ExpiresAt.Has() {
		t, err := time.Parse(time.RFC3339, in.ExpiresAt.Value)
		if err != nil {
			return nil, badProperty("expires_at", "Object didn't pass validation for format date-time: "+bounded(in.ExpiresAt.Value, 100))
		}
		until = &t
	}
	var changed stagedoor.ClientCredential
	_, err := c.store.UpdateClient(c.ctx(), c.clientIDInPath(), func(cl *stagedoor.Client) error {
		cred := cl.Credential(c.credentialID())
		if cred == nil {
			return errCredential()
		}
		if in.ExpiresAt.Set {
			cred.ExpiresAt = until
		}
		cred.UpdatedAt = a.Clock.Now()
		changed = *cred
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showCredential(changed), nil
}

// deleteCredential removes a credential, unless the client is known by it.
func (a *API) deleteCredential(c *call) (any, error) {
	id := c.credentialID()
	_, err := c.store.UpdateClient(c.ctx(), c.clientIDInPath(), func(cl *stagedoor.Client) error {
		for _, list := range cl.AuthenticationMethods.Lists() {
			if list.Names(id) {
				return bad("operation_not_supported", "The credential is in use by the client.")
			}
		}
		if cl.SignedRequestObject != nil && slices.Contains(cl.SignedRequestObject.Credentials, stagedoor.CredentialID{ID: id}) {
			return bad("operation_not_supported", "The credential is in use by the client.")
		}
		at := slices.IndexFunc(cl.Credentials, func(o stagedoor.ClientCredential) bool { return o.ID == id })
		if at < 0 {
			return errCredential()
		}
		cl.Credentials = slices.Delete(cl.Credentials, at, at+1)
		return nil
	})
	if stagedoor.HasCode(err, "inexistent_client_credential") || stagedoor.HasCode(err, "inexistent_client") {
		return nil, nil
	}
	return nil, err
}
