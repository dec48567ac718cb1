package page

import (
	"bytes"
	"html/template"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// post is seen where scripts do not run, alone: everywhere else nothing of its look is loaded, and the browser is on its way. It says neither that
// somebody signs in nor that they sign out: it does not know.
var post = template.Must(template.New("post").Parse(`<!doctype html>
<html lang="{{.Page.Lang}}" dir="{{.Page.Dir}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Page.T "login.continue"}} · {{or .Page.Tenant "Stagedoor"}}</title>
<link rel="icon" href="data:,">
<noscript><link rel="stylesheet" href="{{.Page.Asset "stagedoor.css"}}">{{with .Page.Brand.Path}}<link rel="stylesheet" href="{{.}}">{{end}}</noscript>
</head>
<body class="stage">
<main id="content">
<noscript>{{with .Page.Image .Page.Logo}}<p class="who"><img src="{{.}}" alt="" width="56" height="56" referrerpolicy="no-referrer"></p>{{end}}
<h1>{{or .Page.Tenant "Stagedoor"}}</h1></noscript>
<form method="post" action="{{.Action}}">
{{range $name, $value := .Fields}}<input type="hidden" name="{{$name}}" value="{{$value}}">
{{end}}<noscript><button type="submit" class="primary">{{.Page.T "login.continue"}}</button></noscript>
</form>
</main>
<script nonce="{{.Nonce}}">document.forms[0].submit();</script>
</body>
</html>
`))

// Post answers with a form that posts itself to another site, or by a button where scripts do not run. The caller vouches for the address, whose
// scheme may be any. Other sites may show it in a frame if framed is set, as clients do with answers that nobody is to see.
func Post(w http.ResponseWriter, r *http.Request, st *store.Store, action template.URL, fields map[string]string, framed bool) error {
	look, nonce := lookOf(r.Context(), st), stagedoor.NewToken()
	p := ui.Frame{Lang: Language(r, st), Tenant: TenantName(st), Logo: Logo(st, look), Brand: Brand(st, look)}
	var b bytes.Buffer
	if err := post.Execute(&b, map[string]any{"Page": p, "Action": action, "Fields": fields, "Nonce": nonce}); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	policy := "default-src 'none'; base-uri 'none'; style-src 'self'; font-src 'self' https:; img-src 'self' data: https:; script-src 'nonce-" + nonce + "'"
	if !framed {
		policy += "; frame-ancestors 'none'"
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	_, err := w.Write(b.Bytes())
	return err
}
