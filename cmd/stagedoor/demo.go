package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/mixtape/api"
	"github.com/stagedoor/stagedoor/mixtape/web"
	"github.com/stagedoor/stagedoor/server"
)

// demoTenant is the name of the tenant that the demo sets up.
const demoTenant = "mixtape"

type demoCommand struct {
	DataDir         string   `name:"data" default:"./data" help:"Directory that the demo keeps its data in, and goes on with at the next start." placeholder:"DIR"`
	Fresh           bool     `name:"fresh" help:"Begin anew: deletes the demo's tenant, and Mixtape's data in the directory."`
	HTTP            string   `name:"http" default:"127.0.0.1:8080" help:"Address of plain http, for browsers on this machine." placeholder:"ADDR"`
	HTTPS           string   `name:"https" default:"127.0.0.1:8443" help:"Address of https, for SDKs." placeholder:"ADDR"`
	Mixtape         string   `name:"mixtape" default:"127.0.0.1:3000" help:"Address of Mixtape's web client." placeholder:"ADDR"`
	MixtapeAPI      string   `name:"mixtape-api" default:"127.0.0.1:3001" help:"Address of Mixtape's API." placeholder:"ADDR"`
	Database        string   `name:"database" help:"File or postgres:// URL of the server's database. Default: stagedoor.db in the directory." placeholder:"URL"`
	MixtapeDatabase string   `name:"mixtape-database" env:"DATABASE_URL" help:"File or postgres:// URL of Mixtape's own database. Default: mixtape.db in the directory." placeholder:"URL"`
	Allow           []string `name:"outbound-allow" help:"Networks and hosts of yours that the server may reach, too, such as 127.0.0.1:8090, where stagedoor stand-in listens." placeholder:"NET|HOST:PORT"`
	JSON            bool     `name:"json" help:"Print demo.json instead of a text for people."`
	LogLevel        string   `name:"log-level" default:"warn" enum:"debug,info,warn,error" help:"Least severe lines to log: debug, info, warn, error."`
}

// demoInfo is demo.json: what other tools need to know of a running demo.
type demoInfo struct {
	HTTPURL       string       `json:"http_url"`
	HTTPSURL      string       `json:"https_url"`
	Domain        string       `json:"domain"` // host:port, as SDKs take it
	CAFile        string       `json:"ca_file"`
	Tenant        string       `json:"tenant"`
	Management    demoMachine  `json:"management"`
	Clients       []demoClient `json:"clients"`
	Users         []demoUser   `json:"users"`
	MixtapeURL    string       `json:"mixtape_url"`
	MixtapeAPIURL string       `json:"mixtape_api_url"`
}

type demoMachine struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Audience     string `json:"audience"`
}

type demoClient struct {
	Key          string `json:"key"`
	Name         string `json:"name"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret,omitempty"`
}

type demoUser struct {
	UserID   string `json:"user_id"`
	Email    string `json:"email"`
	Password string `json:"password"`
}

// Run starts everything, prints where to look, and serves until a signal comes.
func (c *demoCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cfg, err := c.config()
	if err != nil {
		return err
	}
	log := logger(cfg)
	slog.SetDefault(log)
	if err := c.prepare(ctx, cfg); err != nil {
		return err
	}
	s, err := server.New(ctx, cfg, server.Deps{Log: log, Version: programVersion()})
	if err != nil {
		return err
	}
	defer s.Close()
	l, err := s.Listen()
	if err != nil {
		return err
	}
	info := &demoInfo{
		HTTPURL: "http://" + publicHost(l.HTTP[0]), HTTPSURL: "https://" + publicHost(l.HTTPS[0]), Domain: publicHost(l.HTTPS[0]),
		CAFile: absolute(l.CAFile), Tenant: demoTenant, MixtapeURL: "http://" + publicAddress(c.Mixtape), MixtapeAPIURL: "http://" + publicAddress(c.MixtapeAPI),
	}
	if err := c.ensureTenant(ctx, s.DB(), info, l); err != nil {
		return errors.Join(err, l.Close())
	}
	served := make(chan error, 1)
	go func() {
		err := s.Serve(ctx, l)
		cancel(err)
		served <- err
	}()
	backend, err := c.open(ctx, cancel, info, log)
	if err != nil {
		cancel(nil)
		return errors.Join(err, <-served)
	}
	defer backend.Close()
	err = <-served
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// open sets the tenant up, starts Mixtape, which its caller closes, and tells where everything is.
func (c *demoCommand) open(ctx context.Context, cancel context.CancelCauseFunc, info *demoInfo, log *slog.Logger) (*api.Server, error) {
	if err := c.fill(ctx, info); err != nil {
		return nil, err
	}
	backend, err := c.startMixtape(ctx, cancel, info, log)
	if err != nil {
		return nil, err
	}
	if err := c.announce(info); err != nil {
		return nil, errors.Join(err, backend.Close())
	}
	return backend, nil
}

// config is the server's configuration for a demo: the embedded database unless told otherwise, and scripts that
// may call Mixtape's API on this machine, and what else they are let reach.
func (c *demoCommand) config() (config.Config, error) {
	cfg := config.Config{
		DataDir: c.DataDir, Database: c.Database, HTTP: c.HTTP, HTTPS: c.HTTPS, ShutdownGrace: 5 * time.Second,
		LogLevel: c.LogLevel, LogFormat: "text", Mail: config.Mail{Port: 587, From: "Mixtape <no-reply@mixtape.example>"},
		Outbound: config.Outbound{Allow: append([]string{publicAddress(c.MixtapeAPI)}, c.Allow...)},
	}
	if cfg.HTTP == "" || cfg.HTTPS == "" {
		return cfg, errors.New("the demo needs both --http and --https")
	}
	return cfg, cfg.Complete()
}

// prepare brings the database up to date, and deletes what --fresh wants gone: the demo's tenant and the sample's data. Other tenants of the database stay, and the
// local authority, which browsers may trust already.
func (c *demoCommand) prepare(ctx context.Context, cfg config.Config) error {
	if err := migrate(ctx, cfg); err != nil || !c.Fresh {
		return err
	}
	for _, name := range []string{"mixtape.db", "mixtape.db-wal", "mixtape.db-shm", "demo.json"} {
		if err := os.Remove(filepath.Join(c.DataDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	db, err := server.OpenDatabase(ctx, cfg, server.Deps{})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.DeleteTenant(ctx, demoTenant, nil)
}

// ensureTenant gives the demo its tenant, under every name that this machine has for itself.
func (c *demoCommand) ensureTenant(ctx context.Context, db *store.DB, info *demoInfo, l *server.Listeners) error {
	var domains []string
	for _, one := range []net.Listener{l.HTTPS[0], l.HTTP[0]} {
		_, port, err := net.SplitHostPort(one.Addr().String())
		if err != nil {
			return err
		}
		for _, host := range []string{publicName(one.Addr().String()), "localhost", "127.0.0.1", "[::1]", demoTenant + ".localhost", demoTenant + ".stagedoor.test"} {
			domain := host + ":" + port
			if !slices.Contains(domains, domain) {
				domains = append(domains, domain)
			}
		}
	}
	machine, err := server.EnsureTenant(ctx, db, demoTenant, domains)
	if err != nil {
		return err
	}
	info.Management = demoMachine{machine.ID, machine.Secret, "https://" + domains[0] + "/api/v2/"}
	return nil
}

// fill sets the tenant up through the Management API, unless an earlier start did so with the same
// addresses: then what people have changed since stays.
func (c *demoCommand) fill(ctx context.Context, info *demoInfo) error {
	if old := c.earlier(); old != nil && old.Management.ClientID == info.Management.ClientID &&
		old.MixtapeURL == info.MixtapeURL && old.MixtapeAPIURL == info.MixtapeAPIURL {
		info.Clients, info.Users = old.Clients, old.Users
		return nil
	}
	c.say("Setting up the tenant…")
	host := strings.TrimPrefix(info.HTTPURL, "http://")
	client := outbound.New(outbound.Config{AllowHosts: []string{host}, Timeout: 30 * time.Second, MaxResponse: 16 << 20})
	return seed(ctx, client, info)
}

func (c *demoCommand) file() string { return filepath.Join(c.DataDir, "demo.json") }

func (c *demoCommand) earlier() *demoInfo {
	b, err := os.ReadFile(c.file())
	if err != nil {
		return nil
	}
	old := new(demoInfo)
	if json.Unmarshal(b, old) != nil {
		return nil
	}
	return old
}

// startMixtape starts the sample app: its API and its web client, which know the server as any
// customer's would.
func (c *demoCommand) startMixtape(ctx context.Context, cancel context.CancelCauseFunc, info *demoInfo, log *slog.Logger) (*api.Server, error) {
	byKey := map[string]demoClient{}
	for _, one := range info.Clients {
		byKey[one.Key] = one
	}
	issuers := []api.Issuer{api.IssuerAt(info.HTTPURL)}
	for _, host := range []string{"127.0.0.1", demoTenant + ".localhost"} {
		issuers = append(issuers, api.Issuer{Issuer: "http://" + host + ":" + port(info.HTTPURL) + "/", JWKSURL: info.HTTPURL + "/.well-known/jwks.json"})
	}
	for _, host := range []string{"localhost", "127.0.0.1", demoTenant + ".localhost", demoTenant + ".stagedoor.test"} {
		issuers = append(issuers, api.Issuer{Issuer: "https://" + host + ":" + port(info.HTTPSURL) + "/", JWKSURL: info.HTTPURL + "/.well-known/jwks.json"})
	}
	backend, err := api.New(ctx, api.Config{
		DatabaseURL: c.MixtapeDatabase, DataDir: c.DataDir, Issuers: issuers, Audience: "https://mixtape.example/api",
		LegacyClientID: byKey["legacy"].ClientID, LegacyClientSecret: byKey["legacy"].ClientSecret, LegacyIssuers: []string{"https://example.auth0.com"},
		ManagementDomainURL: info.HTTPURL, ManagementClientID: byKey["api"].ClientID, ManagementClientSecret: byKey["api"].ClientSecret,
		ManagementAudience: info.Management.Audience, ClaimNamespace: "https://mixtape.example/", AllowedOrigins: []string{info.MixtapeURL}, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("starting Mixtape's API: %w", err)
	}
	listeners, err := seedData()
	if err == nil {
		err = backend.Seed(ctx, listeners)
	}
	if err == nil {
		err = serveApp(ctx, cancel, c.MixtapeAPI, "mixtape-api", backend)
	}
	if err == nil {
		err = serveApp(ctx, cancel, c.Mixtape, "mixtape", web.Handler(web.Config{
			IssuerURL: info.HTTPURL, ClientID: byKey["spa"].ClientID, APIAudience: "https://mixtape.example/api",
			ManagementAudience: info.HTTPURL + "/api/v2/", APIURL: info.MixtapeAPIURL, ClaimNamespace: "https://mixtape.example/", AccountURL: info.HTTPURL + "/account",
		}))
	}
	if err != nil {
		backend.Close()
		return nil, err
	}
	return backend, nil
}

// serveApp serves a part of Mixtape until the context ends.
func serveApp(ctx context.Context, cancel context.CancelCauseFunc, addr, setting string, h http.Handler) error {
	listeners, err := server.ListenLoopback(addr, setting)
	if err != nil {
		return err
	}
	hs := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 120 * time.Second}
	for _, one := range listeners {
		go func() {
			if err := hs.Serve(one); err != nil && !errors.Is(err, http.ErrServerClosed) {
				cancel(err)
			}
		}()
	}
	context.AfterFunc(ctx, func() { hs.Close() })
	return nil
}

// announce writes demo.json and tells people where to look.
func (c *demoCommand) announce(info *demoInfo) error {
	b, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	temporary := c.file() + ".new"
	if err := os.WriteFile(temporary, append(b, '\n'), 0o600); err != nil {
		return err
	}
	if err := os.Rename(temporary, c.file()); err != nil {
		return err
	}
	if c.JSON {
		fmt.Println(string(b))
		return nil
	}
	printWelcome(os.Stdout, info, c.file())
	return nil
}

// say shows progress to people.
func (c *demoCommand) say(text string) {
	if !c.JSON {
		fmt.Println(text)
	}
}

// publicHost is how browsers and SDKs on this machine name a socket.
func publicHost(l net.Listener) string { return publicAddress(l.Addr().String()) }

func publicAddress(addr string) string { return publicName(addr) + ":" + port(addr) }

func publicName(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	if err != nil || host == "" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		return "localhost"
	}
	return host
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
