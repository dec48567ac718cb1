package stagedoor

import (
	"time"
)

// ScriptRun tells about a recorded run of a tenant's scripts; what happened in it is kept apart, sealed.
type ScriptRun struct {
	ID       string         `json:"id"`
	Kind     string         `json:"kind"`                 // rules, actions, hooks, connections
	Trigger  string         `json:"trigger_id,omitempty"` // of a connection's script the operation
	UserID   string         `json:"user_id,omitempty"`
	ClientID string         `json:"client_id,omitempty"`
	Outcome  string         `json:"outcome"` // continued, or the kind of the failure: callback, exception, timeout, denied …
	Script   string         `json:"script,omitempty"`
	Error    string         `json:"error,omitempty"`
	BeganAt  time.Time      `json:"began_at"`
	Micros   int64          `json:"duration_us"`
	Calls    int            `json:"http_calls"`
	Timings  []ScriptTiming `json:"timings"`
}

// ScriptTiming tells how long one script of a run took, waiting included.
type ScriptTiming struct {
	Script  string `json:"script"`
	Micros  int64  `json:"duration_us"`
	Outcome string `json:"outcome"`
}

// Modes of the flight recorder.
const (
	RecordOff      = "off"
	RecordFailures = "failures" // runs that failed or in which a script refused
	RecordAll      = "all"
)

// ScriptRecording says which runs of a tenant's scripts are recorded and for how long.
type ScriptRecording struct {
	Mode    string `json:"mode,omitempty"`     // empty: off
	MaxDays int    `json:"max_days,omitempty"` // 0: 7
	MaxRuns int    `json:"max_runs,omitempty"` // 0: 1000; the oldest go first
}

// Life is how long a recording is kept.
func (r ScriptRecording) Life() time.Duration {
	if r.MaxDays > 0 {
		return time.Duration(r.MaxDays) * 24 * time.Hour
	}
	return 7 * 24 * time.Hour
}

// Most is how many recordings are kept.
func (r ScriptRecording) Most() int {
	if r.MaxRuns > 0 {
		return r.MaxRuns
	}
	return 1000
}

// ScriptLimits bound a run of scripts of one kind; 0 takes the server's default.
type ScriptLimits struct {
	WallMillis    int   `json:"wall_ms,omitempty"`        // the whole pipeline, waiting included
	CPUMillis     int   `json:"cpu_ms,omitempty"`         // without giving way to the event loop
	MemoryBytes   int64 `json:"memory_bytes,omitempty"`   // of JavaScript values
	Calls         int   `json:"calls,omitempty"`          // to the outside and to the server
	ResponseBytes int64 `json:"response_bytes,omitempty"` // of one outgoing call
	LogBytes      int   `json:"log_bytes,omitempty"`      // of console text
}

// KindLimits are the limits of runs by the kind of their scripts.
type KindLimits struct {
	Rules       ScriptLimits `json:"rules,omitzero"`
	Actions     ScriptLimits `json:"actions,omitzero"`
	Hooks       ScriptLimits `json:"hooks,omitzero"`
	Connections ScriptLimits `json:"connections,omitzero"` // the scripts of databases and of custom social connections
}

// Of returns the limits of a kind, nil for a word that is none.
func (k *KindLimits) Of(kind string) *ScriptLimits {
	switch kind {
	case "rules":
		return &k.Rules
	case "actions":
		return &k.Actions
	case "hooks":
		return &k.Hooks
	case "connections":
		return &k.Connections
	}
	return nil
}

// ScriptRunMissing is the error for a run that is not there.
func ScriptRunMissing(id string) error {
	return Errorf(NotFound, "inexistent_script_run", "There is no recorded run %q.", id)
}
