package login_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// device is a television: it shows a code and asks what has become of it.
type device struct {
	*browser
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"`
	ExpiresIn  int    `json:"expires_in"`
	Interval   int    `json:"interval"`
}

func (w *world) device(params ...string) *device {
	w.Helper()
	c, err := w.st.Client(w.Context(), "app")
	w.ok(err)
	if !c.Allows(deviceGrant) {
		_, err := w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error {
			c.GrantTypes = append(c.GrantTypes, deviceGrant, "refresh_token")
			return nil
		})
		w.ok(err)
	}
	w.ok((&token.Keys{}).Ensure(w.Context(), w.st))
	d := &device{browser: w.browser()}
	form := url.Values{"client_id": {"app"}, "scope": {"openid profile read:songs"}, "audience": {api}}
	for i := 0; i+1 < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	r := d.post("/oauth/device/code", form).want(http.StatusOK)
	w.ok(json.Unmarshal([]byte(r.body), d))
	return d
}

// poll asks for the tokens.
func (d *device) poll(status int, code, description string) map[string]any {
	d.Helper()
	r := d.post("/oauth/token", url.Values{"grant_type": {deviceGrant}, "client_id": {"app"}, "device_code": {d.DeviceCode}})
	var got map[string]any
	d.ok(json.Unmarshal([]byte(r.body), &got))
	if r.status != status || code != "" && (got["error"] != code || got["error_description"] != description) {
		d.Fatalf("%d %s, want %d %s %s", r.status, r.body, status, code, description)
	}
	return got
}

// payload is what a signed token says.
func (w *world) payload(token string) (claims map[string]any) {
	w.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	w.ok(err)
	w.ok(json.Unmarshal(raw, &claims))
	return claims
}

func TestDeviceFlow(t *testing.T) {
	each(t, func(w *world) {
		w.ok(w.st.CreateRule(w.Context(), &stagedoor.Rule{Name: "protocol", Enabled: true, Script: `function (user, context, callback) { context.accessToken['https://app.example/protocol'] = context.protocol; callback(null, user, context); }`}))
		d := w.device()
		if !regexp.MustCompile(`^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$`).MatchString(d.UserCode) || d.URI != origin+"/activate" || d.Complete != origin+"/activate?user_code="+d.UserCode || d.ExpiresIn != 900 || d.Interval != 5 {
			w.Errorf("%+v", d)
		}
		d.poll(403, "authorization_pending", "User has yet to authorize device code.")
		d.poll(429, "slow_down", "You are polling faster than the specified interval of 5 seconds.")
		w.wait(6 * time.Second)

		b := w.browser()
		page := b.get("/activate").want(http.StatusOK).says("Connect a device")
		b.submit(page, "code", "").want(http.StatusBadRequest).says("Enter the code that your device shows.")
		b.submit(page, "code", "BBBB-BBBB").want(http.StatusBadRequest).says("No device shows this code")
		page = b.submit(page, "code", strings.ToLower(strings.Replace(d.UserCode, "-", " ", 1))).want(http.StatusOK).says("Is this your device?", "use Mixtape as you", d.UserCode)
		page = b.follow(b.submit(page, "decision", "accept")).want(http.StatusOK).says("Log in to continue to Mixtape")
		d.poll(403, "authorization_pending", "User has yet to authorize device code.")
		b.follow(b.submit(page, "username", "ada@example.com", "password", good)).want(http.StatusOK).says("Your device is connected")
		w.wait(6 * time.Second)
		got := d.poll(200, "", "")
		if got["id_token"] == nil || got["scope"] != "openid profile read:songs" || got["refresh_token"] != nil {
			w.Errorf("%v", got)
		}
		if claims := w.payload(got["access_token"].(string)); claims["https://app.example/protocol"] != "oauth2-device-code" {
			w.Errorf("%v", claims)
		}
		d.poll(403, "invalid_grant", "Invalid or expired device code.") // it works once
		if got := w.events(); !strings.HasSuffix(got, "s sede fede") {
			w.Errorf("logged %s", got)
		}

		// The session is there already, and the link brings the code along: it is asked about all the same.
		d = w.device("scope", "openid offline_access")
		page = b.get(strings.TrimPrefix(d.Complete, origin)).want(http.StatusOK).says("Is this your device?", d.UserCode)
		b.follow(b.submit(page, "decision", "accept")).want(http.StatusOK).says("Your device is connected")
		d.poll(200, "", "")
	})
}

// What a device asks for beyond scopes its person sees, agrees to, and finds in the token (RFC 9396).
func TestDetailsOfADevice(t *testing.T) {
	each(t, func(w *world) {
		w.takesPayments()
		const details = `[{"type":"payment","creditor":"Wolfram & Sons"}]`
		d := w.device("authorization_details", details)
		b := w.browser()
		page := b.get(strings.TrimPrefix(d.Complete, origin)).want(http.StatusOK)
		page = b.follow(b.submit(page, "decision", "accept")).want(http.StatusOK)
		page = b.follow(b.submit(page, "username", "ada@example.com", "password", good)).want(http.StatusOK).says("Wolfram & Sons")
		b.follow(b.submit(page, "decision", "accept")).want(http.StatusOK).says("Your device is connected")
		got := d.poll(200, "", "")
		want := fmt.Sprint([]any{map[string]any{"type": "payment", "creditor": "Wolfram & Sons"}})
		if fmt.Sprint(got["authorization_details"]) != want || fmt.Sprint(w.payload(got["access_token"].(string))["authorization_details"]) != want {
			w.Errorf("%v", got)
		}
		r := w.browser().post("/oauth/device/code", url.Values{"client_id": {"app"}, "audience": {api}, "authorization_details": {`[{"type":"magic"}]`}})
		if r.status != 400 || !strings.Contains(r.body, "invalid_authorization_details") {
			w.Errorf("%d %s", r.status, r.body)
		}
	})
}

func TestDeviceRefused(t *testing.T) {
	each(t, func(w *world) {
		b, d := w.browser(), w.device()
		page := b.get(strings.TrimPrefix(d.Complete, origin))
		b.submit(page, "decision", "decline").want(http.StatusOK).says("Your device is not connected")
		b.submit(page, "decision", "accept").want(http.StatusBadRequest).says("No device shows this code")
		d.poll(403, "access_denied", "User cancelled the confirmation prompt.")
		d.poll(403, "invalid_grant", "Invalid or expired device code.")

		d = w.device()
		w.wait(15 * time.Minute)
		b.get(strings.TrimPrefix(d.Complete, origin)).want(http.StatusBadRequest).says("No device shows this code")
		d.poll(403, "expired_token", "The device code is expired. Please start the device activation again.")
		d.poll(403, "invalid_grant", "Invalid or expired device code.")

		// A rule refuses: the person reads why, and so does the device.
		w.ok(w.st.CreateRule(w.Context(), &stagedoor.Rule{Name: "no", Enabled: true, Script: `function (user, context, callback) { callback(new UnauthorizedError('no televisions')); }`}))
		d = w.device()
		page = b.follow(b.submit(b.get(strings.TrimPrefix(d.Complete, origin)), "decision", "accept"))
		b.follow(b.submit(page, "username", "ada@example.com", "password", good)).says("no televisions")
		d.poll(403, "access_denied", "no televisions")
		if got := w.events(); !strings.Contains(got, "fdecc") || !strings.Contains(got, "fdeac") {
			w.Errorf("logged %s", got)
		}

		for want, form := range map[string]url.Values{
			`"error":"unauthorized_client"`: {"client_id": {"foreign"}},
			`"error":"access_denied"`:       {"client_id": {"nobody"}},
			`Service not found`:             {"client_id": {"app"}, "audience": {"https://nowhere.example/"}},
		} {
			if r := b.post("/oauth/device/code", form); r.status < 400 || !strings.Contains(r.body, want) {
				w.Errorf("%v: %d %s", form, r.status, r.body)
			}
		}
	})
}

// TestDeviceCodeGuessing: whoever tries codes is stopped, and a device of another client or tenant gets nothing.
func TestDeviceCodeGuessing(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	d, b := w.device(), w.browser()
	page := b.get("/activate")
	for i := range 10 {
		b.from = fmt.Sprintf("2001:db8:77:1::%x", i+1) // one customer has all of them
		b.submit(page, "code", "BBBB-BBBB").want(http.StatusBadRequest)
	}
	b.from = "2001:db8:77:1::f00"
	b.submit(page, "code", d.UserCode).want(http.StatusTooManyRequests).says("Too many wrong codes.")
	w.wait(time.Minute)
	b.submit(page, "code", d.UserCode).want(http.StatusOK)
	_, err := w.st.UpdateClient(w.Context(), "other", func(c *stagedoor.Client) error { c.GrantTypes = append(c.GrantTypes, deviceGrant); return nil })
	w.ok(err)
	if r := b.post("/oauth/token", url.Values{"grant_type": {deviceGrant}, "client_id": {"other"}, "device_code": {d.DeviceCode}}); !strings.Contains(r.body, "Invalid or expired device code.") {
		t.Errorf("%d %s", r.status, r.body)
	}
	b.do(http.MethodPost, "/activate", url.Values{"code": {d.UserCode}, "decision": {"accept"}}.Encode(), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
}

// TestDeviceCodeGuessingAtOnce: guesses that are sent at the same time have no more room than those that are sent one by one.
func TestDeviceCodeGuessingAtOnce(t *testing.T) {
	each(t, func(w *world) {
		var mu sync.Mutex
		var wait sync.WaitGroup
		looked := 0
		for range 30 {
			b := w.browser()
			wait.Go(func() {
				r := b.do(http.MethodGet, "/activate?user_code=BBBB-BBBB", "")
				mu.Lock()
				defer mu.Unlock()
				if r.status == http.StatusBadRequest {
					looked++
				}
			})
		}
		wait.Wait()
		if looked != 10 {
			w.Errorf("%d guesses", looked)
		}
	})
}

// TestLoginsOfDevicesAreBounded: whoever has one code confirms it as often as they like, and each time a login begins, which is kept.
func TestLoginsOfDevicesAreBounded(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.pipe.Networks.LoginRate = 10
	d := w.device()
	b := w.browser()
	begun, r := 0, b.post("/activate", url.Values{"code": {d.UserCode}, "decision": {"accept"}})
	for ; r.status/100 == 3 && begun < 1000; r = b.post("/activate", url.Values{"code": {d.UserCode}, "decision": {"accept"}}) {
		begun++
	}
	if r.want(http.StatusTooManyRequests); begun != 500 {
		t.Errorf("%d logins", begun)
	}
}

// TestDeviceRace: of many devices with one code, one gets tokens.
func TestDeviceRace(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		d := w.device()
		page := b.follow(b.submit(b.get(strings.TrimPrefix(d.Complete, origin)), "decision", "accept"))
		b.follow(b.submit(page, "username", "ada@example.com", "password", good)).says("Your device is connected")
		var mu sync.Mutex
		var wait sync.WaitGroup
		won := 0
		for range 8 {
			wait.Go(func() {
				r := d.post("/oauth/token", url.Values{"grant_type": {deviceGrant}, "client_id": {"app"}, "device_code": {d.DeviceCode}})
				mu.Lock()
				defer mu.Unlock()
				if r.status == 200 {
					won++
				}
			})
		}
		wait.Wait()
		if won != 1 {
			w.Errorf("%d got tokens", won)
		}
	})
}

// TestDeviceMask: tenants say how codes look, unless that leaves too little to guess.
func TestDeviceMask(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	for settings, want := range map[string]string{
		`{"charset":"digits","mask":"*** *** ***"}`:  `^\d{3} \d{3} \d{3}$`,
		`{"charset":"digits","mask":"***"}`:          `^\d{3}-\d{3}-\d{3}$`,
		`{"charset":"base20","mask":"TV1-********"}`: `^TV1-[B-Z]{8}$`,
	} {
		w.configure(func(s *stagedoor.TenantSettings) {
			s.Stored = map[string]json.RawMessage{"device_flow": json.RawMessage(settings)}
		})
		d := w.device()
		if !regexp.MustCompile(want).MatchString(d.UserCode) {
			t.Errorf("%s: %s", settings, d.UserCode)
		}
		w.browser().get("/activate?user_code=" + url.QueryEscape(d.UserCode)).want(http.StatusOK).says(d.UserCode)
	}
}

// takesPayments lets clients ask the API for payments, beyond scopes.
func (w *world) takesPayments() {
	rs, err := w.st.ResourceServerByIdentifier(w.Context(), api)
	w.ok(err)
	_, err = w.st.UpdateResourceServer(w.Context(), rs.ID, func(rs *stagedoor.ResourceServer) error {
		rs.Stored = map[string]json.RawMessage{"authorization_details": json.RawMessage(`[{"type":"payment"}]`)}
		return nil
	})
	w.ok(err)
}
