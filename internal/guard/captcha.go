package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// Vendor is somebody who tells people from programs.
type Vendor struct {
	Script string   // that a page loads
	Class  string   // of the element that the script fills
	Field  string   // of the form that it puts into it
	Hosts  []string // that the page may load from
	verify func(stagedoor.CaptchaProvider, string) request
	good   func([]byte) bool
}

// request is the question whether a token is good.
type request struct {
	url  string
	form url.Values
	body any // instead of form
}

// vendors are the rows, by the names of active_provider_id, each as its public reference says. The others are met with work.
var vendors = map[string]Vendor{
	"recaptcha_v2": {
		Script: "https://www.google.com/recaptcha/api.js", Class: "g-recaptcha", Field: "g-recaptcha-response",
		Hosts: []string{"https://www.google.com", "https://www.gstatic.com"}, verify: siteVerify("https://www.google.com/recaptcha/api/siteverify"), good: success,
	},
	"recaptcha_enterprise": {
		Script: "https://www.google.com/recaptcha/enterprise.js", Class: "g-recaptcha", Field: "g-recaptcha-response",
		Hosts: []string{"https://www.google.com", "https://www.gstatic.com"}, good: assessed,
		verify: func(p stagedoor.CaptchaProvider, token string) request {
			return request{
				url:  "https://recaptchaenterprise.googleapis.com/v1/projects/" + url.PathEscape(p.ProjectID) + "/assessments?key=" + url.QueryEscape(p.APIKey),
				body: map[string]any{"event": map[string]string{"token": token, "siteKey": p.SiteKey}},
			}
		},
	},
	"hcaptcha": {
		Script: "https://js.hcaptcha.com/1/api.js", Class: "h-captcha", Field: "h-captcha-response",
		Hosts: []string{"https://hcaptcha.com", "https://*.hcaptcha.com"}, verify: siteVerify("https://api.hcaptcha.com/siteverify"), good: success,
	},
	"friendly_captcha": {
		Script: "https://cdn.jsdelivr.net/npm/friendly-challenge@0.9.18/widget.min.js", Class: "frc-captcha", Field: "frc-captcha-solution",
		Hosts: []string{"https://cdn.jsdelivr.net", "https://api.friendlycaptcha.com", "blob:"}, good: success,
		verify: func(p stagedoor.CaptchaProvider, token string) request {
			return request{url: "https://api.friendlycaptcha.com/api/v1/siteverify", body: map[string]string{"solution": token, "secret": p.Secret, "sitekey": p.SiteKey}}
		},
	},
	"turnstile": {
		Script: "https://challenges.cloudflare.com/turnstile/v0/api.js", Class: "cf-turnstile", Field: "cf-turnstile-response",
		Hosts: []string{"https://challenges.cloudflare.com"}, verify: siteVerify("https://challenges.cloudflare.com/turnstile/v0/siteverify"), good: success,
	},
}

func siteVerify(address string) func(stagedoor.CaptchaProvider, string) request {
	return func(p stagedoor.CaptchaProvider, token string) request {
		return request{url: address, form: url.Values{"secret": {p.Secret}, "response": {token}}}
	}
}

func success(answer []byte) bool {
	var out struct{ Success bool }
	return json.Unmarshal(answer, &out) == nil && out.Success
}

// assessed takes a score from the middle on.
func assessed(answer []byte) bool {
	var out struct {
		Token struct{ Valid bool }    `json:"tokenProperties"`
		Risk  struct{ Score float64 } `json:"riskAnalysis"`
	}
	return json.Unmarshal(answer, &out) == nil && out.Token.Valid && out.Risk.Score >= 0.5
}

// askTimeout is how long a vendor may take.
const askTimeout = 5 * time.Second

// maxToken bounds what a vendor's script puts into a form, in bytes.
const maxToken = 16 << 10

// ask asks a vendor whether a token is good. What cannot be asked is not good; the error tells why, without the secret.
func (c *Challenge) ask(ctx context.Context, client *http.Client, token string) (bool, error) {
	if token == "" || len(token) > maxToken {
		return false, nil
	}
	if client == nil {
		return false, fmt.Errorf("this server makes no outbound calls")
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	q := c.Vendor.verify(c.settings, token)
	body, kind := []byte(q.form.Encode()), "application/x-www-form-urlencoded"
	if q.body != nil {
		var err error
		if body, err = json.Marshal(q.body); err != nil {
			return false, err
		}
		kind = "application/json"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, q.url, bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("the vendor of captchas cannot be asked")
	}
	r.Header.Set("Content-Type", kind)
	response, err := client.Do(r)
	if err != nil {
		host, _, _ := strings.Cut(strings.TrimPrefix(q.url, "https://"), "/")
		return false, fmt.Errorf("%s does not answer", host)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil || response.StatusCode >= http.StatusInternalServerError {
		return false, fmt.Errorf("the vendor of captchas answered %d", response.StatusCode)
	}
	return response.StatusCode == http.StatusOK && c.Vendor.good(answer), nil
}
