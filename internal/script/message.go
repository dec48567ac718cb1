package script

import "encoding/json"

// message is every frame of the protocol; Type says which fields count. PROTOCOL.md is its page.
type message struct {
	Type string `json:"type"`
	Run  uint64 `json:"run,omitempty"`  // which run it belongs to; a check has one too
	Call uint64 `json:"call,omitempty"` // which call of that run

	// load: source text under its hash. check: source text.
	Hash   string `json:"hash,omitempty"`
	Source string `json:"source,omitempty"`

	Start *start `json:"start,omitempty"` // run

	Method string          `json:"method,omitempty"` // call: http, metadata, token
	Params json.RawMessage `json:"params,omitempty"` // call
	Result json.RawMessage `json:"result,omitempty"` // reply
	Error  *callError      `json:"error,omitempty"`  // reply

	Rule  int    `json:"rule,omitempty"`  // log: index of the rule
	Level string `json:"level,omitempty"` // log: log, info, warn, error, trace, debug
	Text  string `json:"text,omitempty"`  // log; checked: what is wrong with the source, empty if nothing is

	Form    string   `json:"form,omitempty"`    // check: how the source is compiled; empty: as a rule
	Modules []string `json:"modules,omitempty"` // check: what the source requires; checked: which of them are not there

	Table []row `json:"table,omitempty"` // modules: the packages that were added

	Parts []int `json:"parts,omitempty"` // lengths of what follows the JSON in its frame, see attached

	Outcome *result `json:"outcome,omitempty"` // outcome
	Usage   *usage  `json:"usage,omitempty"`   // done

	At      int64                      `json:"at,omitempty"`      // reply, when a run is repeated: microseconds after it began; -1: never
	Answers [][2]int64                 `json:"answers,omitempty"` // done, of a run that is recorded: calls, and when scripts got their answers
	Globals map[string]json.RawMessage `json:"globals,omitempty"` // done, of a run that is recorded: what was on `global` when it began
}

// start is the input of a run.
type start struct {
	Rules         []string          `json:"rules"` // hashes, in order
	User          json.RawMessage   `json:"user"`
	Context       json.RawMessage   `json:"context"`
	Configuration map[string]string `json:"configuration"`
	Domain        string            `json:"domain"`
	BaseURL       string            `json:"baseUrl"`
	Wall          int64             `json:"wall"`   // milliseconds
	CPU           int64             `json:"cpu"`    // milliseconds
	Memory        int64             `json:"memory"` // bytes
	Calls         int               `json:"calls"`
	LogBytes      int               `json:"logBytes"`
	Clock         int64             `json:"clock"` // what scripts take for the time when the run begins, in milliseconds since 1970
	Seed          string            `json:"seed"`  // of all random numbers: 32 bytes in hexadecimal
	Record        bool              `json:"record,omitempty"`
	Forms         []string          `json:"forms,omitempty"`   // how each is compiled: empty as a rule, module, hook
	Trigger       *triggerStart     `json:"trigger,omitempty"` // nil: rules
	Call          *callStart        `json:"call,omitempty"`    // of a connection's script; nil: none

	Repeat  bool                       `json:"repeat,omitempty"`  // a recorded run goes again: its replies have times
	Globals map[string]json.RawMessage `json:"globals,omitempty"` // with repeat: what is on `global`
	Answers [][2]int64                 `json:"answers,omitempty"` // with repeat: when the answers came that the worker gave itself
}

// callStart is the input of a call of a connection's script.
type callStart struct {
	Functions []string          `json:"functions"` // names by which the function is looked for
	Arguments []json.RawMessage `json:"arguments"`
	Context   json.RawMessage   `json:"context,omitempty"` // absent: the function gets none

	Connection string `json:"connection"` // name, and that of the operation: what masks of recordings need
	Operation  string `json:"operation"`
}

// triggerStart is the input of a run of actions or of a hook. Rules of start has its scripts, and behind them the modules that
// they share.
type triggerStart struct {
	ID      string                 `json:"id"`
	Handler string                 `json:"handler"`
	Resume  string                 `json:"resume,omitempty"` // handler of the first script, where it waited for somebody to come back
	Hook    bool                   `json:"hook"`
	Errors  []string               `json:"errors,omitempty"` // names of error classes
	Event   json.RawMessage        `json:"event"`
	Known   json.RawMessage        `json:"known,omitempty"` // what the trigger's api knows beyond the event
	Rules   []string               `json:"rules,omitempty"` // ids of those that ran before
	Cache   map[string]cacheRecord `json:"cache"`
	Scripts []scriptStart          `json:"scripts"`
}

type scriptStart struct {
	Name    string                 `json:"name"`
	Secrets map[string]string      `json:"secrets"`
	Modules map[string]moduleStart `json:"modules"`

	Dependencies map[string]string `json:"dependencies,omitempty"` // versions of npm packages by name
}

type moduleStart struct {
	At      int               `json:"at"` // index in Rules of start
	Secrets map[string]string `json:"secrets"`

	Dependencies map[string]string `json:"dependencies,omitempty"`
}

// result is the outcome as the worker reports it.
type result struct {
	User    json.RawMessage `json:"user,omitempty"`
	Context json.RawMessage `json:"context,omitempty"`
	Merged  []string        `json:"merged,omitempty"`
	Effects *effects        `json:"effects,omitempty"` // of a trigger's run
	Value   json.RawMessage `json:"value,omitempty"`   // of a call: what the script called back with
	Failure *failure        `json:"failure,omitempty"`
	Timings []timing        `json:"timings,omitempty"`
	Stuck   bool            `json:"stuck,omitempty"` // the run cannot be stopped: the worker takes no more runs

	Deprecated []deprecation `json:"deprecated,omitempty"` // of rules
}

// deprecation is what a rule used that newer runtimes of rules do not have: the name of a global.
type deprecation struct {
	Rule int    `json:"rule"`
	What string `json:"what"`
}

type failure struct {
	Nothing bool   `json:"nothing,omitempty"` // within a worker: null was thrown
	Rule    int    `json:"rule"`
	Kind    string `json:"kind"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Status  int    `json:"status,omitempty"`
	Name    string `json:"name,omitempty"`
	Stack   string `json:"stack,omitempty"`
	UserID  string `json:"userId,omitempty"` // of a WrongUsernameOrPasswordError, where it names somebody
}

type timing struct {
	Rule    int    `json:"rule"`
	Began   int64  `json:"began,omitempty"` // microseconds after the run did
	Micros  int64  `json:"micros"`
	Outcome string `json:"outcome"`
}

// usage is what the worker's process has used so far.
type usage struct {
	CPU    int64  `json:"cpu"`    // milliseconds of processor time
	Memory uint64 `json:"memory"` // bytes resident
}

// callError becomes a JavaScript Error with these members.
type callError struct {
	Message    string `json:"message"`
	Name       string `json:"name,omitempty"`
	Code       string `json:"code,omitempty"`
	StatusCode int    `json:"statusCode,omitempty"`
	Connect    *bool  `json:"connect,omitempty"` // time-outs: whether the connection was still being made
	Errno      string `json:"errno,omitempty"`
}

// httpCall is the params of the call http, httpReply its result.
type httpCall struct {
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      []byte            `json:"body"`
	Timeout   int64             `json:"timeout"`   // milliseconds, 0 for none but the run's own
	Redirects int               `json:"redirects"` // how many to follow
	TLS       *tlsOptions       `json:"tls,omitempty"`
}

type httpReply struct {
	Status     int            `json:"status"`
	StatusText string         `json:"statusText"`
	Headers    map[string]any `json:"headers"` // lower-case names; set-cookie is a list
	Body       []byte         `json:"body"`
	URL        string         `json:"url"`
}

// moduleCall is the params of the call module; its result is the text.
type moduleCall struct {
	Hash string `json:"hash"`
}

// metadataCall is the params of the call metadata.
type metadataCall struct {
	UserID string          `json:"user_id"`
	Kind   string          `json:"kind"`
	Patch  json.RawMessage `json:"patch"`
}
