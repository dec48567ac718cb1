package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	esbuild "github.com/evanw/esbuild/pkg/api"
)

// ownPages are login pages of a tenant's own, with the libraries that they are made for, and how a person uses them.
var ownPages = []struct {
	name, library string
	page          func(library string) string
	form          ownForm
}{
	{"Lock 14", "lock-v14", lockPage, lockForm},
	{"Lock 11", "lock-v11", lockPage, lockForm},
	{"auth0.js 10", "auth0-v10", formPage, plainForm},
	{"auth0.js 9", "auth0-v9", formPage, plainForm},
}

// ownForm is where things are on such a page.
type ownForm struct{ mail, password, submit, wrong, signup, google string }

var (
	lockForm  = ownForm{`input[name="email"]`, `input[name="password"]`, `button.auth0-lock-submit`, `.auth0-global-message-error`, `.auth0-lock-tabs li:nth-child(2) a, .auth0-lock-tabs li:nth-child(2) button`, `.auth0-lock-social-button`}
	plainForm = ownForm{`#mail`, `#word`, `#enter`, `#wrong`, `#new`, `#google`}
)

const ownHead = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>The tenant's own</title></head><body>
<script src="LIBRARY"></script><script>
var config = JSON.parse(decodeURIComponent(escape(window.atob("@@config@@")))), extra = config.extraParams, inner = config.internalOptions, theirs = {__tenant: config.auth0Tenant, __token_issuer: config.authorizationServer.issuer};
`

// lockPage hosts Lock with all that its settings take from the server.
func lockPage(library string) string {
	return strings.Replace(ownHead, "LIBRARY", library, 1) + `
var titled = typeof config.dict === "object";
new Auth0Lock(config.clientID, config.auth0Domain, {
	auth: {redirectUrl: config.callbackURL, responseType: inner.response_type || (config.callbackOnLocationHash ? "token" : "code"), params: inner},
	configurationBaseUrl: config.clientConfigurationBaseUrl, overrides: theirs, assetsUrl: config.assetsUrl, allowedConnections: config.connection ? [config.connection] : null,
	rememberLastLogin: !config.prompt, language: titled ? undefined : config.dict, languageDictionary: titled ? {title: config.dict.signin.title} : undefined,
	initialScreen: extra.screen_hint === "signup" ? "signUp" : "login", theme: {logo: config.icon, primaryColor: config.colors.primary || "green"},
	prefill: extra.login_hint ? {email: extra.login_hint, username: extra.login_hint} : null, closable: false, avatar: null
}).show();
</script></body></html>`
}

// formPage is a form of the tenant's own, with auth0.js.
func formPage(library string) string {
	return strings.Replace(ownHead, "LIBRARY", library, 1) + `
var web = new auth0.WebAuth(Object.assign({overrides: theirs, domain: config.auth0Domain, clientID: config.clientID, redirectUri: config.callbackURL, responseType: "code"}, inner));
</script><h1>Come in</h1><input id="mail" type="email"><input id="word" type="password"><p id="wrong"></p><button id="enter">Enter</button><button id="new">New here</button><button id="google">Google</button><script>
var value = name => document.getElementById(name).value, failed = error => { if (error) document.getElementById("wrong").textContent = error.description; }, fresh = false;
document.getElementById("enter").onclick = () => fresh ? web.redirect.signupAndLogin({connection: "Username-Password-Authentication", email: value("mail"), password: value("word")}, failed)
	: web.login({realm: "Username-Password-Authentication", username: value("mail"), password: value("word")}, failed);
document.getElementById("new").onclick = () => { fresh = true; };
document.getElementById("google").onclick = () => web.authorize({connection: "google-oauth2"}, failed);
</script></body></html>`
}

// published is where the packages are that compat/clients installs, among them one of a name.
func published(t *testing.T, name string) (modules string) {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join("..", "compat", "clients", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
		missing(t, "the packages of compat/clients")
	}
	return modules
}

// library serves a script as /library.js, and an empty page elsewhere.
func library(t *testing.T, text []byte) *httptest.Server {
	t.Helper()
	files := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", map[bool]string{true: "text/javascript", false: "text/html"}[r.URL.Path == "/library.js"])
		if r.URL.Path == "/library.js" {
			w.Write(text)
		}
	}))
	t.Cleanup(files.Close)
	return files
}

// bundled is a published package in one file for browsers, as an application's build makes it: with one React, its own.
func bundled(t *testing.T, modules, name, source string) []byte {
	t.Helper()
	own := filepath.Join(modules, name, "node_modules")
	umd := esbuild.Plugin{Name: "umd", Setup: func(build esbuild.PluginBuild) { // a file of the other kind in a package of modules, which builds of its day did not mind
		build.OnLoad(esbuild.OnLoadOptions{Filter: `cordova-auth0-plugin\.min\.js$`, Namespace: "umd"}, func(a esbuild.OnLoadArgs) (esbuild.OnLoadResult, error) {
			b, err := os.ReadFile(filepath.Join(modules, a.Path))
			text := string(b)
			return esbuild.OnLoadResult{Contents: &text}, err
		})
		build.OnResolve(esbuild.OnResolveOptions{Filter: `cordova-auth0-plugin\.min\.js$`}, func(a esbuild.OnResolveArgs) (esbuild.OnResolveResult, error) {
			return esbuild.OnResolveResult{Path: a.Path, Namespace: "umd"}, nil
		})
	}}
	out := esbuild.Build(esbuild.BuildOptions{
		Stdin: &esbuild.StdinOptions{Contents: source, ResolveDir: filepath.Dir(modules)}, Bundle: true, Platform: esbuild.PlatformBrowser, MainFields: []string{"browser", "module", "main"}, Format: esbuild.FormatIIFE, MinifySyntax: true,
		Plugins: []esbuild.Plugin{umd}, Alias: map[string]string{"react": filepath.Join(own, "react"), "react-dom": filepath.Join(own, "react-dom")},
		Define: map[string]string{"process.env.NODE_ENV": `"production"`, "global": "window"},
	})
	if len(out.Errors) > 0 {
		t.Fatalf("%v", out.Errors)
	}
	return out.OutputFiles[0].Contents
}

// TestOwnLoginPage: login pages that tenants bring along, with Lock and with auth0.js as they are published, sign people in to an app that uses auth0-spa-js: which finds
// its own state and its own challenge at the end, whatever was on the way.
func TestOwnLoginPage(t *testing.T) {
	modules := published(t, "auth0-lock-v14")
	address := freeAddresses(1)[0]
	provider := running(t, "http://"+address+"/", exec.Command(binary, "stand-in", "--http", address))
	secret := regexp.MustCompile(`client_secret "([^"]+)"`).FindStringSubmatch(string(provider.tail()))
	if secret == nil {
		t.Fatalf("the stand-in says %s", provider.tail())
	}
	s, secure := serveHTTPS(t, address)
	mux := http.NewServeMux()
	for name, file := range map[string]string{"spa": "@auth0/auth0-spa-js/dist/auth0-spa-js.production.js", "auth0-v9": "auth0-js-v9/dist/auth0.min.js", "auth0-v10": "auth0-js-v10/dist/auth0.min.js"} {
		mux.HandleFunc("/"+name+".js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(modules, file)) })
	}
	for _, name := range []string{"lock-v11", "lock-v14"} {
		text := bundled(t, modules, "auth0-"+name, `window.Auth0Lock = require("auth0-`+name+`").default;`)
		mux.HandleFunc("/"+name+".js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			w.Write(text)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(`<!DOCTYPE html><title>An app</title><script src="/spa.js"></script><p id="ready">ready</p>`))
	})
	app := httptest.NewTLSServer(mux)
	t.Cleanup(app.Close)
	home := strings.Replace(app.URL, "127.0.0.1", "localhost", 1)
	var spa client
	s.do("POST", "/clients", map[string]any{
		"name": "Records", "app_type": "spa", "oidc_conformant": true, "token_endpoint_auth_method": "none", "jwt_configuration": map[string]any{"alg": "RS256"},
		"callbacks": []string{home}, "web_origins": []string{home}, "grant_types": []string{"authorization_code"}, "initiate_login_uri": home,
	}, &spa)
	s.enable("Username-Password-Authentication", spa.ClientID)
	s.do("POST", "/connections", map[string]any{
		"name": "google-oauth2", "strategy": "google-oauth2", "enabled_clients": []string{spa.ClientID},
		"options": map[string]any{"client_id": "stagedoor", "client_secret": secret[1], "stagedoor": map[string]any{"base_url": "http://" + address}},
	}, nil)
	s.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": true}, nil)
	s.do("PATCH", "/tenants/settings", map[string]any{"friendly_name": "Night Records"}, nil)
	var clients []struct {
		ClientID string `json:"client_id"`
	}
	s.do("GET", "/clients?is_global=true", nil, &clients)

	ctx := trusting(t)
	for i, one := range ownPages {
		t.Run(one.name, func(t *testing.T) {
			s.do("PATCH", "/clients/"+clients[0].ClientID, map[string]any{"custom_login_page_on": true, "custom_login_page": one.page(home + "/" + one.library + ".js")}, nil)
			who := user{Email: fmt.Sprintf("una%d@example.com", i), Password: "Engine-No.1"}
			s.do("POST", "/users", map[string]any{"connection": "Username-Password-Authentication", "email": who.Email, "password": who.Password}, &who)
			o := &ownVisitor{tab: tabIn(t, ctx, chromedp.WithNewBrowserContext()), ownForm: one.form, home: home, domain: strings.TrimPrefix(secure, "https://"), client: spa.ClientID}

			o.begins(`{}`)
			o.rests()
			if *screenshots != "" {
				for width, name := range map[int64]string{390: "phone", 1280: "desktop"} {
					o.do("resize", chromedp.EmulateViewport(width, 844))
					o.rests()
					o.whole(filepath.Join(*screenshots, "own-login-"+one.library+"-"+name+".png"))
				}
				o.do("resize", chromedp.EmulateViewport(390, 844))
			}
			o.gives(who.Email, "wrong")
			o.await("the page says that it was wrong", `/wrong/i.test(document.querySelector(`+quote(o.wrong)+`)?.innerText)`)
			o.gives(who.Email, who.Password)
			o.arrives(who.Email)

			o.begins(`{acr_values: ` + quote(multiFactor) + `, max_age: 0}`)
			o.gives(who.Email, who.Password)
			(&libraryPage{tab: o.tab}).setUp()
			o.arrives(who.Email)

			o.open(secure + "/v2/logout")
			o.begins(`{}`)
			o.rests()
			o.click(o.signup)
			fresh := fmt.Sprintf("new%d@example.com", i)
			o.gives(fresh, "Another-Engine-2")
			o.arrives(fresh)

			o.open(secure + "/v2/logout")
			o.begins(`{login_hint: "somebody@example.com"}`)
			o.rests()
			o.click(o.google)
			o.click(`button[name="standin_person"]`)
			o.arrives("@")
		})
	}
}

// TestOwnLoginPageByCode: Lock Passwordless in a page of a client that has a secret, which the page does not know, mails a code and takes it.
func TestOwnLoginPageByCode(t *testing.T) {
	modules := published(t, "auth0-lock-v14")
	text := bundled(t, modules, "auth0-lock-v14", `window.Auth0LockPasswordless = require("auth0-lock-v14").Auth0LockPasswordless;`)
	files := library(t, text)
	op := operatorOf(t)
	op.withMailedCodes()
	page := strings.Replace(ownHead, "LIBRARY", files.URL+"/library.js", 1) + `
new Auth0LockPasswordless(config.clientID, config.auth0Domain, {
	auth: {redirectUrl: config.callbackURL, responseType: inner.response_type, params: inner}, configurationBaseUrl: config.clientConfigurationBaseUrl, overrides: theirs,
	assetsUrl: config.assetsUrl, allowedConnections: ["email"], passwordlessMethod: "code", closable: false, avatar: null
}).show();
</script></body></html>`
	var site client
	op.do("POST", "/clients", map[string]any{
		"name": "Site with a secret", "app_type": "regular_web", "oidc_conformant": true, "callbacks": []string{files.URL + "/cb"}, "custom_login_page": page,
		"grant_types": []string{"authorization_code", "http://auth0.com/oauth/grant-type/passwordless/otp"},
	}, &site)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+site.ClientID, nil, nil) })
	op.enable("email", site.ClientID)
	ctx := trusting(t)
	o := &ownVisitor{tab: tabIn(t, ctx), ownForm: lockForm}
	o.open("https://" + demo.Domain + "/authorize?" + url.Values{"client_id": {site.ClientID}, "response_type": {"code"}, "redirect_uri": {files.URL + "/cb"}, "scope": {"openid email"}, "state": {"my own"}}.Encode())
	o.rests()
	someone := newAddress("coded")
	o.fill(o.mail, someone)
	o.click(o.submit)
	o.see(`input[name="vcode"]`)
	o.mail = `input[name="vcode"]`
	o.rests()
	o.fill(o.mail, mailedCode.FindString(mailTo(t, someone)))
	o.click(o.submit)
	o.await("the client", `location.href.startsWith(`+quote(files.URL+"/cb?")+`) && new URLSearchParams(location.search).has("code") && new URLSearchParams(location.search).get("state") === "my own"`)
}

// ownVisitor is a person at an app.
type ownVisitor struct {
	*tab
	ownForm
	home, domain, client string
}

// begins opens the app and has it send the person away.
func (o *ownVisitor) begins(params string) {
	o.t.Helper()
	o.open(o.home)
	o.await("the app", `window.auth0 && document.querySelector("#ready")`)
	o.eval(nil, `(window.left = true, window.client = new auth0.Auth0Client({domain: `+quote(o.domain)+`, clientId: `+quote(o.client)+`, cacheLocation: "localstorage", authorizationParams: {redirect_uri: location.origin}}),
		void client.loginWithRedirect({appState: {from: "shelf"}, authorizationParams: `+params+`}))`)
	o.await("the tenant's page", `location.host === `+quote(o.domain)+` && location.pathname === "/login"`)
}

// rests waits until the page's form is where it stays: Lock unfolds.
func (o *ownVisitor) rests() {
	o.t.Helper()
	o.await("the form rests", `(async () => {
		const place = () => new Promise(done => setTimeout(() => { const e = document.querySelector(`+quote(o.mail)+`); e?.focus(); done(e && document.activeElement === e && JSON.stringify(e.getBoundingClientRect())); }, 150));
		const first = await place();
		return first && first === await place() && first === await place();
	})()`)
}

// gives fills the page's form in.
func (o *ownVisitor) gives(mail, password string) {
	o.t.Helper()
	o.rests()
	o.fill(o.mail, mail)
	o.fill(o.ownForm.password, password)
	o.click(o.submit)
}

// arrives is back at the app, which takes the answer.
func (o *ownVisitor) arrives(mail string) {
	o.t.Helper()
	o.await("the app", `location.href.startsWith(`+quote(o.home)+`) && window.auth0 && document.querySelector("#ready")`)
	var got struct{ Mail, From string }
	o.eval(&got, `(async () => {
		const client = new auth0.Auth0Client({domain: `+quote(o.domain)+`, clientId: `+quote(o.client)+`, cacheLocation: "localstorage", authorizationParams: {redirect_uri: location.origin}});
		const result = await client.handleRedirectCallback();
		return {Mail: (await client.getUser()).email, From: result.appState.from};
	})()`)
	if !strings.Contains(got.Mail, mail) || got.From != "shelf" {
		o.fatalf("came back as %+v, want %s", got, mail)
	}
}

// serveHTTPS is serve with https beside, whose address it returns.
func serveHTTPS(t *testing.T, outbound string) (*server, string) {
	t.Helper()
	data, addresses := t.TempDir(), freeAddresses(2)
	s := &server{url: "http://localhost:" + port(addresses[0])}
	secure := "https://localhost:" + port(addresses[1])
	out, err := exec.Command(binary, "init", "label", "--data", data, "--domain", strings.TrimPrefix(secure, "https://"), "--domain", strings.TrimPrefix(s.url, "http://"), "--json").Output()
	if err == nil {
		err = json.Unmarshal(out, &s.tenant)
	}
	if err != nil {
		t.Fatalf("init: %v %s", err, out)
	}
	running(t, s.url+"/readyz", exec.Command(binary, "serve", "--data", data, "--http", addresses[0], "--https", addresses[1], "--log-level", "warn", "--outbound-allow", outbound))
	s.operator = signInMachine(t, s.url, s.tenant.ClientID, s.tenant.ClientSecret, s.tenant.Audience)
	return s, secure
}
