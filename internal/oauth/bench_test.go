package oauth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// onAllCores calls fn n times and returns how long that took.
func onAllCores(n int, fn func()) time.Duration {
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				fn()
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

func post(w *world, body string) *http.Request {
	r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(body))
	r.URL.Scheme, r.Host, r.RemoteAddr = "https", w.host, "192.0.2.7"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// BenchmarkClientCredentials sets client_credentials with RS256, through the handler and on all cores, against raw RSA-2048
// signatures of the same run, in turns of 64. The goal is a ratio of 0.7.
func BenchmarkClientCredentials(b *testing.B) {
	w := newWorld(b)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(b, err)
	body := values(machineForm()...).Encode()
	sum := sha256.Sum256([]byte("x"))
	var raw, ours time.Duration
	b.ResetTimer()
	for done := 0; done < b.N; done += 64 {
		n := min(64, b.N-done)
		ours += onAllCores(n, func() {
			rec := httptest.NewRecorder()
			w.door.ServeHTTP(rec, post(w, body))
			if rec.Code != http.StatusOK {
				b.Errorf("%d %s", rec.Code, rec.Body)
			}
		})
		b.StopTimer()
		raw += onAllCores(n, func() {
			if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]); err != nil {
				b.Error(err)
			}
		})
		b.StartTimer()
	}
	b.ReportMetric(float64(raw)/float64(ours), "of-raw-signing")
}

// BenchmarkCodeExchange redeems codes for an access token and an ID token: two signatures.
func BenchmarkCodeExchange(b *testing.B) {
	w := newWorld(b, storetest.SQLite)
	br := w.browser()
	br.login(request(spa))
	codes := make([]string, b.N)
	for i := range codes {
		codes[i] = br.authorize(request(spa, "audience", apiAudience, "scope", "openid profile email read:songs")).got().Get("code")
	}
	b.ResetTimer()
	for _, code := range codes {
		rec := httptest.NewRecorder()
		w.door.ServeHTTP(rec, post(w, exchange(spa, code).Encode()))
		if rec.Code != http.StatusOK {
			b.Fatalf("%d %s", rec.Code, rec.Body)
		}
	}
}

// BenchmarkAuthorize is single sign-on: a session, no rules, a code.
func BenchmarkAuthorize(b *testing.B) {
	w := newWorld(b, storetest.SQLite)
	br := w.browser()
	br.login(request(spa))
	target := "/authorize?" + request(spa).Encode()
	b.ResetTimer()
	for range b.N {
		if a := br.get(target); a.Code != http.StatusFound {
			b.Fatalf("%d %s", a.Code, a.Body)
		}
	}
}

// BenchmarkRefresh rotates a refresh token: two signatures.
func BenchmarkRefresh(b *testing.B) {
	w := newWorld(b, storetest.SQLite)
	w.rotating(spa, nil)
	token := w.offline(spa).RefreshToken
	b.ResetTimer()
	for range b.N {
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {spa}, "refresh_token": {token}}
		rec := httptest.NewRecorder()
		w.door.ServeHTTP(rec, post(w, form.Encode()))
		token = w.read(&answer{rec, b}).good().RefreshToken
	}
}
