package mgmt

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

// scriptRecordingIn says which runs of scripts are recorded, and for how long recordings are kept.
type scriptRecordingIn struct {
	Mode    web.Opt[string] `json:"mode" schema:"enum=off|failures|all"`
	MaxDays web.Opt[int]    `json:"max_days" schema:"min=0,max=365"`
	MaxRuns web.Opt[int]    `json:"max_runs" schema:"min=0,max=100000"`
}

// scriptLimitsIn are the limits of runs by the kind of their scripts. null takes the server's defaults.
type scriptLimitsIn struct {
	Rules       web.Opt[limitsIn] `json:"rules"`
	Actions     web.Opt[limitsIn] `json:"actions"`
	Hooks       web.Opt[limitsIn] `json:"hooks"`
	Connections web.Opt[limitsIn] `json:"connections"`
}

type limitsIn struct {
	WallMillis    web.Opt[int] `json:"wall_ms" schema:"min=0"`
	CPUMillis     web.Opt[int] `json:"cpu_ms" schema:"min=0"`
	MemoryBytes   web.Opt[int] `json:"memory_bytes" schema:"min=0"`
	Calls         web.Opt[int] `json:"calls" schema:"min=0"`
	ResponseBytes web.Opt[int] `json:"response_bytes" schema:"min=0"`
	LogBytes      web.Opt[int] `json:"log_bytes" schema:"min=0"`
}

// minScriptMemory is what a run needs to begin at all, in bytes.
const minScriptMemory = 8 << 20

func (in *scriptLimitsIn) kinds() map[string]*web.Opt[limitsIn] {
	return map[string]*web.Opt[limitsIn]{
		script.KindRules: &in.Rules, script.KindActions: &in.Actions, script.KindHooks: &in.Hooks, script.KindConnections: &in.Connections,
	}
}

// check refuses limits that the operator does not allow, and such that no script could run under.
func (in *scriptLimitsIn) check(most script.Limits) error {
	for _, kind := range script.Kinds {
		l := in.kinds()[kind].Value
		for _, f := range []struct {
			name    string
			value   web.Opt[int]
			ceiling int64
			floor   int
		}{
			{"wall_ms", l.WallMillis, most.Wall.Milliseconds(), 0},
			{"cpu_ms", l.CPUMillis, most.CPU.Milliseconds(), 0},
			{"memory_bytes", l.MemoryBytes, most.Memory, minScriptMemory},
			{"calls", l.Calls, int64(most.Calls), 0},
			{"response_bytes", l.ResponseBytes, most.ResponseBytes, 0},
			{"log_bytes", l.LogBytes, int64(most.LogBytes), 0},
		} {
			path := "stagedoor.script_limits." + kind + "." + f.name
			if f.ceiling > 0 && int64(f.value.Value) > f.ceiling {
				return badProperty(path, "Value "+itoa(f.value.Value)+" is greater than maximum "+itoa(int(f.ceiling)))
			}
			if f.value.Value > 0 && f.value.Value < f.floor {
				return badProperty(path, "Value "+itoa(f.value.Value)+" is less than minimum "+itoa(f.floor))
			}
		}
	}
	return nil
}

// copyScripts copies what is given. The limits of one kind replace those that it had.
func (in *localSettingsIn) copyScripts(s *stagedoor.LocalSettings) {
	if in.ScriptRecording.Null {
		s.ScriptRecording = stagedoor.ScriptRecording{}
	}
	r := in.ScriptRecording.Value
	r.Mode.Into(&s.ScriptRecording.Mode)
	r.MaxDays.Into(&s.ScriptRecording.MaxDays)
	r.MaxRuns.Into(&s.ScriptRecording.MaxRuns)
	if in.ScriptLimits.Null {
		s.ScriptLimits = stagedoor.KindLimits{}
	}
	for kind, given := range in.ScriptLimits.Value.kinds() {
		if !given.Set && !given.Null {
			continue
		}
		l := given.Value
		*s.ScriptLimits.Of(kind) = stagedoor.ScriptLimits{
			WallMillis: l.WallMillis.Value, CPUMillis: l.CPUMillis.Value, MemoryBytes: int64(l.MemoryBytes.Value), Calls: l.Calls.Value,
			ResponseBytes: int64(l.ResponseBytes.Value), LogBytes: l.LogBytes.Value,
		}
	}
}
