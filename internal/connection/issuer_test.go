package connection

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// TestOldDocuments: the keys of an issuer that does not answer are good for a while, not for ever.
func TestOldDocuments(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	o := &Upstream{HTTP: server.Client()}
	for age, good := range map[time.Duration]bool{2 * documentLife: true, documentRest + time.Hour: false} {
		address := server.URL + "/" + age.String()
		key, err := jose.NewRSAKey(2048, "k", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		doc := o.documents.at(address)
		doc.fetched, doc.keys, doc.members = time.Now().Add(-age), []jose.VerifyKey{{KID: "k", Algorithm: "RS256", Key: key.Public()}}, map[string]any{"issuer": "x"}
		if keys, err := o.verifyKeys(t.Context(), address, jose.Header{Algorithm: "RS256", KeyID: "k"}); (err == nil && len(keys) == 1) != good {
			t.Errorf("after %s: %d keys, %v", age, len(keys), err)
		}
		if m, err := o.metadata(t.Context(), address); (err == nil && m != nil) != good {
			t.Errorf("after %s: %v, %v", age, m, err)
		}
	}
}
