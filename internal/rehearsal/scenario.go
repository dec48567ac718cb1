package rehearsal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// Scenario is a play and what must come of it. It is a JSON file, or a text archive whose sections are its members: scripts (NAME.js, in
// order), modules (modules/NAME.js), answers of the network (NAME.http), user.json, context.json, event.json, configuration.json,
// secrets.json, want.json, and scenario.json with anything else.
type Scenario struct {
	File  string // its path
	Title string // first line of the archive's comment, or `title`
	Play  Play
	Want  any // of a result, matched as a part of it; nil: nothing is wanted yet

	Timeout time.Duration // 0: as usual
}

// scenarioFile are the members of a scenario. User, context and event change the example, as a merge patch (RFC 7396).
type scenarioFile struct {
	Title         string            `json:"title"`
	Kind          string            `json:"kind"`
	Trigger       string            `json:"trigger"`
	Scripts       []string          `json:"scripts"` // files, relative to the scenario's
	Modules       map[string]string `json:"modules"` // files by name
	Example       *bool             `json:"example"` // false: user, context and event begin with nothing
	User          json.RawMessage   `json:"user"`
	Context       json.RawMessage   `json:"context"`
	Event         json.RawMessage   `json:"event"`
	Configuration map[string]string `json:"configuration"`
	Secrets       map[string]string `json:"secrets"`
	Executed      []string          `json:"executed"` // ids of rules that ran before
	Roles         []Role            `json:"roles"`    // of the person
	Groups        []Group           `json:"groups"`   // of the person
	Resume        bool              `json:"resume"`   // the person came back whom the first action had sent elsewhere
	Stubs         []string          `json:"stubs"`    // files or directories
	Timeout       string            `json:"timeout"`
	Want          json.RawMessage   `json:"want"`
}

// Scenarios lists the scenario files under a directory: every *.txtar, and every *.json that has scripts. Directories whose names begin
// with a dot, and node_modules, are passed over.
func Scenarios(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir():
		case filepath.Ext(name) == ".txtar", filepath.Ext(name) == ".json" && isScenario(name):
			out = append(out, name)
		}
		return nil
	})
	return out, err
}

// isScenario tells a scenario from the other JSON files that may lie beside it, such as a package.json, whose scripts are an object of commands.
func isScenario(name string) bool {
	text, err := os.ReadFile(name)
	var members map[string]json.RawMessage
	return err == nil && json.Unmarshal(text, &members) == nil && strings.HasPrefix(string(members["scripts"]), "[")
}

// ReadScenario reads a scenario. Errors name what is wrong.
func ReadScenario(name string) (*Scenario, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s := &Scenario{File: name}
	var f scenarioFile
	if filepath.Ext(name) == ".txtar" {
		err = s.archive(text, &f)
	} else {
		err = strictly(text, &f)
	}
	if err != nil {
		return nil, err
	}
	if f.Title != "" {
		s.Title = f.Title
	}
	if f.Timeout != "" {
		if s.Timeout, err = time.ParseDuration(f.Timeout); err != nil {
			return nil, fmt.Errorf("timeout: want a time such as 500ms")
		}
	}
	p := &s.Play
	p.Kind, p.Trigger, p.Configuration, p.Secrets, p.Rules = f.Kind, f.Trigger, f.Configuration, f.Secrets, f.Executed
	p.Roles, p.Groups, p.Resume = f.Roles, f.Groups, f.Resume
	if err := p.files(filepath.Dir(name), &f); err != nil {
		return nil, err
	}
	if err := p.settle(); err != nil {
		return nil, err
	}
	if err := p.begin(&f); err != nil {
		return nil, err
	}
	if len(f.Want) > 0 {
		if err := json.Unmarshal(f.Want, &s.Want); err != nil {
			return nil, fmt.Errorf("want: %w", err)
		}
	}
	return s, p.Complete()
}

func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// archive reads the sections of a text archive.
func (s *Scenario) archive(text []byte, f *scenarioFile) error {
	a := txtar.Parse(text)
	s.Title, _, _ = strings.Cut(strings.TrimSpace(string(a.Comment)), "\n")
	for _, section := range a.Files {
		name, data := section.Name, section.Data
		var err error
		switch ext := path.Ext(name); {
		case name == "scenario.json":
			err = strictly(data, f)
		case name == "user.json":
			f.User = data
		case name == "context.json":
			f.Context = data
		case name == "event.json":
			f.Event = data
		case name == "configuration.json":
			err = strictly(data, &f.Configuration)
		case name == "secrets.json":
			err = strictly(data, &f.Secrets)
		case name == "want.json":
			f.Want = data
		case ext == ".http":
			var stub Stub
			stub, err = ParseStub(name, string(data))
			s.Play.Stubs = append(s.Play.Stubs, stub)
		case ext == ".js" && strings.HasPrefix(name, "modules/"):
			s.Play.Modules = append(s.Play.Modules, Script{scriptName(name), string(data)})
		case ext == ".js":
			s.Play.Scripts = append(s.Play.Scripts, Script{scriptName(name), string(data)})
		default:
			err = fmt.Errorf("no such member")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func scriptName(file string) string { return strings.TrimSuffix(path.Base(file), path.Ext(file)) }

// files reads what a scenario names by its path.
func (p *Play) files(base string, f *scenarioFile) error {
	var scripts []Script
	for _, file := range f.Scripts {
		if inline := slices.IndexFunc(p.Scripts, func(s Script) bool { return s.Name+".js" == file }); inline >= 0 {
			scripts = append(scripts, p.Scripts[inline])
			continue
		}
		text, err := os.ReadFile(filepath.Join(base, filepath.FromSlash(file)))
		if err != nil {
			return err
		}
		scripts = append(scripts, Script{scriptName(file), string(text)})
	}
	if len(f.Scripts) > 0 {
		p.Scripts = scripts
	}
	for name, file := range f.Modules {
		text, err := os.ReadFile(filepath.Join(base, filepath.FromSlash(file)))
		if err != nil {
			return err
		}
		p.Modules = append(p.Modules, Script{name, string(text)})
	}
	for _, name := range f.Stubs {
		name = filepath.Join(base, filepath.FromSlash(name))
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			more, err := ReadStubs(os.DirFS(name))
			if err != nil {
				return err
			}
			p.Stubs = append(p.Stubs, more...)
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		stub, err := ParseStub(filepath.Base(name), string(text))
		if err != nil {
			return err
		}
		p.Stubs = append(p.Stubs, stub)
	}
	return nil
}

// begin makes what the scripts see out of the example and what the scenario changes.
func (p *Play) begin(f *scenarioFile) error {
	for name, to := range map[string]*json.RawMessage{"user": &p.User, "context": &p.Context, p.exampleEvent(): &p.Event} {
		patch := map[string]json.RawMessage{"user": f.User, "context": f.Context}[name]
		if to == &p.Event {
			patch = f.Event
		}
		if len(patch) == 0 && f.Example == nil {
			continue // Complete takes the example
		}
		start := Example(name)
		if f.Example != nil && !*f.Example || start == nil {
			start = json.RawMessage("{}")
		}
		var change any = map[string]any{}
		if len(patch) > 0 {
			if err := json.Unmarshal(patch, &change); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		b, err := json.Marshal(merged(value(start), change))
		if err != nil {
			return err
		}
		*to = b
	}
	return nil
}

// Changed is an example after merge patches (RFC 7396), in their order.
func Changed(example string, patches ...any) (json.RawMessage, error) {
	out := value(Example(example))
	for _, p := range patches {
		change := asJSON(p)
		if change != nil {
			out = merged(out, change)
		}
	}
	return json.Marshal(out)
}

// merged is a value after a merge patch (RFC 7396).
func merged(target, patch any) any {
	change, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, v := range change {
		if v == nil {
			delete(object, name)
		} else {
			object[name] = merged(object[name], v)
		}
	}
	return object
}
