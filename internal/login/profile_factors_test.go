package login_test

import (
	"net/http"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestFactorsOfProfiles: second factors of a profile are the user's from their first login on, and wrong ones let nobody in.
func TestFactorsOfProfiles(t *testing.T) {
	for _, importing := range []bool{true, false} {
		w := newWorld(t, storetest.SQLite)
		const secret = "JBSWY3DPEHPK3PXPJBSWY3DP"
		profile := func(factors string) {
			source := `function login(email, password, callback) { callback(null, {user_id: 'kim', email: 'kim@old.example', mfa_factors: ` + factors + `}); }`
			w.custom(newLegacy(t), importing, map[string]string{"login": source, "get_user": `function getByEmail(email, callback) { callback(null); }`})
		}
		w.factors(always, "otp")
		for _, wrong := range []string{`[{totp: {secret: 'no base32'}}]`, `[{}]`, `'totp'`, `[{totp: {secret: '` + secret + `'}, phone: {value: '+12025550100'}}]`, `[{email: {value: 'nobody'}}]`, `Array(11).fill({phone: {value: '+1'}})`} {
			profile(wrong)
			if _, r := w.logIn("kim@old.example", good); r.status != http.StatusBadRequest || w.found("kim@old.example") != nil {
				t.Fatalf("%s: %d", wrong, r.status)
			}
		}
		profile(`[{totp: {secret: '` + secret + `'}}, {phone: {value: '+12025550100'}}]`)
		for range 2 {
			b, r := w.logIn("kim@old.example", good)
			page := b.follow(r).want(http.StatusOK).says("Enter the code that your authenticator app shows")
			if q := b.finish(b.follow(b.submit(page, "code", w.code(secret)))); q.Get("code") == "" {
				t.Errorf("importing %v: %v", importing, q)
			}
		}
		u := w.found("kim@old.example")
		all, err := w.st.AuthenticationMethods(w.Context(), u.ID)
		w.ok(err)
		kinds := map[string]int{}
		for _, m := range all {
			kinds[m.Type]++
		}
		if kinds["totp"] != 1 || kinds["phone"] != 1 {
			t.Errorf("%v", kinds)
		}
		if _, there := u.Attributes["mfa_factors"]; there {
			t.Error("the factors are an attribute too")
		}
	}
}
