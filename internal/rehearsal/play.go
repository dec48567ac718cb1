package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// Script is one script of a play.
type Script struct{ Name, Source string }

// Play is what is run, and over what.
type Play struct {
	Kind    string   // of all scripts; empty: by the first one's looks
	Trigger string   // of actions and hooks
	Scripts []Script // one pipeline, in order

	User, Context json.RawMessage   // of rules; empty: an example
	Event         json.RawMessage   // of actions, and of hooks an object of arguments and context; empty: an example
	Configuration map[string]string // `configuration` of rules
	Secrets       map[string]string // of every action or hook
	Modules       []Script          // what actions may require as actions:NAME
	Rules         []string          // ids of the rules that ran before, for api.rules.wasExecuted

	Stubs []Stub // answers of the network
	Live  bool   // calls without a stub go out
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
	examples := map[string]*json.RawMessage{"event-" + p.Trigger: &p.Event}
	switch p.Kind {
	case Rule:
		examples = map[string]*json.RawMessage{"user": &p.User, "context": &p.Context}
	case Hook:
		examples = map[string]*json.RawMessage{"hook-" + p.Trigger: &p.Event}
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

func (p *Play) rules(ctx context.Context, h *script.Host, tenant string, c *changes) (Result, error) {
	run := script.Run{
		Tenant: tenant, User: p.User, Context: p.Context, Configuration: p.Configuration,
		Domain: ExampleDomain, BaseURL: "https://" + ExampleDomain + "/api/v2",
		AccessToken:    func(context.Context) (string, error) { return exampleToken, nil },
		UpdateMetadata: c.update,
	}
	for _, s := range p.Scripts {
		run.Rules = append(run.Rules, script.Rule{ID: "rul_" + s.Name, Name: s.Name, Source: s.Source})
	}
	out, err := h.Rules(ctx, run)
	if err != nil {
		return Result{}, err
	}
	return OfRules(out), nil
}

func (p *Play) trigger(ctx context.Context, h *script.Host, tenant string) (Result, error) {
	run := script.TriggerRun{Tenant: tenant, Trigger: script.TriggerByID(p.Trigger), Hook: p.Kind == Hook, Event: p.Event, Rules: p.Rules}
	var modules []script.Module
	for _, m := range p.Modules {
		modules = append(modules, script.Module{Name: m.Name, Source: m.Source, Secrets: p.Secrets})
	}
	for _, s := range p.Scripts {
		run.Scripts = append(run.Scripts, script.Script{ID: s.Name, Name: s.Name, Source: s.Source, Secrets: p.Secrets, Modules: modules})
	}
	out, err := h.Trigger(ctx, run)
	if err != nil {
		return Result{}, err
	}
	return OfTrigger(out), nil
}

// changes are the writes of metadata that rules asked for, over the one user that there is.
type changes struct {
	mu     sync.Mutex
	user   json.RawMessage
	writes []Write
}

// update is what auth0.users.update* calls. Users other than the play's own are not there.
func (c *changes) update(_ context.Context, userID, kind string, patch json.RawMessage) (json.RawMessage, error) {
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
	c.writes = append(c.writes, Write{UserID: userID, Kind: kind, Patch: patch})
	return c.user, nil
}
