package server

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/backchannel"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/dashboard"
	"github.com/stagedoor/stagedoor/internal/eventstream"
	"github.com/stagedoor/stagedoor/internal/geoip"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/job"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/login"
	"github.com/stagedoor/stagedoor/internal/logstream"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/me"
	"github.com/stagedoor/stagedoor/internal/mgmt"
	"github.com/stagedoor/stagedoor/internal/myorg"
	"github.com/stagedoor/stagedoor/internal/netlist"
	"github.com/stagedoor/stagedoor/internal/oauth"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/saml"
	"github.com/stagedoor/stagedoor/internal/scim"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/telemetry"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// scriptCallTimeout bounds one outgoing call of a script; a rule may set less.
const scriptCallTimeout = 20 * time.Second

// mailGrace is how long a server that stops waits for mails on their way.
const mailGrace = 10 * time.Second

// How often log streams look for new events, and how old an event must be before it is sent: longer than servers of one database may take
// to write what happened.
const (
	streamEvery  = time.Second
	streamSettle = 2 * time.Second
)

// logoutEvery is how often clients are told of sessions that have ended.
const logoutEvery = time.Second

// sweepEvery is how often what has expired is deleted, and sweepFirst how long after the start for the first time: also where servers do not live long.
const (
	sweepEvery = 10 * time.Minute
	sweepFirst = 30 * time.Second
)

// placesEvery is how often it is looked whether there are new editions of the databases of addresses.
const placesEvery = time.Minute

// Deps are what a test replaces.
type Deps struct {
	Clock         stagedoor.Clock // nil: the time
	Log           *slog.Logger    // nil: slog.Default
	Mail          mail.Sender     // nil: as the configuration says
	ScriptCommand []string        // argv of a script worker; nil: this program
	EventsFor     time.Duration   // how long readers of events stay; 0: most of what a request may take
	Version       string          // of the program, for metrics and traces

	// LookupTXT looks the texts of a name up in the DNS; nil: asks the system's resolver.
	LookupTXT func(ctx context.Context, name string) ([]string, error)
}

// Server is all rooms, built and connected.
type Server struct {
	cfg       config.Config
	doubted   atomic.Int64 // when a proxy that is not trusted was told of, in nanoseconds
	leaving   atomic.Bool  // told to end, and serves on for those who have not noticed
	metrics   *telemetry.Metrics
	tracer    *telemetry.Tracer // nil: nothing is traced
	hasher    *password.Hasher
	leaks     *password.Leaked // nil: none are known
	places    *geoip.Databases
	lists     *netlist.Lists
	log       *slog.Logger
	db        *store.DB
	keys      *token.Keys
	scripts   *script.Host
	pipeline  *pipeline.Pipeline
	oauth     *oauth.Door
	login     *login.Door
	saml      *saml.Door
	mgmt      *mgmt.API
	stopping  context.CancelFunc // tells those who read events that they are to go
	me        *me.Door
	myorg     *myorg.Door
	scim      *scim.Door
	dashboard *dashboard.Door // nil: it is not served
	streams   *logstream.Deliverer
	events    *eventstream.Deliverer
	logouts   *backchannel.Deliverer
	jobs      *job.Runner
	reference *reference
	aclNotes  aclNotes
	clientCAs *x509.CertPool                   // nil: no authority vouches for clients' certificates
	files     atomic.Pointer[certificateFiles] // nil: the certificate of https comes from elsewhere
	handler   http.Handler
}

// New opens the database, which must have been migrated, and builds the rooms.
func New(ctx context.Context, cfg config.Config, deps Deps) (*Server, error) {
	s := &Server{cfg: cfg, log: deps.Log, hasher: password.NewHasher(), metrics: telemetry.NewMetrics(cmp.Or(deps.Version, "development"), cfg.MetricsTenants)}
	s.keys = &token.Keys{Metrics: s.metrics}
	if s.log == nil {
		s.log = slog.Default()
	}
	if err := s.open(ctx, deps); err != nil {
		return nil, err
	}
	reach, err := s.outside()
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	s.build(ctx, deps, reach)
	s.reference = newReference(s.mgmt)
	s.measure()
	s.handler = s.front(s.doors())
	return s, nil
}

// open opens what the configuration names: files, and the database last, which alone has to be closed again.
func (s *Server) open(ctx context.Context, deps Deps) (err error) {
	if s.tracer, err = s.newTracer(cmp.Or(deps.Version, "development")); err != nil {
		return err
	}
	if s.clientCAs, err = readClientCAs(s.cfg.ClientCA); err != nil {
		return err
	}
	if s.places, err = geoip.Open(s.cfg.GeoIP, s.log); err != nil {
		return err
	}
	if s.lists, err = netlist.Open(s.cfg.NetworkLists, s.log); err != nil {
		return err
	}
	if s.cfg.Breached != "" {
		if s.leaks, err = password.OpenLeaked(s.cfg.Breached); err != nil {
			return err
		}
	}
	if s.db, err = openDatabase(ctx, s.cfg, deps, s.metrics, s.places); err != nil {
		return err
	}
	s.db.OnChange(s.keys.Forget)
	if err := s.checkDatabase(ctx); err != nil {
		return errors.Join(err, s.db.Close())
	}
	return nil
}

// reach are the clients of what leaves the house.
type reach struct {
	tenants   *http.Client // on behalf of tenants
	strangers *http.Client // for what anybody may have asked
	operator  *http.Client // to what the operator names
}

// outside makes the clients of what leaves the house.
func (s *Server) outside() (r reach, err error) {
	if r.tenants, err = scriptClient(s.cfg); err != nil {
		return r, err
	}
	if r.strangers, err = strangersClient(s.cfg); err != nil {
		return r, err
	}
	if r.operator, err = operatorClient(s.cfg); err != nil {
		return r, err
	}
	return reach{s.measured(r.tenants), s.measured(r.strangers), s.measured(r.operator)}, nil
}

// build makes the rooms, the lower ones first, and tells each what it needs. Where a lower one needs a higher one, it is given a function of it.
func (s *Server) build(ctx context.Context, deps Deps, reach reach) {
	cfg, client := s.cfg, reach.tenants
	scripts := s.scriptHTTP(client, cfg.Outbound.Rewrite)
	s.scripts = script.New(script.Config{
		Metrics: s.metrics,
		Command: deps.ScriptCommand, Workers: cfg.ScriptWorkers, HTTP: scripts, Net: script.Reach(outboundConfig(cfg)),
		Added: s.db, Log: s.log, Node: cfg.ScriptNode, Runtime: s.scriptRuntime,
		Policy: pipeline.ScriptPolicy(s.db, s.log), Ceilings: scriptCeilings(cfg),
	})
	minter := &token.Minter{Keys: s.keys}
	database := &connection.Database{Hasher: s.hasher, Scripts: s.scripts, Outside: client}
	pipe := &pipeline.Pipeline{
		Database: database, Scripts: s.scripts, Minter: minter, HTTP: client, Requests: scripts, Networks: guard.Networks{LoginRate: cfg.LoginRate},
		Upstream: &connection.Upstream{HTTP: client, Scripts: s.scripts, TenantKey: s.keys.Current},
	}
	if s.leaks != nil {
		pipe.Leaks = s.leaks
	}
	s.pipeline = pipe
	send := s.sender(deps, client)
	s.oauth = oauth.New(oauth.Deps{DB: s.db, Metrics: s.metrics, Pipeline: pipe, Minter: minter, HTTP: reach.strangers})
	s.login = login.New(login.Deps{Posted: s.oauth.PostedLogin, DB: s.db, Pipeline: pipe, Send: send, Log: s.log})
	s.saml = saml.New(saml.Deps{DB: s.db, Pipeline: pipe, Keys: s.keys, Check: s.oauth.CheckShared, Allowed: oauth.Allowed, Answer: s.oauth.Answer})
	s.oauth.Finish = s.saml.Finish
	s.oauth.SendApproval = s.login.SendApproval
	pipe.Blocked, pipe.MailCode, pipe.MailProof, pipe.MailFactorCode, pipe.MailFlow = s.login.SendBlocked, s.login.MailCode, s.login.MailProof, s.login.MailFactorCode, s.login.MailFlow
	pipe.WarnLeaked, pipe.TellAdmin, pipe.TellFactor, pipe.AskToVerify = s.login.WarnLeaked, s.login.TellAdmin, s.login.TellFactor, s.login.AskToVerify
	s.jobs = job.New(job.Deps{DB: s.db, Metrics: s.metrics, Log: s.log, Identify: connection.Identify, Send: send, SendVerification: s.login.SendVerification})
	var stopping context.Context
	stopping, s.stopping = context.WithCancel(context.WithoutCancel(ctx))
	s.mgmt = mgmt.New(mgmt.Deps{
		Keys: s.keys, Database: database, Pipeline: pipe, HTTP: client, Clock: deps.Clock, Log: s.log,
		Scripts: s.scripts, CheckScript: s.scripts.Check, CheckDraft: s.scripts.CheckDraft, CheckCall: s.scripts.CheckCall, NodeError: s.scripts.NodeError, ScriptCeilings: s.scripts.Ceilings(),
		SendVerification: s.login.VerifyLater, SendInvitation: s.login.SendInvitation, SendEnrollment: s.login.SendEnrollment, SendMail: send, MailServer: deps.Mail != nil || cfg.Mail.Host != "", JobAdded: s.jobs.Wake,
		CheckSCIMPath: scim.CheckPath, Fingerprints: fingerprintsKnown(cfg), NetworkLists: s.lists.Names,
		EventsFor: deps.EventsFor, Stopping: stopping.Done(),
	})
	s.me = me.New(me.Deps{Keys: s.keys, Pipeline: pipe, Log: s.log, Allowed: oauth.Allowed})
	s.myorg = myorg.New(myorg.Deps{Keys: s.keys, Manage: s.mgmt.DoFor, LookupTXT: lookupTXT(deps), Log: s.log})
	s.scim = scim.New()
	s.dashboard = newDashboard(cfg, dashboard.Deps{Minter: minter, Networks: &pipe.Networks, Log: s.log}, reach.operator)
	s.streams = &logstream.Deliverer{DB: s.db, Metrics: s.metrics, Client: client, Log: s.log, Every: streamEvery, Settle: streamSettle}
	s.events = &eventstream.Deliverer{DB: s.db, Client: client, Log: s.log, Every: streamEvery, Act: pipe.ForEvent, Metrics: s.metrics, MaxBytes: cfg.EventBytes}
	s.logouts = &backchannel.Deliverer{DB: s.db, Minter: minter, Client: client, Log: s.log, Every: logoutEvery}
}

// sender brings mails to where they belong: by the tenant's own provider or script, else by the server's.
func (s *Server) sender(deps Deps, client *http.Client) func(context.Context, *store.Store, mail.Message) error {
	by := deps.Mail
	if m := s.cfg.Mail; by == nil && m.Host != "" {
		by = &mail.SMTP{Host: m.Host, Port: m.Port, User: m.User, Password: m.Password, ImplicitTLS: m.ImplicitTLS}
	}
	outside := mail.Outside{HTTP: client, Dial: outbound.Dialer(outboundConfig(s.cfg))}
	return s.countMails(login.ThroughScripts(s.pipeline, login.Deliver(by, s.cfg.Mail.From, outside, s.log)))
}

func lookupTXT(deps Deps) func(context.Context, string) ([]string, error) {
	if deps.LookupTXT != nil {
		return deps.LookupTXT
	}
	return net.DefaultResolver.LookupTXT
}

// scriptCeilings are the highest limits of scripts.
func scriptCeilings(cfg config.Config) script.Limits {
	m := cfg.ScriptMax
	return script.Limits{Wall: m.Wall, CPU: m.CPU, Memory: m.Memory, Calls: m.Calls, ResponseBytes: m.Response, LogBytes: m.Log}
}

// scriptRuntime is what a tenant chose for its scripts.
func (s *Server) scriptRuntime(ctx context.Context, tenant string) (string, error) {
	id, _, _ := strings.Cut(tenant, " ") // scripts that are tried belong to no login, and run as the tenant's do
	st, err := s.db.TenantByID(ctx, id)
	if err != nil {
		return "", err
	}
	return st.Tenant().Settings.Local.ScriptRuntime, nil
}

// checkDatabase tells at the start what would otherwise fail at the first login.
func (s *Server) checkDatabase(ctx context.Context) error {
	if err := s.db.CheckMigrated(ctx); err != nil {
		return err
	}
	if err := s.db.CheckSealed(ctx); err != nil {
		return fmt.Errorf("%w: %s", err, s.cfg.MasterKeyFile)
	}
	return nil
}

// OpenDatabase opens the database of a configuration with its master keys.
func OpenDatabase(ctx context.Context, cfg config.Config, deps Deps) (*store.DB, error) {
	return openDatabase(ctx, cfg, deps, nil, nil)
}

func openDatabase(ctx context.Context, cfg config.Config, deps Deps, metrics *telemetry.Metrics, places *geoip.Databases) (*store.DB, error) {
	if err := keyLost(ctx, cfg); err != nil {
		return nil, err
	}
	sealer, err := jose.OpenSealer(cfg.MasterKeyFile)
	if err != nil {
		return nil, err
	}
	sealer.Log = deps.Log
	return store.Open(ctx, store.Options{Metrics: metrics, URL: cfg.Database, Sealer: sealer, Clock: deps.Clock, Log: deps.Log, SearchLimit: cfg.SearchLimit, Ceiling: cfg.ConfigLimit, Retention: store.Retention{LogDays: cfg.LogDays, LogBytes: cfg.LogBytes, FeedBytes: cfg.EventBytes}, Wait: cfg.DatabaseWait, NoNotify: cfg.DatabaseNoNotify, Replicas: cfg.Replicas(), Places: places, SystemScopes: systemScopes})
}

// keyLost returns an error if there is no file of master keys, and there is a database that was sealed under one, or that cannot be asked: a key that was made now
// would open nothing, and hide that the right one is missing.
func keyLost(ctx context.Context, cfg config.Config) error {
	if _, err := os.Stat(cfg.MasterKeyFile); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if cfg.Postgres() {
		if sealed, err := store.HoldsSealed(ctx, cfg.Database); err != nil || !sealed {
			return err
		}
	} else if info, err := os.Stat(strings.TrimPrefix(cfg.Database, "sqlite://")); err != nil || info.Size() == 0 {
		return nil
	}
	return fmt.Errorf("there is a database, but its master key file %s is missing: put it back; without it nothing that was sealed can be read", cfg.MasterKeyFile)
}

// scriptClient makes the HTTP client of scripts, which reaches no private address unless the operator allows it.
func scriptClient(cfg config.Config) (*http.Client, error) {
	return outboundClient(cfg, outboundConfig(cfg))
}

// strangersClient makes the HTTP client for addresses that anybody may name, who need no account for it. What the operator lets tenants reach within
// is not theirs.
func strangersClient(cfg config.Config) (*http.Client, error) {
	return outboundClient(cfg, outbound.Config{Timeout: scriptCallTimeout, MaxResponse: 1 << 20})
}

// operatorClient makes the HTTP client for addresses that the operator names, wherever they are.
func operatorClient(cfg config.Config) (*http.Client, error) {
	return outboundClient(cfg, outbound.Config{AllowPrivate: true, Timeout: scriptCallTimeout, MaxResponse: 1 << 20})
}

func outboundClient(cfg config.Config, c outbound.Config) (*http.Client, error) {
	if cfg.Outbound.Proxy != "" {
		proxy, err := url.Parse(cfg.Outbound.Proxy)
		if err != nil {
			return nil, fmt.Errorf("reading the address of the outbound proxy: %w", err)
		}
		c.Proxy = proxy
	}
	return outbound.New(c), nil
}

// outboundConfig says what may be reached on behalf of tenants.
func outboundConfig(cfg config.Config) outbound.Config {
	networks, hosts := cfg.Outbound.Networks()
	return outbound.Config{AllowPrivate: cfg.Outbound.AllowPrivate, Allow: networks, AllowHosts: hosts, Timeout: scriptCallTimeout, MaxResponse: 4 << 20}
}

// doors puts all doors on one mux. The Management API, the My Account API and the My Organization API have tables of their own, because ids in their paths may
// hold encoded slashes.
func (s *Server) doors() http.Handler {
	mux := http.NewServeMux()
	s.oauth.Register(mux)
	s.login.Register(mux)
	s.saml.Register(mux)
	mux.HandleFunc("GET "+referencePath, s.showReference)
	if s.dashboard != nil {
		for _, row := range s.dashboard.Rows() {
			mux.HandleFunc(row.Method+" "+row.Pattern, s.forTenant(page.NoTenant, row.Serve))
		}
	}
	mux.HandleFunc(mgmt.ResultRoute.Method+" "+mgmt.ResultRoute.Pattern, s.forTenant(s.mgmt.NoTenant, s.mgmt.ServeResult))
	mux.HandleFunc("/", s.elsewhere)
	manage := s.forTenant(s.mgmt.NoTenant, func(w http.ResponseWriter, r *http.Request, st *store.Store) {
		if r.URL.Path == openAPIPath && r.Method == http.MethodGet {
			s.reference.openAPI(w, r)
			return
		}
		s.mgmt.ServeHTTP(w, r, st)
	})
	myAccount := s.forTenant(s.me.NoTenant, s.me.ServeHTTP)
	myOrganization := s.forTenant(s.myorg.NoTenant, s.myorg.ServeHTTP)
	provision := s.forTenant(s.scim.NoTenant, s.scim.ServeHTTP)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case isManagement(r.URL.Path):
			manage(w, r)
		case me.Serves(r.URL.Path):
			myAccount(w, r)
		case myorg.Serves(r.URL.Path):
			myOrganization(w, r)
		case scim.Serves(r.URL.Path):
			provision(w, r)
		default:
			if strings.Contains(r.URL.Path, "//") {
				if _, pattern := mux.Handler(r); oauth.Detour(w, r, pattern) {
					return
				}
			}
			mux.ServeHTTP(w, r)
		}
	})
}

// forTenant gives what serves the handle of the tenant that the request is for; fail answers where there is none, or it cannot be read.
func (s *Server) forTenant(fail func(http.ResponseWriter, *http.Request, error), serve func(http.ResponseWriter, *http.Request, *store.Store)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		st, err := s.db.TenantByDomain(r.Context(), r.Host)
		if err != nil {
			fail(w, r, err)
			return
		}
		serve(w, r, st)
	}
}

func isManagement(path string) bool { return strings.HasPrefix(path, mgmt.Base+"/") }

// Handler returns everything that is served, for tests and for servers of one's own.
func (s *Server) Handler() http.Handler { return s.handler }

// DB returns the database.
func (s *Server) DB() *store.DB { return s.db }

// Routes lists every route of every door.
func (s *Server) Routes() []web.Route {
	all := append(append(s.oauth.Routes(), s.login.Routes()...), s.saml.Routes()...)
	all = append(append(all, healthRoutes...), mgmt.ResultRoute)
	if s.dashboard != nil {
		for _, row := range s.dashboard.Rows() {
			all = append(all, row.Route)
		}
	}
	all = append(append(append(all, referenceRoutes...), s.scim.Routes()...), append(s.me.Routes(), s.myorg.Routes()...)...)
	return append(all, s.mgmt.Routes()...)
}

// Close waits for mails that are on their way and for scripts that nobody else waits for, ends the scripts' workers and closes the database; what was
// acknowledged is kept.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), mailGrace)
	defer cancel()
	return errors.Join(s.login.Wait(ctx), s.pipeline.Wait(ctx), s.scripts.Close(), s.db.Close(), s.tracer.Close(ctx), s.leaks.Close())
}

// sweep deletes what has expired until the context ends.
func (s *Server) sweep(ctx context.Context) {
	repeat(ctx, sweepFirst, sweepEvery, func(ctx context.Context) {
		if err := s.db.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("expired records could not be deleted", "error", err)
		}
	})
}

// renewPlaces reads new editions of the databases of addresses, and of lists of networks, until the context ends.
func (s *Server) renewPlaces(ctx context.Context) {
	repeat(ctx, placesEvery, placesEvery, func(context.Context) {
		s.places.Renew()
		s.lists.Renew()
	})
}

// repeat does something after a while, and then again and again until the context ends.
func repeat(ctx context.Context, first, every time.Duration, do func(context.Context)) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			do(ctx)
			timer.Reset(every)
		case <-ctx.Done():
			return
		}
	}
}
