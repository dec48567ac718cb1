package oauth

import (
	"crypto/sha1" //nolint:gosec // a name of a certificate, as tools print it
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// certificate gives out the certificate of the key that tokens are signed with, in the form that the path names (Authentication API fact sheet
// 1.2). Clients that cannot read a key set are configured with it.
func (d *Door) certificate(w http.ResponseWriter, r *http.Request, st *store.Store) {
	key, err := d.Minter.Keys.Current(r.Context(), st)
	if err != nil {
		answerError(w, r, err)
		return
	}
	cert := key.Cert
	form := strings.TrimPrefix(r.URL.Path, "/")
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400")
	h.Set("X-Content-Type-Options", "nosniff")
	if form != "fingerprint" && form != "rawpem" {
		h.Set("Content-Disposition", `attachment; filename="`+st.Tenant().ID+"."+strings.Replace(form, "pb7", "p7b", 1)+`"`)
	}
	switch form {
	case "cer":
		h.Set("Content-Type", "application/pkix-cert")
		w.Write(cert.Raw)
	case "pb7":
		bundle, err := jose.PKCS7(cert)
		if err != nil {
			answerError(w, r, err)
			return
		}
		h.Set("Content-Type", "application/x-pkcs7-certificates")
		w.Write(bundle)
	case "fingerprint":
		h.Set("Content-Type", "text/plain; charset=utf-8")
		sum := sha1.Sum(cert.Raw) //nolint:gosec // see above
		print := sum[:]
		if r.URL.Query().Get("encoding") == "sha256" {
			long := sha256.Sum256(cert.Raw)
			print = long[:]
		}
		w.Write([]byte(strings.ReplaceAll(fmt.Sprintf("% X", print), " ", ":")))
	default: // pem, rawpem
		h.Set("Content-Type", map[bool]string{true: "application/x-pem-file", false: "text/plain; charset=utf-8"}[form == "pem"])
		w.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
}
