package page

import (
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// fieldState is the field by which a front end of the tenant's own sends its state back.
const fieldState = "state"

// Submission reads a form that a front end of the tenant's own has posted, under the names of ours. It tells whether the answer was given: some actions
// lead elsewhere. What our own pages post stays as it is. The state is the browser's word; it holds nothing that its owner may not send.
func Submission(w http.ResponseWriter, r *http.Request, st *store.Store) (answered bool, err error) {
	if !r.PostForm.Has(fieldState) {
		return false, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(r.PostForm.Get(fieldState))
	var s state
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		return false, notOfThePage()
	}
	if elsewhere, err := s.elsewhere(r); err != nil || elsewhere {
		if err == nil { // the form comes along
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, s.Here, http.StatusTemporaryRedirect)
		}
		return true, err
	}
	action := r.PostForm.Get("action")
	if name := r.PostForm.Get("connection"); name != "" {
		action = ui.ActionConnection + name
	}
	if _, leads := s.Ways[ui.ActionPasskey]; leads && r.PostForm.Has(ui.ActionPasskey) {
		action = ui.ActionPasskey
	}
	if to, leads := s.Ways[action]; leads {
		return true, to.follow(w, r, st)
	}
	own := url.Values{}
	for name, value := range s.Hidden {
		own.Set(name, value)
	}
	if pressed, is := s.pressed(action); is {
		if pressed.Name != "" {
			own.Set(pressed.Name, pressed.Value)
		}
	} else if action != "" && action != "default" {
		return false, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "This page has no action %s.", stagedoor.Clip(action, 100))
	}
	for name, values := range r.PostForm {
		if ours := s.Names[name]; ours != "" && !own.Has(ours) && given(values[0]) {
			own[ours] = values
		}
	}
	for name, values := range r.PostForm {
		if _, renamed := s.Names[name]; !renamed && name != fieldState && name != "action" && !own.Has(name) {
			own[name] = values
		}
	}
	for _, values := range own {
		if strings.ContainsRune(values[0], 0) { // which no form of ours may hold; the state was not looked through with the form
			return false, notOfThePage()
		}
	}
	r.PostForm = own
	return false, nil
}

// elsewhere tells whether the vendor's library posts to another page than that of the screen, or to that of no login, as it does for keys.
func (s state) elsewhere(r *http.Request) (bool, error) {
	if s.Here == "" {
		return false, nil
	}
	here, err := url.Parse(s.Here)
	if err != nil || !ui.Local(s.Here) {
		return false, notOfThePage()
	}
	return here.Path != r.URL.Path || here.RawQuery != "" && r.URL.RawQuery == "", nil
}

// pressed is what the action sends. Some actions have something behind two colons.
func (s state) pressed(action string) (ui.Field, bool) {
	if field, is := s.Choices[action]; is {
		return field, true
	}
	name, value, more := strings.Cut(action, "::")
	field, is := s.Choices[name+"::"]
	return ui.Field{Name: field.Name, Value: value}, is && more
}

func notOfThePage() error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The field state is not that of the page.")
}

// given tells whether a field holds anything: front ends send boxes that are not ticked too.
func given(value string) bool { return value != "" && value != "false" }

// follow sends the browser where an action leads: to a page of ours, or to what answers a form of ours.
func (to way) follow(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	switch {
	case to.URL != "" && ui.Local(to.URL):
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, to.URL, http.StatusSeeOther)
		return nil
	case to.Action != "" && ui.Local(to.Action):
		fields := maps.Clone(to.Hidden)
		if fields == nil {
			fields = map[string]string{}
		}
		for theirs, ours := range to.Takes {
			if value := r.PostForm.Get(theirs); given(value) {
				fields[ours] = value
			}
		}
		return Post(w, r, st, template.URL(to.Action), fields, false) //nolint:gosec // a path of ours
	}
	return notOfThePage()
}
