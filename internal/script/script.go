package script

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// Texts that callers of the API know and compare with.
const (
	textTimeout = "Request to Webtask exceeded allowed execution time"
	textBlocked = "Blocked event loop."
	textLoading = "Script generated an unhandled synchronous exception."
	textMemory  = "Script exceeded its memory limit."
	textCrashed = "Script process ended unexpectedly."
)

// Kinds of failure.
const (
	KindCallback  = "callback"  // a rule called back with an error
	KindException = "exception" // a rule threw, or a promise of it was rejected
	KindTimeout   = "timeout"   // the wall clock or the event loop's
	KindMemory    = "memory"    // the memory of the run was used up
	KindSyntax    = "syntax"    // a rule could not be loaded
	KindCrashed   = "crashed"   // the worker process ended
	KindRuntime   = "runtime"   // the runtime that the tenant chose is not there
	KindBusy      = "busy"      // it was not run: too many others of the tenant, or of all tenants, were before it, or no worker started in time
)

// Config says how scripts are run. Its zero value is usable.
type Config struct {
	Command []string           // argv of a worker; empty: this executable with the argument script-worker
	Workers int                // most worker processes at a time; 0: as many as processors, but at least ten
	HTTP    *http.Client       // makes the outgoing calls of scripts; nil: scripts cannot call out
	Net     Dialer             // opens connections of scripts and looks names up for them; zero: scripts cannot
	Limits  Limits             // of tenants that have none of their own
	Added   Added              // packages that an operator added; nil: none
	Log     *slog.Logger       // nil: discarded
	Metrics *telemetry.Metrics // nil: nothing is counted

	Node    string                                                               // path of Node.js; empty: the one on PATH, if there is one
	Runtime func(ctx context.Context, tenant string) (runtime string, err error) // which runtime a tenant chose; nil: auto for all

	// Policy, if it is not nil, says what holds for a tenant's scripts of a kind. It is asked at every run.
	Policy   func(ctx context.Context, tenant, kind string) Policy
	Ceilings Limits // the most that a Policy can give; a zero field takes its default, see withDefaults
}

// Kinds of scripts. Each has limits of its own.
const (
	KindRules       = "rules"
	KindActions     = "actions"
	KindHooks       = "hooks"
	KindConnections = "connections" // the scripts of databases and of custom social connections
)

// Kinds are all kinds of scripts.
var Kinds = []string{KindRules, KindActions, KindHooks, KindConnections}

// Policy is what holds for the scripts of one kind of a tenant.
type Policy struct {
	Limits Limits          // a zero field: the host's
	Record func(Recording) // gets a recording of the run when it is over, on a goroutine of its own; nil: nothing is recorded. Not of connections
}

// Limits bound one run; a zero field takes its default.
type Limits struct {
	Wall          time.Duration // the whole pipeline, waiting included: 20 s
	CPU           time.Duration // without giving way to the event loop: 2 s
	Memory        int64         // bytes of JavaScript values: 64 MiB
	Calls         int           // calls to the outside and to the server: 100
	ResponseBytes int64         // body of one outgoing call's response: 4 MiB
	LogBytes      int           // console text: 256 KiB
	SocketBytes   int64         // over connections, both ways: 32 MiB
}

// leastWorkers is how many workers there may be if nothing is said. Memory bounds their number and not processors: a tenant that is busy
// should keep the worker that has its scripts ready.
const leastWorkers = 10

func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = max(leastWorkers, runtime.NumCPU())
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	l := &c.Limits
	l.Wall = positive(l.Wall, 20*time.Second)
	l.CPU = positive(l.CPU, 2*time.Second)
	l.Memory = positive(l.Memory, 64<<20)
	l.Calls = positive(l.Calls, 100)
	l.ResponseBytes = min(positive(l.ResponseBytes, 4<<20), maxFrame/2)
	l.SocketBytes = positive(l.SocketBytes, 32<<20)
	l.LogBytes = positive(l.LogBytes, 256<<10)
	m := &c.Ceilings
	m.Wall = max(positive(m.Wall, time.Minute), l.Wall)
	m.CPU = max(positive(m.CPU, 10*time.Second), l.CPU)
	m.Memory = max(positive(m.Memory, 256<<20), l.Memory)
	m.Calls = max(positive(m.Calls, 1000), l.Calls)
	m.ResponseBytes = max(min(positive(m.ResponseBytes, 8<<20), maxFrame/2), l.ResponseBytes)
	m.LogBytes = max(positive(m.LogBytes, 1<<20), l.LogBytes)
	return c
}

// within are the limits with the defaults where they say nothing, and no more than the ceilings.
func (l Limits) within(defaults, ceilings Limits) Limits {
	return Limits{
		Wall: min(positive(l.Wall, defaults.Wall), ceilings.Wall), CPU: min(positive(l.CPU, defaults.CPU), ceilings.CPU),
		Memory: min(positive(l.Memory, defaults.Memory), ceilings.Memory), Calls: min(positive(l.Calls, defaults.Calls), ceilings.Calls),
		ResponseBytes: min(positive(l.ResponseBytes, defaults.ResponseBytes), ceilings.ResponseBytes),
		LogBytes:      min(positive(l.LogBytes, defaults.LogBytes), ceilings.LogBytes),
	}
}

func positive[T ~int | ~int64](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// Rule is one rule of a run.
type Rule struct{ ID, Name, Source string }

// Run is one execution of a tenant's rules.
type Run struct {
	Tenant        string
	Rules         []Rule            // enabled ones, in order
	Configuration map[string]string // what rules see as `configuration`
	User, Context json.RawMessage   // JSON objects; the keys of user.app_metadata are also put at the root of what rules see as user
	Domain        string            // auth0.domain
	BaseURL       string            // auth0.baseUrl

	// AccessToken gives auth0.accessToken when a script reads it. Nil: the property is undefined.
	AccessToken func(ctx context.Context) (string, error)
	// UpdateMetadata merges patch into the "user_metadata" or "app_metadata" of a user of the tenant and returns the updated user.
	// The id comes from the script: the callee must look it up in the run's own tenant. Nil: the call fails. Like AccessToken it may
	// be called, from several goroutines, after Rules has returned, until the run's background work is over.
	UpdateMetadata func(ctx context.Context, userID, kind string, patch json.RawMessage) (json.RawMessage, error)

	Watch
}

// Outcome is what came of a run.
type Outcome struct {
	User, Context json.RawMessage // as they stand after the last rule; the input when the run failed
	Merged        []string        // keys at User's root that came from app_metadata and that no rule replaced
	Failure       *Failure        // nil: every rule called back without an error
	Console       []Line          // up to the outcome; later lines go to Config.Log
	Timings       []Timing
	Calls         []Call // outgoing HTTP calls that ended before the outcome
	Deprecated    []Deprecation
}

// Deprecation is a global that a rule used, each once for a run, which runtimes of rules after Node.js 12 do not have.
type Deprecation struct {
	Rule    string
	What    string // the name of the global
	Instead string // what to write
}

// magicGlobals are these globals, and what is required in their place; js/boot has them.
var magicGlobals = func() map[string]string {
	all := map[string]string{
		"_": "lodash", "ip": "range_check", "mongo": "mongodb", "ObjectID": "mongodb", "mysql_pool": "mysql", "postgres": "pg", "sqlserver": "tedious",
		"pbkdf2": "easy-pbkdf2", "jwt": "jsonwebtoken", "Auth0": "auth0", "Knex": "knex", "azure_storage": "azure-storage",
		"Pubnub": "pubnub",
	}
	for _, name := range []string{"request", "querystring", "uuid", "bcrypt", "mysql", "pg", "async", "q", "xml2js", "xmldom", "xpath", "xtend", "couchbase"} {
		all[name] = name
	}
	for name, module := range all {
		all[name] = "require('" + module + "')"
	}
	return all
}()

// Failure is why the login is refused.
type Failure struct {
	Rule       string // name of the rule
	Code       string // "unauthorized" for an UnauthorizedError, else "access_denied"
	Message    string // what callers are told; made by a script: escape it
	StatusCode int    // as the error said, 0 if it did not
	Kind       string // one of the Kind constants
	Name       string // of the error's class
	Stack      string // where it was made, in the script's lines; "" if it was no error
	UserID     string // whom a WrongUsernameOrPasswordError names, "" if nobody; scripts of connections only
}

// Line is one line of console output.
type Line struct {
	Rule  string
	Level string // log, info, warn, error, trace, debug
	Text  string
	At    time.Time
	Host  bool // not the script says so, but the host: what the script asked for has no effect
}

// Timing tells how long a rule took, waiting included, and how it ended: "continued", or the kind of its failure.
type Timing struct {
	Rule     string
	Duration time.Duration
	Outcome  string
}

// Call is one outgoing HTTP call. URL has no query and no credentials.
type Call struct {
	Method, URL string
	Status      int // 0 when no response came
	Duration    time.Duration
	Error       string // code of the error that the script got
}
