package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// Script is one script of a play.
type Script struct{ Name, Source string }

// Role is a role as api.roles tells of it.
type Role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Group is a group as api.groups tells of it.
type Group struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	ExternalID   string `json:"external_id,omitempty"`
	ConnectionID string `json:"connection_id,omitempty"`
}

// Play is what is run, and over what.
type Play struct {
	Kind    string   // of all scripts; empty: by the first one's looks
	Trigger string   // of actions and hooks
	Scripts []Script // one pipeline, in order

	User, Context json.RawMessage   // of rules; empty: an example
	Event         json.RawMessage   // of actions; of hooks and of connections' scripts an object of arguments and context; empty: an example
	Configuration map[string]string // `configuration` of rules and of connections' scripts
	Secrets       map[string]string // of every action or hook
	Modules       []Script          // what actions may require as actions:NAME
	Rules         []string          // ids of the rules that ran before, for api.rules.wasExecuted
	Roles         []Role            // of the person, for api.roles
	Groups        []Group           // of the person, for api.groups
	Resume        bool              // the person came back whom the first action had sent elsewhere

	Stubs []Stub // answers of the network
	Live  bool   // calls without a stub go out

	Tenant string // whose `global` and api.cache scripts find; a Stage gives one of its own
	Domain string // auth0.domain; empty: an example
	// AccessToken is auth0.accessToken of rules. Nil: a word that no server takes.
	AccessToken func(ctx context.Context) (string, error)
	// Update writes metadata. Nil: only the play's own user has metadata, which are kept until its end.
	Update func(ctx context.Context, userID, kind string, patch json.RawMessage) (json.RawMessage, error)
}

// ExampleDomain is the tenant's domain in a play.
const ExampleDomain = "tenant.example"

// exampleToken is auth0.accessToken in a play: a word that no server takes.
const exampleToken = "example-access-token"

// Complete fills in what a play leaves out, kind, trigger and examples, and refuses what cannot be run.
func (p *Play) Complete() error {
	if err := p.settle(); err != nil {
		return err
	}
	if p.Domain == "" {
		p.Domain = ExampleDomain
	}
	if p.AccessToken == nil {
		p.AccessToken = func(context.Context) (string, error) { return exampleToken, nil }
	}
	examples := map[string]*json.RawMessage{p.exampleEvent(): &p.Event}
	if p.Kind == Rule {
		examples = map[string]*json.RawMessage{"user": &p.User, "context": &p.Context}
	}
	for name, text := range examples {
		if len(*text) == 0 {
			*text = Example(name)
		}
		var object map[string]any
		if err := json.Unmarshal(*text, &object); err != nil || object == nil {
			return fmt.Errorf("the %s is no JSON object: %w", name, errors.Join(err))
		}
	}
	return nil
}

func (p *Play) rules(ctx context.Context, by Runner, watch script.Watch, c *changes) (Result, error) {
	run := script.Run{
		Tenant: p.Tenant, User: p.User, Context: p.Context, Configuration: p.Configuration,
		Domain: p.Domain, BaseURL: "https://" + p.Domain + "/api/v2",
		AccessToken: p.AccessToken, UpdateMetadata: c.write, Watch: watch,
	}
	for _, s := range p.Scripts {
		run.Rules = append(run.Rules, script.Rule{ID: "rul_" + s.Name, Name: s.Name, Source: s.Source})
	}
	out, err := by.Rules(ctx, run)
	if err != nil {
		return Result{}, err
	}
	return OfRules(out), nil
}

func (p *Play) trigger(ctx context.Context, by Runner, watch script.Watch) (Result, error) {
	run := script.TriggerRun{Tenant: p.Tenant, Watch: watch, Trigger: script.TriggerByID(p.Trigger), Hook: p.Kind == Hook, Event: p.Event, Rules: p.Rules, Resume: p.Resume}
	if len(p.Roles) > 0 || len(p.Groups) > 0 {
		known, err := json.Marshal(map[string]any{"roles": p.Roles, "groups": p.Groups})
		if err != nil {
			return Result{}, err
		}
		run.Known = known
	}
	var modules []script.Module
	for _, m := range p.Modules {
		modules = append(modules, script.Module{Name: m.Name, Source: m.Source, Secrets: p.Secrets})
	}
	for _, s := range p.Scripts {
		run.Scripts = append(run.Scripts, script.Script{ID: s.Name, Name: s.Name, Source: s.Source, Secrets: p.Secrets, Modules: modules})
	}
	out, err := by.Trigger(ctx, run)
	if err != nil {
		return Result{}, err
	}
	return OfTrigger(out), nil
}

// exampleEvent is the name of the example of a play's event.
func (p *Play) exampleEvent() string {
	switch o := operation(p.Kind); {
	case o != nil:
		return "call-" + o.Name
	case p.Kind == Hook:
		return "hook-" + p.Trigger
	}
	return "event-" + p.Trigger
}

// call calls the script of a connection.
func (p *Play) call(ctx context.Context, by Runner, watch script.Watch) (Result, error) {
	var of struct {
		Arguments []any `json:"arguments"`
		Context   any   `json:"context"`
	}
	if err := json.Unmarshal(p.Event, &of); err != nil {
		return Result{}, fmt.Errorf("the arguments must be a list: %w", err)
	}
	o := operation(p.Kind)
	if len(of.Arguments) != len(o.Arguments) {
		return Result{}, fmt.Errorf("%s takes %d arguments (%s), not %d", p.Kind, len(o.Arguments), strings.Join(o.Arguments, ", "), len(of.Arguments))
	}
	out, err := by.Call(ctx, script.CallRun{
		Tenant: p.Tenant, Watch: watch, Connection: "example", Operation: o, Source: p.Scripts[0].Source, Arguments: of.Arguments, Context: of.Context,
		Configuration: p.Configuration,
	})
	if err != nil {
		return Result{}, err
	}
	r := OfCall(out)
	name := p.Scripts[0].Name
	for i := range r.Console {
		r.Console[i].Script = name
	}
	for i := range r.Scripts {
		r.Scripts[i].Script = name
	}
	if r.Error != nil {
		r.Error.Script = name
	}
	return r, nil
}

// changes are the writes of metadata that rules asked for.
type changes struct {
	update func(ctx context.Context, userID, kind string, patch json.RawMessage) (json.RawMessage, error) // nil: over the one user that there is

	mu     sync.Mutex
	user   json.RawMessage
	writes []Write
}

func (c *changes) all() []Write {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

// write is what auth0.users.update* calls.
func (c *changes) write(ctx context.Context, userID, kind string, patch json.RawMessage) (json.RawMessage, error) {
	update := c.update
	if update == nil {
		update = c.own
	}
	user, err := update(ctx, userID, kind, patch)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.writes = append(c.writes, Write{UserID: userID, Kind: kind, Patch: patch})
	}
	return user, err
}

// own changes the play's own user; others are not there.
func (c *changes) own(_ context.Context, userID, kind string, patch json.RawMessage) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var user map[string]json.RawMessage
	var id string
	if err := json.Unmarshal(c.user, &user); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(user["user_id"], &id); err != nil || id != userID {
		return nil, &stagedoor.Error{Kind: stagedoor.NotFound, Code: "inexistent_user", Message: "The user does not exist."}
	}
	var old, set stagedoor.Metadata
	if err := json.Unmarshal(patch, &set); err != nil {
		return nil, &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_body", Message: "The metadata must be an object."}
	}
	if err := stagedoor.CheckMetadata(kind, set); err != nil {
		return nil, err
	}
	_ = json.Unmarshal(user[kind], &old) // absent, or nothing that can be merged into
	merged, err := json.Marshal(stagedoor.MergeMetadata(old, set))
	if err != nil {
		return nil, err
	}
	user[kind] = merged
	if c.user, err = json.Marshal(user); err != nil {
		return nil, err
	}
	return c.user, nil
}
