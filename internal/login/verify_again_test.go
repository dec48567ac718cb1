package login_test

import (
	"net/http"
	"testing"
)

// A link by which somebody proves their address is not used up where the script of their database fails: the store behind it may be away for a moment.
func TestVerifiedAtTheNextTry(t *testing.T) {
	each(t, func(w *world) {
		l := newLegacy(t)
		scripts := map[string]string{"login": legacyScripts["login"], "get_user": legacyScripts["get_user"], "verify": `(email, callback) => callback(new Error('away'))`}
		w.custom(l, false, scripts)
		l.has(t, "new@old.example", `{"id":9}`)
		b, r := w.logIn("new@old.example", good)
		b.finish(r)
		w.ok(w.door.SendVerification(w.Context(), w.st, w.found("new@old.example"), "app", ""))
		link := w.link()
		b.get(link).want(http.StatusBadRequest)
		w.logs(`"type":"fv"`, "The script of the connection did not verify the address: away")
		w.custom(l, false, legacyScripts)
		b.get(link).want(http.StatusOK).says("Your email is verified")
		if !w.found("new@old.example").EmailVerified {
			w.Error("not verified")
		}
	})
}
