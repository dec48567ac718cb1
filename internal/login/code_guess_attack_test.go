package login_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Attack: whoever has many networks (a /48 holds 65,536 that count as one each) gives a few wrong codes from each of them, for a new code every time, until one is right by chance. A person's
// codes are looked at two hundred times, wherever they are given; whether there is such a person does not show. The owner is in again by the link of the mail about the block, or by and by.
func TestAttackCodesGuessedFromManyNetworks(t *testing.T) {
	for _, who := range []string{"ada@example.com", "nobody@example.com"} {
		w := newWorld(t, storetest.SQLite)
		w.knownBy(byCodes, "")
		network, looked, status := 0, 0, 0
		for ; looked < 170; looked++ {
			w.ok(guard.Guess(t.Context(), guard.Attempt{Store: w.st, Connection: w.conn, Identifier: who, IP: "192.0.2.8", Code: true}))
		}
		ask := func(code string) *reply {
			b := w.browser()
			b.from = fmt.Sprintf("2001:db8:0:%x::1", network/9)
			network++
			return b.post("/u/forgot/code", url.Values{"email": {who}, "code": {code}})
		}
		for status != http.StatusTooManyRequests && looked < 300 {
			b := w.browser()
			b.from = fmt.Sprintf("2001:db8:1:%x::1", looked)
			b.post("/u/forgot", url.Values{"email": {who}}).want(http.StatusOK)
			for range 3 {
				if status = ask("000000").status; status == http.StatusBadRequest {
					looked++
				}
			}
		}
		if looked != 200 {
			t.Errorf("%s: %d wrong codes were looked at", who, looked)
		}
		if who == "nobody@example.com" {
			continue
		}
		w.wait(time.Minute)
		b := w.browser()
		b.post("/u/forgot", url.Values{"email": {who}}).want(http.StatusOK)
		_, code := w.sentTo()
		if got := b.post("/u/forgot/code", url.Values{"email": {who}, "code": {code}}); got.status != http.StatusTooManyRequests {
			t.Errorf("a right one among the guesses: %d", got.status)
		}
		w.ok(guard.Unblock(t.Context(), w.st, who))
		b.post("/u/forgot/code", url.Values{"email": {who}, "code": {code}}).want(http.StatusSeeOther)
	}
}
