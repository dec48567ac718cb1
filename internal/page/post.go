package page

import (
	"bytes"
	"html/template"
	"net/http"

	"github.com/stagedoor/stagedoor"
)

var post = template.Must(template.New("post").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Signing in…</title></head><body>
<form method="post" action="{{.Action}}">
{{range $name, $value := .Fields}}<input type="hidden" name="{{$name}}" value="{{$value}}">
{{end}}<noscript><p>Your browser runs no scripts.</p><button type="submit">Continue</button></noscript>
</form>
<script nonce="{{.Nonce}}">document.forms[0].submit();</script>
</body></html>
`))

// Post answers with a form that posts itself to another site, or by a button where scripts do not run. The caller vouches for the address, whose
// scheme may be any. Other sites may show it in a frame if framed is set, as clients do with answers that nobody is to see.
func Post(w http.ResponseWriter, action template.URL, fields map[string]string, framed bool) error {
	nonce := stagedoor.NewToken()
	var b bytes.Buffer
	if err := post.Execute(&b, map[string]any{"Action": action, "Fields": fields, "Nonce": nonce}); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	policy := "default-src 'none'; base-uri 'none'; script-src 'nonce-" + nonce + "'"
	if !framed {
		policy += "; frame-ancestors 'none'"
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	_, err := w.Write(b.Bytes())
	return err
}
