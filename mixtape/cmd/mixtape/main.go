// Command mixtape runs Mixtape's API and its web client.
//
// It is set up by environment variables:
//
//	ISSUER_URL                the identity server, such as https://tenant.example
//	CLIENT_ID                 the web client there
//	MANAGEMENT_CLIENT_ID      the machine client of the API there,
//	MANAGEMENT_CLIENT_SECRET  with read:users and update:users
//
// and, if the usual values do not fit:
//
//	ISSUER_ALIASES            other addresses of the identity server, with commas between
//	API_AUDIENCE              https://mixtape.example/api
//	MANAGEMENT_AUDIENCE       ISSUER_URL/api/v2/
//	CLAIM_NAMESPACE           https://mixtape.example/
//	ACCOUNT_URL               where listeners look after their account; no link without
//	AUTH0_CLIENT_ID           the legacy client, whose HS256 tokens
//	AUTH0_CLIENT_SECRET       are then accepted, too
//	LEGACY_ISSUERS            further issuers of HS256 tokens, with commas between
//	DATABASE_URL              a SQLite file or postgres://…; a file in MIXTAPE_DATA
//	MIXTAPE_DATA              data
//	MIXTAPE_ADDR              127.0.0.1:3000, where the web client is served
//	MIXTAPE_API_ADDR          127.0.0.1:3001, where the API is served
//	MIXTAPE_URL               http://MIXTAPE_ADDR, as browsers see it
//	MIXTAPE_API_URL           http://MIXTAPE_API_ADDR, as browsers see it
//
// With -seed FILE it first fills the database from a file such as
// tenant/listeners.json; what is there already is left alone.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/stagedoor/stagedoor/mixtape/api"
	"github.com/stagedoor/stagedoor/mixtape/web"
)

func main() {
	seed := flag.String("seed", "", "fill the database from this `file` first")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "mixtape:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, env func(string) string, seed string) error {
	for _, name := range []string{"ISSUER_URL", "CLIENT_ID", "MANAGEMENT_CLIENT_ID", "MANAGEMENT_CLIENT_SECRET"} {
		if env(name) == "" {
			return fmt.Errorf("%s is not set", name)
		}
	}
	addr := cmp.Or(env("MIXTAPE_ADDR"), "127.0.0.1:3000")
	apiAddr := cmp.Or(env("MIXTAPE_API_ADDR"), "127.0.0.1:3001")
	audience := cmp.Or(env("API_AUDIENCE"), "https://mixtape.example/api")
	management := cmp.Or(env("MANAGEMENT_AUDIENCE"), strings.TrimRight(env("ISSUER_URL"), "/")+"/api/v2/")
	namespace := cmp.Or(env("CLAIM_NAMESPACE"), "https://mixtape.example/")

	issuers := []api.Issuer{api.IssuerAt(env("ISSUER_URL"))}
	for _, alias := range list(env("ISSUER_ALIASES")) {
		issuers = append(issuers, api.IssuerAt(alias))
	}
	backend, err := api.New(ctx, api.Config{
		DatabaseURL:            env("DATABASE_URL"),
		DataDir:                cmp.Or(env("MIXTAPE_DATA"), "data"),
		Issuers:                issuers,
		Audience:               audience,
		LegacyClientID:         env("AUTH0_CLIENT_ID"),
		LegacyClientSecret:     env("AUTH0_CLIENT_SECRET"),
		LegacyIssuers:          list(env("LEGACY_ISSUERS")),
		ManagementDomainURL:    env("ISSUER_URL"),
		ManagementClientID:     env("MANAGEMENT_CLIENT_ID"),
		ManagementClientSecret: env("MANAGEMENT_CLIENT_SECRET"),
		ManagementAudience:     management,
		ClaimNamespace:         namespace,
		AllowedOrigins:         []string{cmp.Or(env("MIXTAPE_URL"), "http://"+addr)},
	})
	if err != nil {
		return err
	}
	defer backend.Close()
	if seed != "" {
		if err := fill(ctx, backend, seed); err != nil {
			return err
		}
	}
	frontend := web.Handler(web.Config{
		IssuerURL:          env("ISSUER_URL"),
		ClientID:           env("CLIENT_ID"),
		APIAudience:        audience,
		ManagementAudience: management,
		APIURL:             cmp.Or(env("MIXTAPE_API_URL"), "http://"+apiAddr),
		ClaimNamespace:     namespace,
		AccountURL:         env("ACCOUNT_URL"),
	})
	return serve(ctx, map[string]http.Handler{addr: frontend, apiAddr: backend})
}

// list splits at commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// fill reads a file of listeners into the database.
func fill(ctx context.Context, backend *api.Server, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var data api.SeedData
	if err := json.Unmarshal(text, &data); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return backend.Seed(ctx, data)
}

// serve answers at all addresses until ctx ends or one of them fails, then lets
// the requests that are under way finish.
func serve(ctx context.Context, handlers map[string]http.Handler) error {
	failed := make(chan error, len(handlers))
	var servers []*http.Server
	for addr, handler := range handlers {
		server := &http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
		servers = append(servers, server)
		go func() { failed <- server.ListenAndServe() }()
		slog.Info("listening", slog.String("address", "http://"+addr))
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for _, server := range servers {
		err = errors.Join(err, server.Shutdown(drain))
	}
	return err
}
