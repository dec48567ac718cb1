package standin

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// view is what the page shows.
type view struct {
	Provider string
	Action   string
	Asked    url.Values
	People   []Person
	Modes    []string
	Posted   bool // the answer goes on by a form
	Back     string
	Answer   map[string]string
	Rows     []string
	Base     string

	NoRefusal bool
}

// show writes the page. Its form may lead anywhere: that is what it is for.
func show(w http.ResponseWriter, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_ = page.Execute(w, v)
}

func (s *Server) welcome(w http.ResponseWriter, r *http.Request) {
	v := view{Base: base(r)}
	for i := range rows {
		v.Rows = append(v.Rows, rows[i].name)
	}
	show(w, v)
}

// authorize asks who the person is, or knows it already, and sends them back.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, row *row) {
	_ = r.ParseForm()
	asked := url.Values{}
	for name := range r.Form {
		if !strings.HasPrefix(name, "standin_") {
			asked.Set(name, r.Form.Get(name))
		}
	}
	back, err := url.Parse(asked.Get("redirect_uri"))
	kind := asked.Get("response_type")
	if err != nil || back.Scheme != "https" && back.Scheme != "http" || asked.Get("client_id") != s.ClientID || kind != "code" && kind != "id_token" {
		http.Error(w, "The stand-in knows the client stagedoor and the response types code and id_token alone, and needs a redirect_uri.", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.asked = asked
	g, refusal := grant{mode: s.mode, asked: asked, row: row}, s.refusal
	chosen := s.chosen
	s.mu.Unlock()
	if r.Form.Get("standin_mode") != "" {
		g.mode = r.Form.Get("standin_mode")
	}
	if r.Form.Has("standin_refuse") {
		refusal = url.Values{"error": {"access_denied"}, "error_description": {"The person said no."}}
	}
	if chosen == nil && refusal == nil {
		if chosen = s.formPerson(r); chosen == nil {
			show(w, view{Provider: row.name, Action: r.URL.Path, Asked: asked, People: s.People, Modes: Modes})
			return
		}
	}
	answer := map[string]string{"state": asked.Get("state")}
	if row.discovery != "" && g.mode != NoIssuer {
		answer["iss"] = row.issuerAt(r)
	}
	if g.mode == MixUp {
		answer["iss"] = "https://evil.example"
	}
	switch {
	case refusal != nil:
		for name := range refusal {
			answer[name] = refusal.Get(name)
		}
	case kind == "id_token":
		g.person = *chosen
		answer["id_token"] = s.idToken(r, row, g, "")
	default:
		g.person = *chosen
		code := stagedoor.NewToken()
		s.mu.Lock()
		s.codes.keep(code, g)
		s.mu.Unlock()
		answer["code"] = code
	}
	if row.signed && refusal == nil && strings.Contains(asked.Get("scope"), "name") {
		user, _ := json.Marshal(map[string]any{"name": map[string]string{"firstName": chosen.GivenName, "lastName": chosen.FamilyName}, "email": chosen.Email})
		answer["user"] = string(user)
	}
	if asked.Get("response_mode") == "form_post" {
		show(w, view{Provider: row.name, Posted: true, Back: back.String(), Answer: answer})
		return
	}
	q := back.Query()
	for name, value := range answer {
		q.Set(name, value)
	}
	back.RawQuery = q.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// formPerson is whom the page's form names: one of those who are offered, or one who was typed in.
func (s *Server) formPerson(r *http.Request) *Person {
	if !r.Form.Has("standin_person") {
		return nil
	}
	for _, p := range s.People {
		if p.Subject == r.Form.Get("standin_person") {
			return &p
		}
	}
	p := &Person{
		Subject: r.Form.Get("standin_subject"), Email: strings.TrimSpace(r.Form.Get("standin_email")), EmailVerified: r.Form.Get("standin_verified") != "",
		Name: strings.TrimSpace(r.Form.Get("standin_name")),
	}
	if p.Subject == "" {
		p.Subject = "1" // the page asks for one
	}
	p.Nickname, _, _ = strings.Cut(p.Email, "@")
	return p
}
