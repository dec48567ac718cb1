package connection

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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
		keys, metadata := o.documents.at("keys", address), o.documents.at("metadata", address)
		keys.fetched, keys.keys = time.Now().Add(-age), []jose.VerifyKey{{KID: "k", Algorithm: "RS256", Key: key.Public()}}
		metadata.fetched, metadata.members = time.Now().Add(-age), map[string]any{"issuer": "x"}
		if keys, err := o.verifyKeys(t.Context(), address, jose.Header{Algorithm: "RS256", KeyID: "k"}); (err == nil && len(keys) == 1) != good {
			t.Errorf("after %s: %d keys, %v", age, len(keys), err)
		}
		if m, err := o.metadata(t.Context(), address); (err == nil && m != nil) != good {
			t.Errorf("after %s: %v, %v", age, m, err)
		}
	}
}

// TestDocumentOfAnotherKind: a tenant that takes the key set of an issuer for its metadata, or the other way round, keeps no other tenant from either.
func TestDocumentOfAnotherKind(t *testing.T) {
	key, err := jose.NewRSAKey(2048, "k", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	set, err := jose.JWKS(key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			w.Write(set)
			return
		}
		w.Write([]byte(`{"issuer":"https://idp.example"}`))
	}))
	defer server.Close()
	o, h := &Upstream{HTTP: server.Client()}, jose.Header{Algorithm: "RS256", KeyID: key.KID}
	if m, err := o.metadata(t.Context(), server.URL+"/keys"); err == nil {
		t.Errorf("read as metadata: %v", m)
	}
	if keys, err := o.verifyKeys(t.Context(), server.URL+"/metadata", h); err == nil {
		t.Errorf("read as keys: %v", keys)
	}
	if keys, err := o.verifyKeys(t.Context(), server.URL+"/keys", h); err != nil || len(keys) != 1 {
		t.Errorf("%v %v", keys, err)
	}
	if m, err := o.metadata(t.Context(), server.URL+"/metadata"); err != nil || m["issuer"] != "https://idp.example" {
		t.Errorf("%v %v", m, err)
	}
}

// TestLargeDocuments: what issuers publish is kept up to a size, whoever names their addresses.
func TestLargeDocuments(t *testing.T) {
	text := `{"issuer":"x","list":[1` + strings.Repeat(",1", 100<<10) + `]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
	defer server.Close()
	o := &Upstream{HTTP: server.Client()}
	for i := range 100 {
		if m, err := o.metadata(t.Context(), fmt.Sprint(server.URL, "/", i)); err != nil || m["issuer"] != "x" {
			t.Fatal(m, err)
		}
	}
	kept := 0
	for _, doc := range o.documents.all {
		if doc.members != nil {
			kept += len(text)
		}
	}
	if kept > 16<<20 || kept == 0 {
		t.Errorf("%d bytes are kept", kept)
	}
}

// TestKeyThatIsNew: what a provider signs with a key that it has just added is verified at once, however short ago its keys were read. Tokens that name keys
// which are nowhere have it asked some times and no more, and their sender keeps nobody else from the keys for longer than a pause.
func TestKeyThatIsNew(t *testing.T) {
	var keys []*jose.Key
	fetches := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches++
		set, _ := jose.JWKS(keys...)
		w.Write(set)
	}))
	defer server.Close()
	o := &Upstream{HTTP: server.Client()}
	find := func(kid string) error {
		_, err := o.verifyKeys(t.Context(), server.URL, jose.Header{Algorithm: "RS256", KeyID: kid})
		return err
	}
	for i := range 3 { // a key, and one after the other beside it
		key, err := jose.NewRSAKey(2048, "k", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		key.KID = fmt.Sprint("key", i)
		if keys = append(keys, key); find(key.KID) != nil || find("key0") != nil {
			t.Errorf("the key %d is not found", i)
		}
	}
	if fetches != 3 {
		t.Errorf("%d fetches for three keys", fetches)
	}
	for i := range 50 {
		if find(fmt.Sprint("nowhere", i)) == nil {
			t.Fatal("a key is there that is nowhere")
		}
	}
	if fetches > 1+documentHaste {
		t.Errorf("%d fetches for keys that are nowhere", fetches)
	}
	doc := o.documents.at("keys", server.URL)
	doc.again = doc.again.Add(-documentPause) // a pause later
	keys[2].KID = "key3"
	if find("key3") != nil {
		t.Error("a key that was added after that is not found")
	}
}
