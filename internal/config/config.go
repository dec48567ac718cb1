package config

import (
	"net/netip"
	"strings"
	"time"
)

// Config is how a server is started. The tags are those of kong; a field tagged secret is never printed and has a File twin, and
// group is where the help of a command has it.
type Config struct {
	DataDir             string        `name:"data" group:"storage" env:"STAGEDOOR_DATA" default:"./data" help:"Directory of what the server keeps: database, keys, certificates." placeholder:"DIR"`
	Database            string        `name:"database" group:"storage" env:"STAGEDOOR_DATABASE" secret:"url" json:"-" help:"File of the embedded database, or a postgres:// URL. Default: stagedoor.db in the data directory." placeholder:"URL"`
	DatabaseFile        string        `name:"database-file" group:"storage" env:"STAGEDOOR_DATABASE_FILE" help:"File to read --database from." placeholder:"FILE"`
	DatabaseWait        time.Duration `name:"database-wait" group:"storage" env:"STAGEDOOR_DATABASE_WAIT" default:"5s" help:"How long a request waits for a PostgreSQL that is away, as during a failover, before it is answered with 503." placeholder:"TIME"`
	DatabaseReplica     string        `name:"database-replica" group:"storage" env:"STAGEDOOR_DATABASE_REPLICA" secret:"text" json:"-" help:"postgres:// URLs of replicas, separated by commas: they answer lists, searches and logs." placeholder:"URL"`
	DatabaseReplicaFile string        `name:"database-replica-file" group:"storage" env:"STAGEDOOR_DATABASE_REPLICA_FILE" help:"File to read --database-replica from." placeholder:"FILE"`
	DatabaseNoNotify    bool          `name:"database-no-notify" group:"storage" env:"STAGEDOOR_DATABASE_NO_NOTIFY" help:"Do not use LISTEN and NOTIFY of a PostgreSQL: changes made by other servers are then seen within seconds instead of at once."`
	MasterKeyFile       string        `name:"master-key-file" group:"storage" env:"STAGEDOOR_MASTER_KEY_FILE" help:"Keys that seal the secrets in the database; made if missing. Default: master.key in the data directory." placeholder:"FILE"`

	HTTP               string   `name:"http" group:"serving" env:"STAGEDOOR_HTTP" default:"127.0.0.1:8080" help:"Address of plain http; empty for none." placeholder:"ADDR"`
	HTTPS              string   `name:"https" group:"serving" env:"STAGEDOOR_HTTPS" default:"127.0.0.1:8443" help:"Address of https; empty for none." placeholder:"ADDR"`
	TLSCert            string   `name:"tls-cert" group:"serving" env:"STAGEDOOR_TLS_CERT" help:"Certificate chain for https (PEM). Without it and ACME, a local authority is used." placeholder:"FILE"`
	TLSKey             string   `name:"tls-key" group:"serving" env:"STAGEDOOR_TLS_KEY" help:"Private key of --tls-cert (PEM)." placeholder:"FILE"`
	ACMEHosts          []string `name:"acme-hosts" group:"serving" env:"STAGEDOOR_ACME_HOSTS" help:"Host names to get certificates for by ACME." placeholder:"HOST"`
	ACMEEmail          string   `name:"acme-email" group:"serving" env:"STAGEDOOR_ACME_EMAIL" help:"Whom the ACME authority writes to." placeholder:"EMAIL"`
	ACMECache          string   `name:"acme-cache" group:"serving" env:"STAGEDOOR_ACME_CACHE" help:"Directory of ACME certificates, for one server alone. Default: the database, so that all its servers have them." placeholder:"DIR"`
	ACMEDirectory      string   `name:"acme-directory" group:"serving" env:"STAGEDOOR_ACME_DIRECTORY" help:"Address of the directory of another ACME authority than Let's Encrypt: its staging one, or a company's own." placeholder:"URL"`
	ACMEBindingID      string   `name:"acme-eab-id" group:"serving" env:"STAGEDOOR_ACME_EAB_ID" help:"Id of the account that the authority knows already (external account binding), for authorities that ask for one." placeholder:"ID"`
	ACMEBindingKey     string   `name:"acme-eab-key" group:"serving" env:"STAGEDOOR_ACME_EAB_KEY" secret:"text" json:"-" help:"Key of --acme-eab-id, in base64url, as the authority gives it." placeholder:"TEXT"`
	ACMEBindingKeyFile string   `name:"acme-eab-key-file" group:"serving" env:"STAGEDOOR_ACME_EAB_KEY_FILE" help:"File to read --acme-eab-key from." placeholder:"FILE"`
	ClientCertificates string   `name:"client-certificates" group:"serving" env:"STAGEDOOR_CLIENT_CERTIFICATES" default:"aliases" enum:"aliases,always,never" help:"Where clients are asked for certificates when they connect by https: at names that begin with mtls. (aliases), always, never." placeholder:"WHERE"`
	ClientCA           string   `name:"client-ca" group:"serving" env:"STAGEDOOR_CLIENT_CA" help:"Authorities that vouch for clients' certificates (PEM), for tls_client_auth." placeholder:"FILE"`

	TrustedProxies []Network `name:"trusted-proxies" group:"serving" env:"STAGEDOOR_TRUSTED_PROXIES" help:"Networks or addresses of proxies whose X-Forwarded headers count, such as 10.0.0.0/8." placeholder:"NET"`

	JA3Header string `name:"ja3-header" group:"serving" env:"STAGEDOOR_JA3_HEADER" help:"Header in which trusted proxies tell the JA3 fingerprint of who connected to them, such as cf-ja3-hash. They must set it on every request or remove it." placeholder:"NAME"`
	JA4Header string `name:"ja4-header" group:"serving" env:"STAGEDOOR_JA4_HEADER" help:"Header in which trusted proxies tell the JA4 fingerprint of who connected to them, such as cf-ja4. They must set it on every request or remove it." placeholder:"NAME"`

	LoginRate int `name:"login-rate" group:"serving" env:"STAGEDOOR_LOGIN_RATE" default:"100" help:"Most logins a second that one network may begin in the long run, and 50 times as many at once; 0 means any number, such as for a load test." placeholder:"N"`

	NetworkLists string `name:"network-lists" group:"serving" env:"STAGEDOOR_NETWORK_LISTS" help:"Directory of lists of networks, such as auth0.low_reputation.txt with a network in each line, for auth0_managed of network access lists. Read again when they are replaced." placeholder:"DIR"`

	NoDashboard       bool      `name:"no-dashboard" group:"serving" env:"STAGEDOOR_NO_DASHBOARD" help:"Do not serve the dashboard, which asks the Management API with the credentials of whoever signs in."`
	Dashboard         Dashboard `embed:"" group:"serving" prefix:"dashboard-" envprefix:"STAGEDOOR_DASHBOARD_"`
	IgnoreNetworkACLs bool      `name:"ignore-network-acls" group:"serving" env:"STAGEDOOR_IGNORE_NETWORK_ACLS" help:"Let everybody in whatever tenants' network access lists say, such as after one locked its author out."`

	Admin          string `name:"admin-addr" group:"watching" env:"STAGEDOOR_ADMIN_ADDR" help:"Address for operators: /metrics, /healthz, /readyz, profiles. Empty for none; keep it from the public." placeholder:"ADDR"`
	Pprof          bool   `name:"pprof" group:"watching" env:"STAGEDOOR_PPROF" help:"Serve profiles of the running program under /debug/pprof/ of --admin-addr."`
	MetricsTenants bool   `name:"metrics-tenants" group:"watching" env:"STAGEDOOR_METRICS_TENANTS" help:"Count requests and logins by tenant too."`
	QuietRequests  bool   `name:"quiet-requests" group:"lines" env:"STAGEDOOR_QUIET_REQUESTS" help:"Log requests that succeed at level debug only."`
	Trace          Trace  `embed:"" group:"watching" prefix:"trace-" envprefix:"STAGEDOOR_TRACE_"`

	Mail     Mail     `embed:"" group:"mail" prefix:"mail-" envprefix:"STAGEDOOR_MAIL_"`
	Outbound Outbound `embed:"" group:"outbound" prefix:"outbound-" envprefix:"STAGEDOOR_OUTBOUND_"`

	ScriptWorkers int           `name:"script-workers" group:"scripts" env:"STAGEDOOR_SCRIPT_WORKERS" default:"0" help:"Most processes that run scripts of tenants; 0 means ten, or one for each core if there are more." placeholder:"N"`
	ScriptMax     ScriptMax     `embed:"" group:"scripts" prefix:"script-max-" envprefix:"STAGEDOOR_SCRIPT_MAX_"`
	SearchLimit   time.Duration `name:"search-limit" group:"storage" env:"STAGEDOOR_SEARCH_LIMIT" default:"5s" help:"How long a search of users or logs may take." placeholder:"TIME"`
	ConfigLimit   int64         `name:"configuration-limit" group:"tenants" env:"STAGEDOOR_CONFIGURATION_LIMIT" default:"67108864" help:"Most that a tenant can keep of each kind of configuration, such as its clients or its forms, all together; 0 means any amount." placeholder:"BYTES"`
	LogDays       int           `name:"log-days" group:"tenants" env:"STAGEDOOR_LOG_DAYS" default:"30" help:"Days that events of tenants' logs are kept unless a tenant says otherwise; 0 keeps them." placeholder:"N"`
	LogBytes      int64         `name:"log-bytes" group:"tenants" env:"STAGEDOOR_LOG_BYTES" default:"0" help:"Most that is kept of a tenant's log unless it says otherwise; 0 means any amount." placeholder:"BYTES"`
	EventBytes    int64         `name:"event-bytes" group:"tenants" env:"STAGEDOOR_EVENT_BYTES" default:"1073741824" help:"Most that is kept of a tenant's events for those who read them by the API, and that waits for one event stream; 0 means any amount." placeholder:"BYTES"`
	ScriptNode    string        `name:"script-node" group:"scripts" env:"STAGEDOOR_SCRIPT_NODE" help:"Node.js (18 or later) for tenants whose scripts run on it. Default: node on PATH, if there is one." placeholder:"FILE"`
	Breached      string        `name:"breached-passwords" group:"tenants" env:"STAGEDOOR_BREACHED_PASSWORDS" help:"Passwords that have become public: a directory of range files, a sorted list of SHA-1 hashes, or a filter of stagedoor breached build." placeholder:"PATH"`
	GeoIP         []string      `name:"geoip" group:"tenants" env:"STAGEDOOR_GEOIP" help:"Databases that tell where addresses are, for scripts, logs and network access lists: files in MaxMind's format (MMDB) of cities or countries, and of networks. Read again when they are replaced." placeholder:"FILE"`
	RequestLimit  time.Duration `name:"request-limit" group:"serving" env:"STAGEDOOR_REQUEST_LIMIT" default:"55s" help:"How long a request may take before it is given up with 503." placeholder:"TIME"`
	ShutdownDelay time.Duration `name:"shutdown-delay" group:"serving" env:"STAGEDOOR_SHUTDOWN_DELAY" default:"0s" help:"How long to serve on, no longer ready, when told to end: what a load balancer needs to notice." placeholder:"TIME"`
	ShutdownGrace time.Duration `name:"shutdown-grace" group:"serving" env:"STAGEDOOR_SHUTDOWN_GRACE" default:"15s" help:"How long running requests may take to end." placeholder:"TIME"`
	LogLevel      string        `name:"log-level" group:"lines" env:"STAGEDOOR_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least severe lines to log: debug, info, warn, error."`
	LogFormat     string        `name:"log-format" group:"lines" env:"STAGEDOOR_LOG_FORMAT" default:"text" enum:"text,json" help:"Form of log lines: text, json."`
}

// Trace says where traces of requests go.
type Trace struct {
	Endpoint    string  `name:"endpoint" env:"ENDPOINT" help:"Collector of OpenTelemetry traces (OTLP over HTTP), such as http://127.0.0.1:4318. Empty for no traces." placeholder:"URL"`
	Sample      float64 `name:"sample" env:"SAMPLE" default:"1" help:"Share of requests that are traced, from 0 to 1." placeholder:"SHARE"`
	Headers     string  `name:"headers" env:"HEADERS" secret:"text" json:"-" help:"Headers for the collector: NAME=VALUE, separated by commas." placeholder:"LIST"`
	HeadersFile string  `name:"headers-file" env:"HEADERS_FILE" help:"File to read --trace-headers from." placeholder:"FILE"`
}

// Dashboard says where administrators sign in to the dashboard.
type Dashboard struct {
	Issuer           string   `name:"issuer" env:"ISSUER" help:"Provider of OpenID Connect at which administrators sign in to the dashboard (stagedoor administrators), such as https://login.example.com. Empty: with the credentials of machine clients alone." placeholder:"URL"`
	ClientID         string   `name:"client-id" env:"CLIENT_ID" help:"Client ID of the dashboard there, with the callback /dashboard/ of each tenant's domain." placeholder:"ID"`
	ClientSecret     string   `name:"client-secret" env:"CLIENT_SECRET" secret:"text" json:"-" help:"Secret of that client. Empty: it has none." placeholder:"TEXT"`
	ClientSecretFile string   `name:"client-secret-file" env:"CLIENT_SECRET_FILE" help:"File to read --dashboard-client-secret from." placeholder:"FILE"`
	Scope            []string `name:"scope" env:"SCOPE" default:"email,profile" help:"Scopes to ask the provider for, beside openid: groups, for one that tells them by that." placeholder:"SCOPE"`
}

// Mail is the server that mails are sent through. Without Host they are kept in the tenant's inbox for development where it has one, else not sent.
type Mail struct {
	Host         string `name:"host" env:"HOST" help:"SMTP server. Without it mails go to the tenant's development inbox where that is on, else a warning in the log says that one was not sent." placeholder:"HOST"`
	Port         int    `name:"port" env:"PORT" default:"587" help:"Port of the SMTP server; 465 speaks TLS from the start." placeholder:"PORT"`
	ImplicitTLS  bool   `name:"implicit-tls" env:"IMPLICIT_TLS" help:"Speak TLS with the SMTP server from the start on any port, instead of STARTTLS."`
	User         string `name:"user" env:"USER" help:"Name to sign in to the SMTP server with." placeholder:"NAME"`
	Password     string `name:"password" env:"PASSWORD" secret:"text" json:"-" help:"Password for the SMTP server." placeholder:"TEXT"`
	PasswordFile string `name:"password-file" env:"PASSWORD_FILE" help:"File to read --mail-password from." placeholder:"FILE"`
	From         string `name:"from" env:"FROM" default:"Stagedoor <no-reply@stagedoor.test>" help:"Sender of mails, unless a tenant names its own." placeholder:"ADDR"`
}

// ScriptMax are the highest limits that tenants can give their scripts.
type ScriptMax struct {
	Wall     time.Duration `name:"wall" env:"WALL" default:"60s" help:"Longest time that tenants can give a pipeline of scripts, waiting included." placeholder:"TIME"`
	CPU      time.Duration `name:"cpu" env:"CPU" default:"10s" help:"Longest time that tenants can let a script compute without a pause." placeholder:"TIME"`
	Memory   int64         `name:"memory" env:"MEMORY" default:"268435456" help:"Most memory that tenants can give a run of scripts." placeholder:"BYTES"`
	Calls    int           `name:"calls" env:"CALLS" default:"1000" help:"Most outgoing calls that tenants can allow a run of scripts." placeholder:"N"`
	Response int64         `name:"response" env:"RESPONSE" default:"8388608" help:"Largest response that tenants can let their scripts read." placeholder:"BYTES"`
	Log      int           `name:"log" env:"LOG" default:"1048576" help:"Most console text that tenants can keep of a run of scripts." placeholder:"BYTES"`
}

// Outbound says what may be reached on behalf of tenants: by their scripts, connections and webhooks.
type Outbound struct {
	AllowPrivate bool     `name:"allow-private" env:"ALLOW_PRIVATE" help:"Let scripts and connections reach loopback and private networks."`
	Allow        []string `name:"allow" env:"ALLOW" help:"Networks (10.1.0.0/16) and hosts (billing.internal:8080) that may be reached all the same." placeholder:"NET|HOST:PORT"`
	Proxy        string   `name:"proxy" env:"PROXY" secret:"url" json:"-" help:"Proxy for requests that leave: http, https or socks5 URL." placeholder:"URL"`
	ProxyFile    string   `name:"proxy-file" env:"PROXY_FILE" help:"File to read --outbound-proxy from." placeholder:"FILE"`

	Rewrite map[string]string `name:"rewrite" env:"REWRITE" help:"Hosts that scripts mean by a former name, such as that of a tenant before it came here: example.eu.auth0.com=login.example.com." placeholder:"HOST=HOST"`
}

// Replicas splits DatabaseReplica: a comma may also be in a URL of several hosts.
func (c *Config) Replicas() []string {
	return strings.Fields(strings.ReplaceAll(c.DatabaseReplica, ",postgres", " postgres"))
}

// Postgres tells whether Database is a PostgreSQL URL rather than a file.
func (c *Config) Postgres() bool { return postgresURL(c.Database) }

// Networks splits Allow into networks and "host:port" pairs. Complete has checked them.
func (o Outbound) Networks() (networks []netip.Prefix, hosts []string) {
	for _, one := range o.Allow {
		if network, err := netip.ParsePrefix(one); err == nil {
			networks = append(networks, network)
		} else {
			hosts = append(hosts, one)
		}
	}
	return networks, hosts
}
