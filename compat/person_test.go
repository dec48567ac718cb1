package compat

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	bits "encoding/binary"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// person is somebody at a browser without JavaScript, which keeps cookies, with an authenticator app.
type person struct {
	*testing.T
	user
	http *http.Client
	stop string   // where the browser is not sent: an address begins with it
	back *url.URL // where it was to be sent
	asks int      // how often a page asked for something
	app  *authenticator
}

func newPerson(t *testing.T, who user) *person {
	p := &person{T: t, user: who}
	jar, err := cookiejar.New(nil)
	ok(t, err)
	p.http = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), p.stop) {
			p.back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return p
}

var shownSecret = regexp.MustCompile(`(?s)class="secret".*?<code[^>]*>([^<]+)<`)

// visit opens an address and does what the pages ask for until the browser is sent to an address that begins with stop.
func (p *person) visit(address, stop string) url.Values {
	p.Helper()
	p.stop, p.back = stop, nil
	response, err := p.http.Get(address)
	for step := 0; ; step++ {
		if err != nil {
			p.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if p.back != nil {
			return p.back.Query()
		}
		form := formPattern.FindStringSubmatch(string(body))
		if response.StatusCode != http.StatusOK || form == nil || step > 6 {
			p.Fatalf("%s: %s\n%s", response.Request.URL, response.Status, body)
		}
		p.asks++
		values := fill(form[0], p.user)
		if values.Has("code") {
			if secret := shownSecret.FindSubmatch(body); secret != nil {
				p.app = &authenticator{secret: html.UnescapeString(string(secret[1]))}
			}
			values.Set("code", p.app.code())
		}
		values.Del("remember")
		action, _ := response.Request.URL.Parse(html.UnescapeString(form[1]))
		request, _ := http.NewRequestWithContext(p.Context(), http.MethodPost, action.String(), strings.NewReader(values.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", "https://"+demo.Domain)
		response, err = p.http.Do(request)
	}
}

// authenticator is an app that was set up with a secret (RFC 6238). No code of it is given twice.
type authenticator struct {
	secret string
	last   int64
}

func (a *authenticator) code() string {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(a.secret, " ", ""))
	if err != nil {
		panic(err)
	}
	// The code of the time step before is good as well, and leaves the next two for later; not when it is about to be the one before that.
	a.last = max(a.last+1, (time.Now().Unix()+15)/30-1)
	for a.last > time.Now().Unix()/30+1 { // an app would not show it yet
		time.Sleep(time.Second)
	}
	mac := hmac.New(sha1.New, key)
	_ = bits.Write(mac, bits.BigEndian, a.last)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (bits.BigEndian.Uint32(sum[at:])&0x7fffffff)%1000000)
}
