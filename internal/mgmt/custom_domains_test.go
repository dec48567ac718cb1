package mgmt

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"

	"github.com/stagedoor/stagedoor"
)

// dns is a fake of the DNS.
type dns map[string]string

func (d dns) LookupCNAME(_ context.Context, host string) (string, error) {
	if to, found := d[host]; found {
		return to + ".", nil
	}
	return host + ".", nil
}

func (d dns) LookupTXT(_ context.Context, name string) ([]string, error) {
	if text, found := d["TXT "+name]; found {
		return []string{"other", text}, nil
	}
	return nil, errors.New("no such host")
}

// hosts answers as issuers.
type hosts map[string]string

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	issuer, found := h[r.URL.Host]
	if !found {
		return nil, errors.New("no route")
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"issuer":"` + issuer + `"}`)), Header: http.Header{}}, nil
}

func TestCustomDomains(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		names := dns{}
		h.api.Names, h.api.HTTP = names, &http.Client{Transport: hosts{"id.x.test": "https://id.x.test/", "b.x.test": "https://evil.test/"}}
		h.call(bearer, "GET", "/custom-domains", "").is(200, `[]`)
		h.call(bearer, "GET", "/custom-domains/default", "").is(200, `{"domain":"acme.test"}`)
		got := h.call(bearer, "POST", "/custom-domains", `{"domain":"ID.x.test","type":"auth0_managed_certs","tls_policy":"recommended","domain_metadata":{"key":"value"}}`).is(201, "")
		id := got.text("custom_domain_id")
		whole := func(status, standard, verification, rest string) string {
			return `{"custom_domain_id":"` + id + `","domain":"id.x.test","primary":true,"is_default":` + standard + `,"status":"` + status + `","type":"auth0_managed_certs",
				"verification":{"methods":[{"name":"CNAME","record":"acme.test","domain":"id.x.test"}]` + verification + `},"tls_policy":"recommended","created_at":"2026-11-25T12:00:00.000Z",` + rest + `}`
		}
		got.is(201, whole("pending_verification", "false", "", `"domain_metadata":{"key":"value"}`))
		if !strings.HasPrefix(id, "cd_") || len(id) != 19 {
			h.Errorf("id %s", id)
		}
		h.call(bearer, "GET", "/custom-domains/"+id, "").is(200, got.body)
		h.callTo("other", h.machine("other"), "GET", "/custom-domains/"+id, "").fails(404, "inexistent_custom_domain", "The custom domain "+id+" does not exist")
		h.call(bearer, "POST", "/custom-domains", `{"domain":"id.x.test","type":"auth0_managed_certs"}`).fails(409, "custom_domain_conflict", "The specified custom domain already exists")
		for _, wrong := range []string{`{"domain":"x","type":"auth0_managed_certs"}`, `{"domain":"a b.test","type":"auth0_managed_certs"}`, `{"domain":"https://x.test","type":"auth0_managed_certs"}`, `{"domain":"127.0.0.1","type":"auth0_managed_certs"}`, `{"domain":"x.test"}`, `{"domain":"x.test","type":"mine"}`} {
			h.call(bearer, "POST", "/custom-domains", wrong).is(400, "")
		}

		failed := `,"last_verified_at":"2026-11-25T12:00:00.000Z","status":"failed","error_msg":"There is no CNAME record at id.x.test that leads to acme.test."`
		h.call(bearer, "POST", "/custom-domains/"+id+"/verify", "").is(200, whole("pending_verification", "false", failed, `"domain_metadata":{"key":"value"}`))
		if _, err := h.db.TenantByDomain(h.Context(), "id.x.test"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			h.Errorf("the tenant answers under a domain that is not verified: %v", err)
		}
		names["id.x.test"] = "acme.test"
		ready := whole("ready", "false", `,"last_verified_at":"2026-11-25T12:00:00.000Z","status":"verified"`, `"domain_metadata":{"key":"value"}`)
		h.call(bearer, "POST", "/custom-domains/"+id+"/verify", "").is(200, ready)
		h.call(bearer, "POST", "/custom-domains/"+id+"/verify", "").is(200, ready)
		if st, err := h.db.TenantByDomain(h.Context(), "id.x.test"); err != nil || st.Tenant().ID != "acme" || st.Tenant().Domain() != "acme.test" {
			h.Errorf("served: %v", err)
		}
		h.ok(h.store("acme").SetDomains(h.Context(), []string{"acme.test", "second.test"}))
		if _, err := h.db.TenantByDomain(h.Context(), "id.x.test"); err != nil {
			h.Errorf("the operator's domains took the custom one away: %v", err)
		}

		// Another tenant may want the same name, but only one can show that it is theirs.
		theirs := h.callTo("other", h.machine("other"), "POST", "/custom-domains", `{"domain":"id.x.test","type":"self_managed_certs"}`).is(201, "")
		other, err := store.CustomDomains.Get(h.Context(), h.store("other"), theirs.text("custom_domain_id"))
		h.ok(err)
		names["TXT _stagedoor-verification.id.x.test"] = "stagedoor-domain-verification=" + other.Token
		h.callTo("other", h.machine("other"), "POST", "/custom-domains/"+other.ID+"/verify", "").fails(409, "custom_domain_conflict", "Another tenant answers under id.x.test.")

		// Both tenants' own domains lead to one balancer, and the domain does by way of one of them: who came first could take it.
		names["acme.test"], names["other.test"], names["c.x.test"] = "balancer.test", "balancer.test", "balancer.test"
		taken := h.callTo("other", h.machine("other"), "POST", "/custom-domains", `{"domain":"c.x.test","type":"auth0_managed_certs"}`).is(201, "").text("custom_domain_id")
		if got := h.callTo("other", h.machine("other"), "POST", "/custom-domains/"+taken+"/verify", "").is(200, ""); got.text("status") != "pending_verification" || !strings.Contains(got.body, "_stagedoor-verification.c.x.test") {
			h.Errorf("a domain that leads where all do: %s", got.body)
		}
		third, err := store.CustomDomains.Get(h.Context(), h.store("other"), taken)
		h.ok(err)
		names["TXT _stagedoor-verification.c.x.test"] = "stagedoor-domain-verification=" + third.Token
		if got := h.callTo("other", h.machine("other"), "POST", "/custom-domains/"+taken+"/verify", "").is(200, ""); got.text("status") != "ready" {
			h.Errorf("with the text: %s", got.body)
		}
		delete(names, "acme.test")

		h.call(bearer, "POST", "/custom-domains/"+id+"/test", "").is(200, `{"success":true,"message":"The domain answers for this tenant."}`)
		b := h.call(bearer, "POST", "/custom-domains", `{"domain":"b.x.test","type":"self_managed_certs","verification_method":"txt","custom_client_ip_header":"cf-connecting-ip"}`).is(201, "")
		second, err := store.CustomDomains.Get(h.Context(), h.store("acme"), b.text("custom_domain_id"))
		h.ok(err)
		if b.get("primary") != false || !strings.Contains(b.body, `{"domain":"_stagedoor-verification.b.x.test","name":"TXT","record":"stagedoor-domain-verification=`+second.Token+`"}`) {
			h.Errorf("second: %s", b.body)
		}
		h.call(bearer, "POST", "/custom-domains/"+second.ID+"/test", "").is(200, `{"success":false,"message":"The domain is answered by somebody else."}`)
		names["TXT _stagedoor-verification.b.x.test"] = "stagedoor-domain-verification=" + second.Token
		if got := h.call(bearer, "POST", "/custom-domains/"+second.ID+"/verify", "").is(200, ""); got.text("status") != "ready" || got.text("origin_domain_name") != "acme.test" {
			h.Errorf("verified by TXT: %s", got.body)
		}
		if list := h.call(bearer, "GET", "/custom-domains?sort=domain:1&fields=domain", ""); list.is(200, `[{"domain":"b.x.test"},{"domain":"id.x.test"}]`).code != 200 {
			return
		}
		page := h.call(bearer, "GET", "/custom-domains?take=1&fields=domain", "").is(200, "")
		h.call(bearer, "GET", "/custom-domains?take=1&fields=domain&from="+page.text("next"), "").is(200, `{"custom_domains":[{"domain":"b.x.test"}]}`)
		h.call(bearer, "GET", "/custom-domains?q=x", "").is(200, "")

		h.call(bearer, "PATCH", "/custom-domains/"+id, `{"tls_policy":"recommended","domain_metadata":{"key2":"value2"}}`).is(200, strings.Replace(ready, `{"key":"value"}`, `{"key":"value","key2":"value2"}`, 1))
		h.call(bearer, "PATCH", "/custom-domains/"+id, `{"domain_metadata":{"key":null,"key2":null},"relying_party_identifier":"x.test","custom_client_ip_header":"cf-connecting-ip"}`).
			is(200, strings.Replace(ready, `{"key":"value"}`, `{},"relying_party_identifier":"x.test","custom_client_ip_header":"cf-connecting-ip"`, 1))
		h.call(bearer, "PATCH", "/custom-domains/"+id, `{"custom_client_ip_header":null,"relying_party_identifier":null}`).is(200, strings.Replace(ready, `{"key":"value"}`, `{}`, 1))
		h.call(bearer, "PATCH", "/custom-domains/"+id, `{"tls_policy":"compatible"}`).is(400, "")
		h.call(bearer, "PATCH", "/custom-domains/cd_x", `{}`).fails(404, "inexistent_custom_domain", "The custom domain cd_x does not exist")
		h.call(bearer, "POST", "/custom-domains/cd_x/verify", "").fails(404, "inexistent_custom_domain", "The custom domain cd_x does not exist")
		h.call(bearer, "POST", "/custom-domains/cd_x/test", "").is(404, "")

		conflict := "Several custom domains are verified and none of them is the default. Name one in the header auth0-custom-domain, or set the default domain."
		h.call(bearer, "POST", "/users", `{"connection":"Users","email":"which@x.test","password":"Correct-Horse-1"}`).fails(409, "custom_domain_conflict", conflict)
		h.call(bearer, "GET", "/users-by-email?email=which%40x.test", "").is(200, `[]`)
		quiet := h.call(bearer, "POST", "/users", `{"connection":"Users","email":"which@x.test","password":"Correct-Horse-1","verify_email":false}`).is(201, "").text("user_id")
		h.call(bearer, "PATCH", "/users/"+quiet, `{"email":"other@x.test","verify_email":true}`).fails(409, "custom_domain_conflict", conflict)
		h.call(bearer, "GET", "/users/"+quiet+"?fields=email", "").is(200, `{"email":"which@x.test"}`)
		h.call(bearer, "POST", "/tickets/password-change", `{"user_id":"`+quiet+`"}`).fails(409, "custom_domain_conflict", conflict)
		h.call(bearer, "POST", "/jobs/verification-email", `{"user_id":"`+quiet+`"}`).fails(409, "custom_domain_conflict", conflict)
		h.links("b.x.test", "b.x.test")

		h.call(bearer, "PATCH", "/custom-domains/default", `{"domain":"none.test"}`).fails(404, "inexistent_custom_domain", "The custom domain none.test does not exist")
		h.call(bearer, "PATCH", "/custom-domains/default", `{"domain":"id.x.test"}`).is(200, strings.NewReplacer(`{"key":"value"}`, `{}`, `"is_default":false`, `"is_default":true`).Replace(ready))
		h.links("id.x.test", "")
		h.links("b.x.test", "B.x.test")
		header := http.Header{"Authorization": {"Bearer " + bearer}, "Auth0-Custom-Domain": {"evil.test"}}
		h.send("acme", "POST", "/users", `{"connection":"Users","email":"no@x.test","password":"Correct-Horse-1"}`, header).is(400, "")
		h.call(bearer, "GET", "/users-by-email?email=no%40x.test", "").is(200, `[]`)
		h.call(bearer, "PATCH", "/custom-domains/default", `{"domain":"acme.test"}`).is(200, `{"domain":"acme.test"}`)
		h.links("acme.test", "")
		h.call(bearer, "PATCH", "/custom-domains/"+id, `{"is_default":null}`).is(400, "")
		h.call(bearer, "PATCH", "/custom-domains/"+id, `{"is_default":false}`).is(200, strings.NewReplacer(`{"key":"value"}`, `{}`).Replace(ready))
		h.call(bearer, "GET", "/custom-domains/default", "").is(200, `{"domain":"acme.test"}`)
		h.call(bearer, "PATCH", "/custom-domains/"+id, `{"is_default":true}`).is(200, strings.NewReplacer(`{"key":"value"}`, `{}`, `"is_default":false`, `"is_default":true`).Replace(ready))
		h.links("id.x.test", "")
		h.call(bearer, "PATCH", "/custom-domains/"+id, `{"is_default":false}`).is(200, strings.NewReplacer(`{"key":"value"}`, `{}`).Replace(ready))
		h.links("acme.test", "")
		h.call(bearer, "PATCH", "/custom-domains/"+id, `{"domain_metadata":{"a":"b"},"is_default":true}`).is(200, strings.NewReplacer(`{"key":"value"}`, `{"a":"b"}`, `"is_default":false`, `"is_default":true`).Replace(ready))

		h.call(bearer, "DELETE", "/custom-domains/"+id, "").is(204, "")
		h.call(bearer, "DELETE", "/custom-domains/"+id, "").is(204, "")
		h.call(bearer, "GET", "/custom-domains/"+id, "").fails(404, "inexistent_custom_domain", "The custom domain "+id+" does not exist")
		h.call(bearer, "GET", "/custom-domains/default", "").is(200, `{"domain":"acme.test"}`)
		if _, err := h.db.TenantByDomain(h.Context(), "id.x.test"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			h.Errorf("the tenant still answers: %v", err)
		}
	})
}

// links fails unless the mail that a new user gets leads to the domain.
func (h *house) links(domain, header string) {
	h.Helper()
	var led string
	before := h.api.SendVerification
	defer func() { h.api.SendVerification = before }()
	h.api.SendVerification = func(_ context.Context, st *store.Store, _ *stagedoor.User, _ string) {
		led = st.Tenant().Domain()
	}
	headers := http.Header{"Authorization": {"Bearer " + h.machine("acme")}}
	if header != "" {
		headers.Set("auth0-custom-domain", header)
	}
	h.send("acme", "POST", "/users", `{"connection":"Users","email":"`+stagedoor.NewHexID()+`@x.test","password":"Correct-Horse-1"}`, headers).is(201, "")
	if led != domain {
		h.Errorf("the mail leads to %s, want %s", led, domain)
	}
	ada := h.call(h.machine("acme"), "GET", "/users?per_page=1&fields=user_id&include_totals=true", "").body
	id := ada[strings.Index(ada, "auth0|"):]
	id = id[:strings.IndexByte(id, '"')]
	if ticket := h.send("acme", "POST", "/tickets/password-change", `{"user_id":"`+id+`"}`, headers).is(201, "").text("ticket"); !strings.HasPrefix(ticket, "https://"+domain+"/u/reset-password?") {
		h.Errorf("the ticket leads to %s, want %s", ticket, domain)
	}
}

func TestTenantSettingsShapes(t *testing.T) {
	h := sqlite(t)
	bearer := h.machine("acme")
	kept := `"change_password":{"enabled":true,"html":"<html></html>"},"guardian_mfa_page":{"enabled":false},"device_flow":{"charset":"digits","mask":"***-***"},"sessions":{"oidc_logout_prompt_enabled":false},
		"mtls":{"enable_endpoint_aliases":true},"acr_values_supported":["a","b"],"default_token_quota":{"clients":{"client_credentials":{"enforce":true,"per_day":100}}},
		"country_codes":{"list":["US","GB"],"mode":"allow"},"dynamic_client_registration_security_mode":"strict","phone_consolidated_experience":true`
	got := h.call(bearer, "PATCH", "/tenants/settings", "{"+kept+"}").is(200, "")
	names := "change_password,guardian_mfa_page,device_flow,sessions,mtls,acr_values_supported,default_token_quota,country_codes,dynamic_client_registration_security_mode,phone_consolidated_experience"
	h.call(bearer, "GET", "/tenants/settings?fields="+names, "").is(200, "{"+kept+"}")
	if got.get("country_codes", "mode") != "allow" {
		h.Errorf("%s", got.body)
	}
	for body, message := range map[string]string{
		`{"device_flow":{"charset":"hex"}}`:                                     "Payload validation error: 'No enum match for: hex' on property device_flow.charset (Character set used to generate a User Code).",
		`{"device_flow":{"mask":"*********************"}}`:                      "Payload validation error: 'String is too long (21 chars), maximum 20' on property device_flow.mask (Mask used to format a generated User Code into a friendly, readable format).",
		`{"country_codes":{"list":["us"],"mode":"allow"}}`:                      "",
		`{"country_codes":{"list":["US"]}}`:                                     "Payload validation error: 'Missing required property: mode' on property country_codes.",
		`{"sessions":{"other":true}}`:                                           "Payload validation error: 'Additional properties not allowed: other' on property sessions.",
		`{"default_token_quota":{"clients":{}}}`:                                "Payload validation error: 'Missing required property: client_credentials' on property default_token_quota.clients.",
		`{"change_password":{"enabled":"yes"}}`:                                 "Payload validation error: 'Expected type boolean but found type string' on property change_password.enabled.",
		`{"change_password":{"html":"` + strings.Repeat("x", 256<<10+1) + `"}}`: "Payload validation error: 'The template is longer than 262144 bytes, or has more than 5000 tags' on property change_password.html.",
		`{"error_page":{"html":"` + strings.Repeat("{{x}}", 5001) + `"}}`:       "Payload validation error: 'The template is longer than 262144 bytes, or has more than 5000 tags' on property error_page.html.",
		`{"acr_values_supported":["a","a"]}`:                                    "",
		`{"dynamic_client_registration_security_mode":"none"}`:                  "Payload validation error: 'No enum match for: none' on property dynamic_client_registration_security_mode.",
	} {
		if got := h.call(bearer, "PATCH", "/tenants/settings", body); message == "" {
			got.is(400, "")
		} else {
			got.fails(400, "invalid_body", message)
		}
	}
	h.call(bearer, "PATCH", "/tenants/settings", `{"country_codes":null,"mtls":null,"acr_values_supported":null,"default_token_quota":null,"device_flow":null}`).is(200, "")
	h.call(bearer, "GET", "/tenants/settings?fields="+names, "").is(200, `{"change_password":{"enabled":true,"html":"<html></html>"},"guardian_mfa_page":{"enabled":false},"sessions":{"oidc_logout_prompt_enabled":false},"dynamic_client_registration_security_mode":"strict","phone_consolidated_experience":true}`)
}

// deletes answers as a DNS while whose names are looked up the domain is deleted.
type deletes struct {
	dns
	do func()
}

func (d deletes) LookupTXT(ctx context.Context, name string) ([]string, error) {
	d.do()
	return d.dns.LookupTXT(ctx, name)
}

// Under a domain that is deleted while the DNS is asked for it nobody answers.
func TestCustomDomainDeletedMeanwhile(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		id := h.call(bearer, "POST", "/custom-domains", `{"domain":"id.x.test","type":"self_managed_certs"}`).is(201, "").text("custom_domain_id")
		d, err := store.CustomDomains.Get(h.Context(), h.store("acme"), id)
		h.ok(err)
		h.api.Names = deletes{dns{"TXT _stagedoor-verification.id.x.test": "stagedoor-domain-verification=" + d.Token}, func() { h.call(bearer, "DELETE", "/custom-domains/"+id, "").is(204, "") }}
		h.call(bearer, "POST", "/custom-domains/"+id+"/verify", "").fails(404, "inexistent_custom_domain", "The custom domain "+id+" does not exist")
		if _, err := h.db.TenantByDomain(h.Context(), "id.x.test"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			h.Errorf("the tenant answers under a domain that is gone: %v", err)
		}
		h.call(bearer, "DELETE", "/custom-domains/"+id, "").is(204, "")
	})
}

// A domain that the operator gave the tenant needs no DNS, which a laptop and a network of one's own may lack: who moves here with a custom domain, as
// the deploy tool or Terraform describe it, gives it to the tenant first.
func TestCustomDomains_OfTheOperator(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		names := dns{"was.x.test": "acme.test"}
		h.api.Names = names
		was := h.call(bearer, "POST", "/custom-domains", `{"domain":"was.x.test","type":"auth0_managed_certs"}`).is(201, "").text("custom_domain_id")
		h.call(bearer, "POST", "/custom-domains/"+was+"/verify", "").is(200, "")
		h.ok(h.store("acme").SetDomains(h.Context(), []string{"acme.test", "login.x.test", "was.x.test"}))
		delete(names, "was.x.test")
		h.call(bearer, "DELETE", "/custom-domains/"+was, "").is(204, "")
		for _, domain := range []string{"acme.test", "login.x.test", "was.x.test"} {
			id := h.call(bearer, "POST", "/custom-domains", `{"domain":"`+domain+`","type":"auth0_managed_certs"}`).is(201, "").text("custom_domain_id")
			if got := h.call(bearer, "POST", "/custom-domains/"+id+"/verify", "").is(200, ""); got.text("status") != "ready" {
				h.Errorf("%s: %s", domain, got.body)
			}
			h.call(bearer, "POST", "/custom-domains", `{"domain":"`+domain+`","type":"auth0_managed_certs"}`).fails(409, "custom_domain_conflict", "The specified custom domain already exists")

			theirs := h.callTo("other", h.machine("other"), "POST", "/custom-domains", `{"domain":"`+domain+`","type":"auth0_managed_certs"}`).is(201, "").text("custom_domain_id")
			if got := h.callTo("other", h.machine("other"), "POST", "/custom-domains/"+theirs+"/verify", "").is(200, ""); got.text("status") != "pending_verification" {
				h.Errorf("another tenant's %s: %s", domain, got.body)
			}

			h.call(bearer, "DELETE", "/custom-domains/"+id, "").is(204, "")
			if _, err := h.db.TenantByDomain(h.Context(), domain); err != nil {
				h.Errorf("the operator's %s went with the custom domain: %v", domain, err)
			}
		}
	})
}
