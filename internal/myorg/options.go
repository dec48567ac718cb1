package myorg

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/bearer"
	"github.com/stagedoor/stagedoor/internal/web"
)

// options are those of a connection, or of an identity provider as this API has it.
type options = map[string]json.RawMessage

// kind is a strategy that identity providers can have.
type kind struct {
	check   func(options) error
	shown   []string          // options that members see
	hidden  []string          // further ones that they set
	follows []string          // options that follow from theirs, and go when those change
	also    map[string]string // the option that has the same value
	mapping string            // the option that says which values become which of a user's; empty: none is made here
	more    options           // what connections that are made here have besides
}

type (
	adfsOptions struct {
		Server   web.Opt[string] `json:"adfs_server" schema:"notnull,max=255" pattern:"^[A-Za-z0-9.:-]+$" doc:"The host name of the server"`
		Metadata web.Opt[string] `json:"fedMetadataXml" schema:"notnull,min=1" doc:"The metadata of the server"`
	}
	googleOptions struct {
		Domain string          `json:"domain" schema:"required,min=1,max=255" doc:"The domain at Google"`
		ID     string          `json:"client_id" schema:"required,min=1,max=2048" doc:"Who we are there"`
		Secret string          `json:"client_secret" schema:"required,min=1,max=2048" doc:"The secret of the client"`
		Icon   web.Opt[string] `json:"icon_url" schema:"notnull,max=2048" pattern:"^https://" doc:"The picture on the button"`
	}
	oidcOptions struct {
		Type      string          `json:"type" schema:"required,enum=front_channel|back_channel" doc:"Which way tokens come"`
		ID        string          `json:"client_id" schema:"required,min=1,max=2048" doc:"Who we are there"`
		Secret    web.Opt[string] `json:"client_secret" schema:"notnull,min=1,max=2048" doc:"The secret of the client"`
		Discovery string          `json:"discovery_url" schema:"required,max=2048" pattern:"^https?://" doc:"Where the provider describes itself"`
	}
	oktaOptions struct {
		Domain string          `json:"domain" schema:"required,max=255" pattern:"^[A-Za-z0-9.:-]+$" doc:"The host name at Okta"`
		ID     string          `json:"client_id" schema:"required,min=1,max=2048" doc:"Who we are there"`
		Secret string          `json:"client_secret" schema:"required,min=1,max=2048" doc:"The secret of the client"`
		Icon   web.Opt[string] `json:"icon_url" schema:"notnull,max=2048" pattern:"^https://" doc:"The picture on the button"`
	}
	waadOptions struct {
		Domain string          `json:"tenant_domain" schema:"required,min=1,max=255" doc:"The domain of the directory"`
		ID     string          `json:"client_id" schema:"required,min=1,max=2048" doc:"Who we are there"`
		Secret string          `json:"client_secret" schema:"required,min=1,max=2048" doc:"The secret of the client"`
		Icon   web.Opt[string] `json:"icon_url" schema:"notnull,max=2048" pattern:"^https://" doc:"The picture on the button"`
	}
	pingOptions struct {
		Address string          `json:"pingFederateBaseUrl" schema:"required,max=2048" pattern:"^https://" doc:"Where the provider is"`
		Cert    string          `json:"signingCert" schema:"required,min=1,max=65536" doc:"The certificate of the provider"`
		Sign    bool            `json:"signSAMLRequest" schema:"required" doc:"Whether requests are signed"`
		Method  string          `json:"signatureAlgorithm" schema:"required,enum=rsa-sha256|rsa-sha1" doc:"How they are"`
		Digest  string          `json:"digestAlgorithm" schema:"required,enum=sha256|sha1" doc:"What of them"`
		Icon    web.Opt[string] `json:"icon_url" schema:"notnull,max=2048" pattern:"^https://" doc:"The picture on the button"`
	}
	samlOptions struct {
		Metadata web.Opt[string] `json:"metadataUrl" schema:"notnull,max=2048" pattern:"^https://" doc:"Where the provider describes itself"`
		SignIn   web.Opt[string] `json:"signInEndpoint" schema:"notnull,max=2048" pattern:"^https://" doc:"Where people sign in"`
		Cert     web.Opt[string] `json:"cert" schema:"notnull,min=1,max=65536" doc:"The certificate of the provider"`
		Sign     bool            `json:"signSAMLRequest" schema:"required" doc:"Whether requests are signed"`
		Method   web.Opt[string] `json:"signatureAlgorithm" schema:"notnull,enum=rsa-sha256|rsa-sha1" doc:"How they are"`
		Digest   web.Opt[string] `json:"digestAlgorithm" schema:"notnull,enum=sha256|sha1" doc:"What of them"`
		Binding  web.Opt[string] `json:"protocolBinding" schema:"notnull,enum=urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect|urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" doc:"Which way they go"`
		Icon     web.Opt[string] `json:"icon_url" schema:"notnull,max=2048" pattern:"^https://" doc:"The picture on the button"`
	}
)

// endpoints are what follows from where an issuer of OpenID Connect is.
var endpoints = []string{"oidc_metadata", "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"}

// certified is what follows from the metadata and the certificate of an identity provider of SAML.
var certified = []string{"metadataXml", "signInEndpoint", "signOutEndpoint", "signingCert", "cert", "subject", "expires", "thumbprints"}

// kinds are the strategies that identity providers can have.
var kinds = map[string]*kind{
	"adfs": {
		check: checked(func(in adfsOptions) error {
			if in.Server.Set == in.Metadata.Set {
				return bearer.Wrong("options", "It needs adfs_server or fedMetadataXml, and not both.")
			}
			return nil
		}),
		shown: []string{"adfs_server", "fedMetadataXml"}, follows: certified,
		more: options{"should_trust_email_verified_connection": json.RawMessage(`"never_set_emails_as_verified"`)}, // the organization's server says whose address is whose
	},
	"google-apps": {
		check: checked(func(googleOptions) error { return nil }),
		shown: []string{"domain", "client_id", "icon_url"}, hidden: []string{"client_secret"}, also: map[string]string{"domain": "tenant_domain"},
	},
	"oidc": {
		check: checked(func(in oidcOptions) error {
			if in.Type == "back_channel" && !in.Secret.Set {
				return bearer.Wrong("options.client_secret", "It is needed for back_channel.")
			}
			return nil
		}),
		shown: []string{"type", "client_id", "discovery_url"}, hidden: []string{"client_secret"}, follows: endpoints, mapping: attributeMap,
	},
	"okta": {
		check: checked(func(oktaOptions) error { return nil }),
		shown: []string{"domain", "client_id", "icon_url"}, hidden: []string{"client_secret"}, follows: endpoints, mapping: attributeMap,
	},
	"pingfederate": {
		check: checked(func(pingOptions) error { return nil }),
		shown: []string{"pingFederateBaseUrl", "cert", "signSAMLRequest", "signatureAlgorithm", "digestAlgorithm", "icon_url"}, hidden: []string{"signingCert"}, follows: certified,
	},
	"samlp": {
		check: checked(func(in samlOptions) error {
			if !in.Metadata.Set && (!in.SignIn.Set || !in.Cert.Set) {
				return bearer.Wrong("options", "It needs metadataUrl, or signInEndpoint and cert.")
			}
			return nil
		}),
		shown: []string{"metadataUrl", "signInEndpoint", "cert", "signSAMLRequest", "signatureAlgorithm", "digestAlgorithm", "protocolBinding", "icon_url"}, follows: certified, mapping: fieldsMap,
	},
	"waad": {
		check: checked(func(waadOptions) error { return nil }),
		shown: []string{"tenant_domain", "client_id", "icon_url"}, hidden: []string{"client_secret"}, follows: append([]string{"tenantId", "app_id", "domain"}, endpoints...),
	},
}

// checked reads options as their strategy has them.
func checked[In any](more func(In) error) func(options) error {
	schema := web.NewSchema[struct {
		Options In `json:"options" schema:"required"`
	}]()
	return func(sent options) error {
		raw, err := json.Marshal(map[string]any{"options": sent})
		if err != nil {
			return bearer.Wrong("options", "They cannot be read.")
		}
		in, err := schema.Decode(raw)
		if err != nil {
			return err
		}
		return more(in.Options)
	}
}

// see are the options that members see.
func (k *kind) see(kept options) options {
	out := options{}
	for _, name := range k.shown {
		if value, there := kept[name]; there && string(value) != "null" {
			out[name] = value
		}
	}
	return out
}

// put are the options of a connection with what was sent in the place of all that members set: a secret that was given for one provider never goes to another.
func (k *kind) put(kept, sent options) options {
	out := options{}
	for name, value := range kept {
		if !slices.Contains(k.shown, name) && !slices.Contains(k.hidden, name) && !slices.Contains(k.follows, name) {
			out[name] = value
		}
	}
	maps.Copy(out, sent)
	for name, other := range k.also {
		out[other] = sent[name]
	}
	return out
}

// aliases are the domains of e-mail addresses that an identity provider is for.
func aliases(kept options) []string {
	var all []string
	if json.Unmarshal(kept["domain_aliases"], &all) != nil || all == nil {
		return []string{}
	}
	for i := range all {
		all[i] = strings.ToLower(all[i])
	}
	return all
}
