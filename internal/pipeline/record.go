package pipeline

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// saveTimeout is how long the database may take for a recording.
const saveTimeout = 10 * time.Second

// ScriptPolicy is what holds for tenants' scripts: their limits, and which runs are recorded. It is for [script.Config.Policy].
func ScriptPolicy(db *store.DB, log *slog.Logger) func(ctx context.Context, tenant, kind string) script.Policy {
	return func(ctx context.Context, tenant, kind string) script.Policy {
		id, _, tried := strings.Cut(tenant, " ") // what is tried belongs to no login
		st, err := db.TenantByID(ctx, id)
		if err != nil {
			return script.Policy{} // the run itself finds no tenant
		}
		local := st.Tenant().Settings.Local
		policy := script.Policy{}
		if l := local.ScriptLimits.Of(kind); l != nil {
			policy.Limits = scriptLimits(*l)
		}
		keep := local.ScriptRecording
		if tried || keep.Mode != stagedoor.RecordAll && keep.Mode != stagedoor.RecordFailures {
			return policy
		}
		policy.Record = func(rec script.Recording) {
			if keep.Mode == stagedoor.RecordFailures && !rec.Failed {
				return
			}
			ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
			defer cancel()
			if err := saveRecording(ctx, st, rec, keep); err != nil {
				log.Error("a run of scripts could not be recorded", "tenant", id, "error", err)
			}
		}
		return policy
	}
}

func scriptLimits(l stagedoor.ScriptLimits) script.Limits {
	return script.Limits{
		Wall: time.Duration(l.WallMillis) * time.Millisecond, CPU: time.Duration(l.CPUMillis) * time.Millisecond, Memory: l.MemoryBytes,
		Calls: l.Calls, ResponseBytes: l.ResponseBytes, LogBytes: l.LogBytes,
	}
}

func saveRecording(ctx context.Context, st *store.Store, rec script.Recording, keep stagedoor.ScriptRecording) error {
	text, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return st.SaveScriptRun(ctx, runOf(&rec), text, keep)
}

// runOf is a recording as lists show it.
func runOf(rec *script.Recording) *stagedoor.ScriptRun {
	r := &stagedoor.ScriptRun{
		ID: stagedoor.NewID("run_"), Kind: rec.Kind, Trigger: rec.Trigger, Outcome: "continued", BeganAt: rec.BeganAt.UTC(), Micros: rec.Duration, Timings: []stagedoor.ScriptTiming{},
	}
	for _, t := range rec.Timings() {
		r.Timings = append(r.Timings, stagedoor.ScriptTiming{Script: t.Rule, Micros: t.Duration.Microseconds(), Outcome: t.Outcome})
	}
	for _, c := range rec.Calls {
		if c.Method == "http" {
			r.Calls++
		}
	}
	if f := rec.Failure(); f != nil {
		r.Outcome, r.Script, r.Error = f.Kind, f.Rule, f.Message
	}
	var whom struct {
		User    struct{ User_ID string }  //nolint:revive,staticcheck // the wire's name, in any case
		Context struct{ ClientID string } // of rules
		Trigger struct {
			Event struct {
				User   struct{ User_ID string }   //nolint:revive,staticcheck // see above
				Client struct{ Client_ID string } //nolint:revive,staticcheck // see above
			}
		}
	}
	_ = json.Unmarshal(rec.Start, &whom) // what is not there is empty
	r.UserID, r.ClientID = whom.User.User_ID, whom.Context.ClientID
	if r.UserID == "" {
		r.UserID = whom.Trigger.Event.User.User_ID
	}
	if r.ClientID == "" {
		r.ClientID = whom.Trigger.Event.Client.Client_ID
	}
	if rec.Kind == script.KindConnections && r.UserID == "" {
		r.UserID = rec.Found()
	}
	return r
}

// Replay repeats a recorded run of the tenant with the settings and secrets of today, and other code for the scripts that with names, by
// name or id. It returns the run as it was recorded and as it went again.
func Replay(ctx context.Context, st *store.Store, host *script.Host, id string, with map[string]string) (before, after *script.Recording, err error) {
	_, text, err := st.ScriptRun(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	before = &script.Recording{}
	if err := json.Unmarshal(text, before); err != nil {
		return nil, nil, err
	}
	masks, err := settingsOf(ctx, st)
	if err != nil {
		return nil, nil, err
	}
	after, err = host.Replay(ctx, before, with, func(mask string) (string, bool) {
		value, ok := masks[mask]
		return value, ok
	})
	return before, after, err
}

// settingsOf are the values behind the masks of recordings, as they are now.
func settingsOf(ctx context.Context, st *store.Store) (map[string]string, error) {
	masks := map[string]string{}
	add := func(name, sealed string) {
		for key, value := range stagedoor.SecretValues(sealed) {
			masks[script.SecretMask(name, key)] = value
		}
	}
	settings, err := st.RulesConfigs(ctx)
	if err != nil {
		return nil, err
	}
	for key, value := range settings {
		masks[script.SettingMask(key)] = value
	}
	for _, t := range script.Triggers {
		bound, err := st.BoundActions(ctx, t.ID)
		if err != nil {
			return nil, err
		}
		for _, b := range bound {
			values := stagedoor.SecretValues(b.Version.Sealed)
			maps.Copy(values, stagedoor.SecretValues(b.Binding.Sealed))
			for key, value := range values {
				masks[script.SecretMask(b.Name, key)] = value
			}
			modules, err := Modules(ctx, st, b.Version.Body.Modules)
			if err != nil {
				return nil, err
			}
			for _, m := range modules {
				for key, value := range m.Secrets {
					masks[script.SecretMask(m.Name, key)] = value
				}
			}
		}
	}
	hooks, err := store.Hooks.All(ctx, st)
	for _, h := range hooks {
		add(h.Name, h.Sealed)
	}
	if err != nil {
		return nil, err
	}
	connections, err := st.Connections(ctx)
	for i := range connections {
		c := &connections[i]
		for key, value := range c.Scripts().Configuration {
			masks[script.SecretMask(c.Name, key)] = value
		}
	}
	return masks, err
}
