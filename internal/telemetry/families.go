package telemetry

import "slices"

// A Metric is a row of families.
type Metric int

// What is measured.
const (
	Requests Metric = iota
	RequestTime
	RequestsNow
	TenantRequests
	Logins
	TenantLogins
	TokenRequests
	Tokens
	LogEvents
	HashTime
	HashWait
	HashesNow
	ScriptRuns
	ScriptTime
	ScriptWait
	ScriptWorkers
	ScriptWaiting
	ScriptStarted
	ScriptKilled
	OutboundCalls
	OutboundTime
	SQLTime
	SQLErrors
	WriteTime
	WriteGroup
	WriteQueue
	PoolConnections
	PoolWaits
	PoolWaitTime
	LogQueue
	LogLost
	LogLeftOut
	CacheAsks
	SearchTime
	StreamLag
	StreamSends
	EventLag
	JobsEnded
	JobTime
	Mails
	Swept
	SweepTime
	SweepErrors
	CertificateEnd
	TraceDropped
	BuildInfo
	metrics // how many there are
)

type kind string

const (
	counter   kind = "counter"
	gauge     kind = "gauge"
	histogram kind = "histogram"
)

// family is a metric: its name on the wire, what its labels can be, and how it is read.
type family struct {
	name    string
	kind    kind
	help    string
	labels  []label
	buckets []float64
	read    bool // it is not counted here but read from a source when somebody asks
	tenants bool // it is there only where the operator wants numbers by tenant
}

// label is a label with the values that it can take. Without values it takes the first most that come.
type label struct {
	name   string
	values []string
	most   int
}

func of(name string, values ...string) label { return label{name: name, values: values} }

func upTo(most int, name string) label { return label{name: name, most: most} }

// other stands for all values that a label cannot take.
const other = "other"

// Seconds of what takes from microseconds to a second, and from milliseconds to a minute.
var (
	quick = []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1}
	slow  = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
)

var (
	status   = of("status", "1xx", "2xx", "3xx", "4xx", "5xx")
	method   = of("method", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
	route    = upTo(600, "route")
	tenant   = upTo(10_000, "tenant")
	outcome  = of("outcome", "success", "failure")
	loginEnd = of("outcome", LoginSuccess, LoginSilent, LoginWrongPassword, LoginUnknownUser, LoginBlocked, LoginBreached, LoginFactor, LoginFailed)
	grant    = of("grant", "authorization_code", "refresh_token", "client_credentials", "password", "mfa-otp", "mfa-recovery-code", "mfa-oob", "token-exchange", "device_code", "implicit")
	scripted = of("kind", "rules", "actions", "hooks", "connections")
	runtime  = of("runtime", "embedded", "node")
	verb     = of("operation", "select", "insert", "update", "delete", "transaction")
)

// How a login ends.
const (
	LoginSuccess       = "success"
	LoginSilent        = "silent"
	LoginWrongPassword = "wrong_password"
	LoginUnknownUser   = "unknown_user"
	LoginBlocked       = "blocked"
	LoginBreached      = "breached_password"
	LoginFactor        = "second_factor_failed"
	LoginFailed        = "failed"
)

// families is every metric. docs/guide/observe.md explains them; a test holds dashboard, alerts and page to this table.
var families = [metrics]family{
	Requests:       {"stagedoor_http_requests_total", counter, "Requests that were answered, by the pattern of their route.", []label{route, method, status}, nil, false, false},
	RequestTime:    {"stagedoor_http_request_duration_seconds", histogram, "Time to answer a request.", []label{route, method}, slow, false, false},
	RequestsNow:    {"stagedoor_http_requests_in_flight", gauge, "Requests that are being answered.", nil, nil, false, false},
	TenantRequests: {"stagedoor_tenant_requests_total", counter, "Requests by tenant; only with --metrics-tenants.", []label{tenant, status}, nil, false, true},
	Logins:         {"stagedoor_logins_total", counter, "Logins by how they ended.", []label{loginEnd}, nil, false, false},
	TenantLogins:   {"stagedoor_tenant_logins_total", counter, "Logins by tenant; only with --metrics-tenants.", []label{tenant, loginEnd}, nil, false, true},
	TokenRequests:  {"stagedoor_token_requests_total", counter, "Requests to the token endpoint by grant.", []label{grant, outcome}, nil, false, false},
	Tokens:         {"stagedoor_tokens_issued_total", counter, "Tokens that were given out, by grant and kind.", []label{grant, of("token", "access", "id", "refresh")}, nil, false, false},
	LogEvents:      {"stagedoor_log_events_total", counter, "Events in tenants' logs by their type.", []label{upTo(300, "type")}, nil, false, false},

	HashTime:  {"stagedoor_password_hash_seconds", histogram, "Time to hash or verify a password, without the wait.", nil, slow, false, false},
	HashWait:  {"stagedoor_password_hash_wait_seconds", histogram, "Time that a password waited for a core.", nil, slow, false, false},
	HashesNow: {"stagedoor_password_hashes", gauge, "Passwords that are being hashed or wait for it.", []label{of("state", "running", "waiting")}, nil, true, false},

	ScriptRuns:    {"stagedoor_script_runs_total", counter, "Runs of scripts by how they ended.", []label{scripted, runtime, of("outcome", "success", "callback", "exception", "timeout", "memory", "syntax", "crashed", "runtime", "unavailable")}, nil, false, false},
	ScriptTime:    {"stagedoor_script_run_seconds", histogram, "Time of a run of scripts, with the wait for a worker.", []label{scripted, runtime}, slow, false, false},
	ScriptWait:    {"stagedoor_script_wait_seconds", histogram, "Time that a run waited for a worker.", nil, slow, false, false},
	ScriptWorkers: {"stagedoor_script_workers", gauge, "Worker processes that live.", []label{runtime}, nil, true, false},
	ScriptWaiting: {"stagedoor_script_runs_waiting", gauge, "Runs that wait for a worker.", nil, nil, true, false},
	ScriptStarted: {"stagedoor_script_workers_started_total", counter, "Worker processes that were started.", []label{runtime}, nil, false, false},
	ScriptKilled:  {"stagedoor_script_workers_killed_total", counter, "Worker processes that were killed because their run would not end.", []label{runtime}, nil, false, false},

	OutboundCalls: {"stagedoor_outbound_requests_total", counter, "Calls to the outside for scripts, connections, mails and log streams.", []label{of("outcome", "1xx", "2xx", "3xx", "4xx", "5xx", "refused", "failed")}, nil, false, false},
	OutboundTime:  {"stagedoor_outbound_request_seconds", histogram, "Time until the head of the answer to such a call.", nil, slow, false, false},

	SQLTime:         {"stagedoor_sql_seconds", histogram, "Time of a statement, by what it does.", []label{verb}, quick, false, false},
	SQLErrors:       {"stagedoor_sql_errors_total", counter, "Statements that failed for a reason of the database.", []label{verb}, nil, false, false},
	WriteTime:       {"stagedoor_write_seconds", histogram, "Time of a write until it is on the disk, with all waiting.", nil, slow, false, false},
	WriteGroup:      {"stagedoor_sqlite_group_size", histogram, "Writes that shared a commit (embedded database).", nil, []float64{1, 2, 4, 8, 16, 32, 64}, false, false},
	WriteQueue:      {"stagedoor_sqlite_writes_waiting", gauge, "Writes that wait for the writer (embedded database).", nil, nil, true, false},
	PoolConnections: {"stagedoor_postgres_connections", gauge, "Connections of the pool (PostgreSQL).", []label{of("state", "used", "idle", "most")}, nil, true, false},
	PoolWaits:       {"stagedoor_postgres_waits_total", counter, "Times that no connection was free (PostgreSQL).", nil, nil, true, false},
	PoolWaitTime:    {"stagedoor_postgres_acquire_seconds_total", counter, "Time spent getting connections (PostgreSQL).", nil, nil, true, false},
	LogQueue:        {"stagedoor_log_events_waiting", gauge, "Log events that are not written yet.", nil, nil, true, false},
	LogLost:         {"stagedoor_log_events_lost_total", counter, "Log events that could not be written.", nil, nil, false, false},
	LogLeftOut:      {"stagedoor_log_events_left_out_total", counter, "Events that anybody can cause and that were not written, because there were too many.", nil, nil, false, false},
	CacheAsks:       {"stagedoor_cache_requests_total", counter, "Looks into caches.", []label{upTo(20, "cache"), of("result", "hit", "miss")}, nil, false, false},
	SearchTime:      {"stagedoor_search_seconds", histogram, "Time of a search, by how it was done.", []label{of("of", "users", "logs"), upTo(20, "plan")}, slow, false, false},

	StreamLag:   {"stagedoor_log_stream_lag_seconds", gauge, "Age of the oldest event that an active log stream has not delivered; of the slowest.", nil, nil, false, false},
	StreamSends: {"stagedoor_log_stream_batches_total", counter, "Batches of events sent by log streams.", []label{outcome}, nil, false, false},
	EventLag:    {"stagedoor_event_stream_lag_seconds", gauge, "Age of the oldest event that waits to be sent to an event stream; of the slowest.", nil, nil, false, false},
	JobsEnded:   {"stagedoor_jobs_total", counter, "Jobs that ended.", []label{upTo(20, "type"), outcome}, nil, false, false},
	JobTime:     {"stagedoor_job_seconds", histogram, "Time from the start of a job to its end.", []label{upTo(20, "type")}, []float64{0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200}, false, false},
	Mails:       {"stagedoor_mails_total", counter, "Mails that were handed over, or were not.", []label{outcome}, nil, false, false},
	Swept:       {"stagedoor_swept_rows_total", counter, "Rows that were deleted because their time was over.", []label{upTo(40, "table")}, nil, false, false},
	SweepTime:   {"stagedoor_sweep_seconds", histogram, "Time of a whole sweep of what has expired.", nil, []float64{0.01, 0.1, 1, 10, 60, 300, 1800}, false, false},
	SweepErrors: {"stagedoor_sweep_errors_total", counter, "Sweeps that failed.", nil, nil, false, false},

	CertificateEnd: {"stagedoor_certificate_expiry_timestamp_seconds", gauge, "When the certificate of --tls-cert ends, in seconds since 1970; it is there only with such a certificate.", nil, nil, true, false},
	TraceDropped:   {"stagedoor_trace_spans_dropped_total", counter, "Spans that the collector did not take.", nil, nil, false, false},
	BuildInfo:      {"stagedoor_build_info", gauge, "1; what runs.", []label{upTo(1, "version"), upTo(1, "go")}, nil, false, false},
}

// allows tells whether a label can take a value.
func (l label) allows(value string) bool { return slices.Contains(l.values, value) }
