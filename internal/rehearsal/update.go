package rehearsal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// Updated is the text of a scenario's file that wants what came. Of user and context what the play changed is wanted.
func (s *Scenario) Updated(text []byte, r Result) ([]byte, error) {
	want := map[string]any{"outcome": r.Outcome}
	if r.Error != nil {
		e := map[string]any{"message": r.Error.Message, "script": r.Error.Script}
		if r.Error.Code != "" {
			e["code"] = r.Error.Code
		}
		want["error"] = e
	}
	if len(r.Effects) > 0 {
		want["effects"] = r.Effects
	}
	if r.Outcome == Continued && s.Play.Kind == Rule {
		for name, pair := range map[string][2]any{"user": {value(s.Play.User), value(r.User)}, "context": {value(s.Play.Context), value(r.Context)}} {
			if changed, ok := patchTo(pair[0], pair[1]).(map[string]any); ok {
				if name == "context" { // told by the effects
					for _, told := range []string{"idToken", "accessToken", "multifactor", "redirect", "primaryUser"} {
						delete(changed, told)
					}
				}
				if len(changed) > 0 {
					want[name] = changed
				}
			}
		}
	}
	if len(r.Result) > 0 {
		want["result"] = r.Result
	}
	if len(r.Metadata) > 0 {
		want["metadata"] = r.Metadata
	}
	calls, said := []any{}, []any{}
	for _, c := range r.HTTP {
		call := map[string]any{"method": c.Method, "url": c.URL}
		if body := value([]byte(c.Body)); body != nil {
			call["body"] = body
		} else if c.Body != "" {
			call["body"] = c.Body
		}
		calls = append(calls, call)
	}
	for _, l := range r.Console {
		said = append(said, l.Text)
	}
	want["console"] = said
	if len(calls) > 0 {
		want["http"] = calls
	}
	fresh := asJSON(want)
	keepExpressions(s.Want, fresh)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(fresh); err != nil {
		return nil, err
	}
	if filepath.Ext(s.File) == ".txtar" {
		return inArchive(text, b.Bytes()), nil
	}
	return inObject(text, b.Bytes())
}

func inArchive(text, want []byte) []byte {
	a := txtar.Parse(text)
	for i := range a.Files {
		if a.Files[i].Name == "want.json" {
			a.Files[i].Data = want
			return txtar.Format(a)
		}
	}
	a.Files = append(a.Files, txtar.File{Name: "want.json", Data: want})
	return txtar.Format(a)
}

// inObject replaces the member want of an object's text, or adds it, and leaves everything else as it is written.
func inObject(text, want []byte) ([]byte, error) {
	var nested bytes.Buffer
	if err := json.Indent(&nested, bytes.TrimSpace(want), "  ", "  "); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		if name == "want" {
			end := int(d.InputOffset())
			return bytes.Join([][]byte{text[:end-len(v)], nested.Bytes(), text[end:]}, nil), nil
		}
	}
	end := bytes.LastIndexByte(text, '}')
	if end < 0 {
		return nil, fmt.Errorf("no object")
	}
	head := bytes.TrimRight(text[:end], " \t\r\n")
	return bytes.Join([][]byte{head, []byte(",\n  \"want\": "), nested.Bytes(), []byte("\n}\n")}, nil), nil
}

// patchTo is the merge patch that makes one value into the other. Lists are taken whole.
func patchTo(from, to any) any {
	a, isObject := from.(map[string]any)
	b, same := to.(map[string]any)
	if !isObject || !same {
		return to
	}
	out := map[string]any{}
	for name, v := range b {
		if old, had := a[name]; !had || len(differences("", old, v, false)) > 0 {
			out[name] = patchTo(a[name], v)
		}
	}
	for name := range a {
		if _, left := b[name]; !left {
			out[name] = nil
		}
	}
	return out
}

// keepExpressions puts the regular expressions that were wanted back where they match what is wanted now.
func keepExpressions(old, fresh any) {
	kept := func(was, is any) (any, bool) {
		text, isText := was.(string)
		now, same := is.(string)
		if !isText || !same || !strings.HasPrefix(text, "re:") {
			keepExpressions(was, is)
			return nil, false
		}
		re, err := expression(text)
		return text, err == nil && re.MatchString(now)
	}
	switch was := old.(type) {
	case map[string]any:
		if is, ok := fresh.(map[string]any); ok {
			for name := range is {
				if text, ok := kept(was[name], is[name]); ok {
					is[name] = text
				}
			}
		}
	case []any:
		if is, ok := fresh.([]any); ok {
			for i := range is {
				if i < len(was) {
					if text, ok := kept(was[i], is[i]); ok {
						is[i] = text
					}
				}
			}
		}
	}
}
