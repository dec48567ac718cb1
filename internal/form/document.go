package form

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// Ending is the node behind which a form is over.
const Ending = "$ending"

// Kinds of nodes.
const (
	Step   = "STEP"
	Router = "ROUTER"
	Flows  = "FLOW"
)

// A Form is the document of the Management API in one language.
type Form struct {
	ID       string
	Name     string `json:"name"`
	Messages Messages
	Nodes    []Node `json:"nodes"`
	Start    struct {
		Hidden []HiddenField `json:"hidden_fields"`
		Next   string        `json:"next_node"`
	} `json:"start"`
	End struct {
		Redirection *struct {
			Target string `json:"target"`
		} `json:"redirection"`
		AfterSubmit *struct {
			FlowID string `json:"flow_id"`
		} `json:"after_submit"`
		Resume bool `json:"resume_flow"`
	} `json:"ending"`
	Lang string // language of its texts; empty: the form says none
}

// Messages are the tenant's own texts: of errors by their codes, and of what t('key') names.
type Messages struct {
	Errors map[string]string `json:"errors"`
	Custom map[string]string `json:"custom"`
}

// HiddenField is a value that the person does not see.
type HiddenField struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// A Node is a step, a router or a flow.
type Node struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Config struct {
		Components []Component `json:"components"`
		Next       string      `json:"next_node"`
		FlowID     string      `json:"flow_id"`
		Rules      []Rule      `json:"rules"`
		Fallback   string      `json:"fallback"`
	} `json:"config"`
}

// A Rule leads from a router to a node.
type Rule struct {
	Condition *Condition `json:"condition"`
	Next      string     `json:"next_node"`
}

// A Component is a field, a block or a widget of a step.
type Component struct {
	ID        string `json:"id"`
	Category  string `json:"category"`
	Type      string `json:"type"`
	Label     string `json:"label"`
	Hint      string `json:"hint"` // HTML
	Required  bool   `json:"required"`
	Sensitive bool   `json:"sensitive"`
	Config    Config `json:"config"`
}

// Config is what components say of themselves, each a part of it.
type Config struct {
	Text    string `json:"text"`
	Content string `json:"content"` // HTML

	Src      string `json:"src"`
	Position string `json:"position"` // LEFT, CENTER, RIGHT
	Height   int    `json:"height"`

	Next string `json:"next_node"`

	FlowID      string `json:"flow_id"`
	ActiveText  string `json:"active_text"`
	ButtonText  string `json:"button_text"`
	WaitingText string `json:"waiting_text"`
	MaxAttempts int    `json:"max_attempts"`
	WaitingTime int    `json:"waiting_time"` // seconds

	Multiline     bool            `json:"multiline"`
	Default       any             `json:"default_value"`
	Placeholder   string          `json:"placeholder"`
	MinLength     *int            `json:"min_length"`
	MaxLength     *int            `json:"max_length"`
	Min           *float64        `json:"min_value"`
	Max           *float64        `json:"max_value"`
	Format        string          `json:"format"` // DATE, TIME
	CountryPicker bool            `json:"country_picker"`
	Multiple      bool            `json:"multiple"`
	HideLabels    bool            `json:"hide_labels"`
	Options       json.RawMessage `json:"options"`
	Other         struct {
		Enabled     bool   `json:"enabled"`
		Label       string `json:"label"`
		Placeholder string `json:"placeholder"`
	} `json:"allow_other"`
	Hash    string `json:"hash"`
	Complex bool   `json:"complexity"`
	NIST    bool   `json:"nist"`
}

// An Option is something to choose.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
	Image string `json:"image_url"`
}

// Choices are the options of a CHOICE, CARDS or DROPDOWN.
func (c *Component) Choices() (all []Option) {
	if json.Unmarshal(c.Config.Options, &all) != nil {
		return nil
	}
	return all[:min(len(all), maxOptions)]
}

// YesNo are the tenant's words for the two values of a BOOLEAN; empty where it has none.
func (c *Component) YesNo() (yes, no string) {
	var words struct {
		True  string `json:"true"`
		False string `json:"false"`
	}
	if json.Unmarshal(c.Config.Options, &words) != nil {
		return "", ""
	}
	return words.True, words.False
}

// IsField tells whether the component has a value.
func (c *Component) IsField() bool { return slices.Contains(fieldTypes, c.Type) }

var (
	fieldTypes = []string{"TEXT", "EMAIL", "NUMBER", "TEL", "URL", "PASSWORD", "BOOLEAN", "CHOICE", "CARDS", "DROPDOWN", "DATE", "LEGAL"}
	blockTypes = []string{"DIVIDER", "HTML", "RICH_TEXT", "IMAGE", "NEXT_BUTTON", "PREVIOUS_BUTTON", "JUMP_BUTTON", "RESEND_BUTTON"}
)

// Bounds of documents and of a walk through one.
const (
	maxNodes      = 200 // of a form
	maxComponents = 100 // of a step
	maxOptions    = 200 // of a field
	maxMoves      = 50  // from one step to the next
	maxActions    = 100 // of one run of a flow
	maxNested     = 10  // conditions in conditions, flows' branches in branches
	maxState      = 256 << 10
)

// errorf is what ends a login whose form cannot be followed: the words are the operator's, and people see them as well.
func errorf(format string, args ...any) *stagedoor.Error {
	return stagedoor.Errorf(stagedoor.Scripted, "access_denied", format, args...)
}

// Parse reads a form as it is stored, and takes its texts in the first of the languages that it has.
func Parse(id, document string, languages []string) (*Form, error) {
	var raw struct {
		Languages struct {
			Primary string `json:"primary"`
		} `json:"languages"`
		Messages     *Messages                `json:"messages"`
		Translations map[string]*translations `json:"translations"`
		Nodes        []map[string]any         `json:"nodes"`
	}
	f := &Form{ID: id}
	err := json.Unmarshal([]byte(document), &raw)
	if err == nil {
		if raw.Messages != nil {
			f.Messages = *raw.Messages
		}
		f.Lang = raw.Languages.Primary
		if lang, words := pick(raw.Translations, raw.Languages.Primary, languages); words != nil {
			f.Lang = lang
			f.Messages = words.Messages.over(f.Messages)
			for _, node := range raw.Nodes {
				words.translate(node)
			}
		}
		var rest []byte
		if rest, err = json.Marshal(map[string]any{"nodes": raw.Nodes}); err == nil {
			name := f.Messages
			if err = json.Unmarshal([]byte(document), f); err == nil {
				f.Nodes = nil
				err = json.Unmarshal(rest, f)
			}
			f.Messages = name
		}
	}
	if err != nil {
		return nil, errorf("The form %s cannot be read: %v", id, err)
	}
	return f, f.check()
}

func (f *Form) check() error {
	if len(f.Nodes) > maxNodes {
		return errorf("The form %s has more than %d nodes.", f.ID, maxNodes)
	}
	for i := range f.Nodes {
		n := &f.Nodes[i]
		if !slices.Contains([]string{Step, Router, Flows}, n.Type) {
			return errorf("The form %s has a node of the type %s, which this server does not support.", f.ID, n.Type)
		}
		if len(n.Config.Components) > maxComponents {
			return errorf("The step %s of the form %s has more than %d components.", n.ID, f.ID, maxComponents)
		}
		for j := range n.Config.Components {
			if err := n.Config.Components[j].check(f.ID); err != nil {
				return err
			}
		}
		for _, r := range n.Config.Rules {
			if err := r.Condition.check(0); err != nil {
				return errorf("The router %s of the form %s: %s", n.ID, f.ID, err.Message)
			}
		}
	}
	return nil
}

func (c *Component) check(form string) error {
	if !slices.Contains(fieldTypes, c.Type) && !slices.Contains(blockTypes, c.Type) {
		return errorf("The form %s has a component of the type %s, which this server does not support.", form, c.Type)
	}
	if _, known := hashes[strings.ToUpper(c.Config.Hash)]; !known && c.Type == "PASSWORD" {
		return errorf("The form %s hashes a password by %s, which this server does not support.", form, c.Config.Hash)
	}
	return nil
}

// node finds a node; nil if there is none.
func (f *Form) node(id string) *Node {
	for i := range f.Nodes {
		if f.Nodes[i].ID == id {
			return &f.Nodes[i]
		}
	}
	return nil
}

// flowIDs are the flows that the form may run.
func (f *Form) flowIDs() []string {
	ids := map[string]bool{}
	for i := range f.Nodes {
		n := &f.Nodes[i]
		if n.Type == Flows {
			ids[n.Config.FlowID] = true
		}
		for j := range n.Config.Components {
			if c := &n.Config.Components[j]; c.Type == "RESEND_BUTTON" {
				ids[c.Config.FlowID] = true
			}
		}
	}
	if a := f.End.AfterSubmit; a != nil && a.FlowID != "" {
		ids[a.FlowID] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// knows tells whether the form has a field, hidden or not, of the name.
func (f *Form) knows(field string) bool {
	if slices.ContainsFunc(f.Start.Hidden, func(h HiddenField) bool { return h.Key == field }) {
		return true
	}
	for i := range f.Nodes {
		for j := range f.Nodes[i].Config.Components {
			if c := &f.Nodes[i].Config.Components[j]; c.ID == field && c.IsField() {
				return true
			}
		}
	}
	return false
}

// say is an error's text of the form's own, if it has one for the code; names in it stand for args.
func (f *Form) say(code string, args map[string]any) string {
	text := f.Messages.Errors[code]
	for name, value := range args {
		text = strings.ReplaceAll(text, "{{"+name+"}}", fmt.Sprint(value))
	}
	return text
}
