package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/stagedoor/stagedoor"
)

const (
	maxSecret  = 64 << 10 // bytes of a secret file
	maxWorkers = 256
	maxGrace   = 10 * time.Minute
	maxSearch  = time.Minute

	maxScriptWall     = 10 * time.Minute
	maxScriptMemory   = 512 << 20 // bytes: a worker has 1 GiB for its runs
	maxScriptResponse = 15 << 20  // bytes: what a frame can carry
)

// Complete reads secrets from their files, fills in what depends on other settings, and checks everything. The error lists
// every mistake, a line each, and quotes no secret.
func (c *Config) Complete() error {
	err := errors.Join(
		read("database", &c.Database, c.DatabaseFile),
		read("database-replica", &c.DatabaseReplica, c.DatabaseReplicaFile),
		read("trace-headers", &c.Trace.Headers, c.Trace.HeadersFile),
		read("acme-eab-key", &c.ACMEBindingKey, c.ACMEBindingKeyFile),
		read("dashboard-client-secret", &c.Dashboard.ClientSecret, c.Dashboard.ClientSecretFile),
		read("mail-password", &c.Mail.Password, c.Mail.PasswordFile),
		read("outbound-proxy", &c.Outbound.Proxy, c.Outbound.ProxyFile),
	)
	for value, name := range map[*string]string{&c.Database: "stagedoor.db", &c.MasterKeyFile: "master.key"} {
		if *value == "" {
			*value = filepath.Join(c.DataDir, name)
		}
	}
	return errors.Join(err, c.checkStorage(), c.checkServing(), c.checkMail(), c.checkOutbound(), c.checkRunning())
}

// read fills a secret from its file. A line break at the end is not part of it.
func read(name string, value *string, path string) error {
	if path == "" {
		return nil
	}
	if *value != "" {
		return wrong(name, "is given both directly and by %s-file", name)
	}
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return wrong(name+"-file", "%v", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return wrong(name+"-file", "%v", err)
	}
	*value = strings.TrimRight(string(data), "\r\n")
	if *value == "" || len(data) > maxSecret {
		return wrong(name+"-file", "%s is empty or too large", path)
	}
	return nil
}

func (c *Config) checkStorage() error {
	var errs []error
	if c.DataDir == "" {
		errs = append(errs, wrong("data", "must name a directory"))
	}
	if strings.HasPrefix(c.Database, "postgres:") && !postgresURL(c.Database) { // a slash that is missing would make a file of that name
		errs = append(errs, wrong("database", "is not a URL of the form postgres://user:password@host/name")) // without its text
	} else if scheme, _, found := strings.Cut(c.Database, "://"); found {
		if !postgresURL(c.Database) {
			errs = append(errs, wrong("database", "is a file or a postgres:// URL; %q is not known", scheme))
		} else if u, err := url.Parse(c.Database); err != nil || u.Host == "" && u.Query().Get("host") == "" {
			errs = append(errs, wrong("database", "is not a URL of the form postgres://user:password@host/name")) // without its text
		}
	}
	for _, one := range c.Replicas() {
		if !c.Postgres() || !postgresURL(one) {
			errs = append(errs, wrong("database-replica", "holds postgres:// URLs, and goes with a --database of that kind")) // without its text
			break
		}
	}
	return errors.Join(errs...)
}

func (c *Config) checkServing() error {
	errs := []error{address("http", c.HTTP), address("https", c.HTTPS), address("admin-addr", c.Admin), c.Trace.check()}
	if c.Pprof && c.Admin == "" {
		errs = append(errs, wrong("pprof", "needs admin-addr"))
	}
	if c.HTTP == "" && c.HTTPS == "" {
		errs = append(errs, wrong("http", "and https are both empty: nothing would be served"))
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		errs = append(errs, wrong("tls-cert", "and tls-key go together"))
	}
	if len(c.ACMEHosts) > 0 {
		if c.TLSCert != "" {
			errs = append(errs, wrong("acme-hosts", "and tls-cert exclude each other"))
		}
		if c.HTTPS == "" {
			errs = append(errs, wrong("acme-hosts", "needs https"))
		}
	}
	errs = append(errs, c.checkAuthority())
	for _, host := range c.ACMEHosts {
		if !strings.Contains(host, ".") || strings.ContainsAny(host, ":/* ") {
			errs = append(errs, wrong("acme-hosts", "%q is not a full host name", host))
		}
	}
	if c.ACMEEmail != "" {
		errs = append(errs, person("acme-email", c.ACMEEmail))
	}
	for _, network := range c.TrustedProxies {
		if !network.IsValid() || network.Prefix != network.Masked() {
			errs = append(errs, wrong("trusted-proxies", "%s is not a network; did you mean %s?", network, network.Masked()))
		}
	}
	errs = append(errs, c.Dashboard.check(), c.header("ja3-header", c.JA3Header), c.header("ja4-header", c.JA4Header))
	return errors.Join(errs...)
}

// check asks for the provider's name and the client's, or neither.
func (d *Dashboard) check() error {
	u, err := url.Parse(d.Issuer)
	switch {
	case (d.Issuer == "") != (d.ClientID == ""):
		return wrong("dashboard-issuer", "and dashboard-client-id go together")
	case d.Issuer == "" && d.ClientSecret != "":
		return wrong("dashboard-client-secret", "needs dashboard-issuer")
	case d.Issuer != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !stagedoor.IsLoopback(u.Hostname()))):
		return wrong("dashboard-issuer", "%q is not an https address", d.Issuer)
	}
	return nil
}

// checkAuthority checks what is said about the ACME authority.
func (c *Config) checkAuthority() error {
	var errs []error
	if u, err := url.Parse(c.ACMEDirectory); c.ACMEDirectory != "" && (err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil) {
		errs = append(errs, wrong("acme-directory", "%q is not an https address", c.ACMEDirectory))
	}
	if (c.ACMEBindingID == "") != (c.ACMEBindingKey == "") {
		errs = append(errs, wrong("acme-eab-id", "and acme-eab-key go together"))
	}
	if _, err := c.ACMEBinding(); err != nil {
		errs = append(errs, wrong("acme-eab-key", "is not in base64url")) // without its text
	}
	if c.ACMEDirectory+c.ACMEBindingID != "" && len(c.ACMEHosts) == 0 {
		errs = append(errs, wrong("acme-directory", "and acme-eab-id need acme-hosts"))
	}
	return errors.Join(errs...)
}

// ACMEBinding is the key by which the ACME authority knows the account already; nil if it need not know any.
func (c *Config) ACMEBinding() ([]byte, error) {
	if c.ACMEBindingKey == "" {
		return nil, nil
	}
	return base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(c.ACMEBindingKey)) // some authorities write it in base64
}

// header checks the name of a header in which proxies tell something.
func (c *Config) header(name, header string) error {
	switch {
	case header == "":
		return nil
	case !httpguts.ValidHeaderFieldName(header):
		return wrong(name, "%q is not the name of a header", header)
	case len(c.TrustedProxies) == 0:
		return wrong(name, "needs trusted-proxies: what others say of themselves counts for nothing")
	}
	return nil
}

// check leaves out the text of what may hold a secret.
func (t *Trace) check() error {
	var errs []error
	if t.Endpoint != "" {
		u, err := url.Parse(t.Endpoint)
		if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
			errs = append(errs, wrong("trace-endpoint", "is not an http or https URL without user and query"))
		}
	}
	if t.Sample < 0 || t.Sample > 1 {
		errs = append(errs, wrong("trace-sample", "%v is not between 0 and 1", t.Sample))
	}
	if _, err := t.Header(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Header returns the headers for the collector.
func (t *Trace) Header() (http.Header, error) {
	h := http.Header{}
	for _, one := range strings.Split(t.Headers, ",") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		name, value, found := strings.Cut(strings.TrimSpace(one), "=")
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, wrong("trace-headers", "is not a list of NAME=VALUE")
		}
		h.Set(name, value)
	}
	return h, nil
}

func (c *Config) checkMail() error {
	var errs []error
	if c.Mail.From != "" {
		errs = append(errs, person("mail-from", c.Mail.From))
	}
	if c.Mail.Host == "" {
		if c.Mail.Password != "" || c.Mail.User != "" {
			errs = append(errs, wrong("mail-host", "is missing, but a user or password is given"))
		}
		if c.Mail.ImplicitTLS {
			errs = append(errs, wrong("mail-host", "is missing, but mail-implicit-tls is given"))
		}
		return errors.Join(errs...)
	}
	if c.Mail.From == "" {
		errs = append(errs, wrong("mail-from", "is needed with mail-host"))
	}
	if strings.ContainsAny(c.Mail.Host, ":/ ") {
		errs = append(errs, wrong("mail-host", "%q is not a host name; the port is mail-port", c.Mail.Host))
	}
	if c.Mail.Port < 1 || c.Mail.Port > 65535 {
		errs = append(errs, wrong("mail-port", "%d is not a port", c.Mail.Port))
	}
	if (c.Mail.User == "") != (c.Mail.Password == "") {
		errs = append(errs, wrong("mail-user", "and mail-password go together"))
	}
	return errors.Join(errs...)
}

func (c *Config) checkOutbound() error {
	var errs []error
	for _, one := range c.Outbound.Allow {
		if strings.Contains(one, "/") {
			if _, err := netip.ParsePrefix(one); err != nil {
				errs = append(errs, wrong("outbound-allow", "%q is not a network", one))
			}
		} else {
			errs = append(errs, address("outbound-allow", one))
		}
	}
	if c.Outbound.Proxy != "" {
		u, err := url.Parse(c.Outbound.Proxy)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
			errs = append(errs, wrong("outbound-proxy", "is not an http, https or socks5 URL")) // without its text
		}
	}
	return errors.Join(errs...)
}

func (c *Config) checkRunning() error {
	var errs []error
	if c.ScriptWorkers < 0 || c.ScriptWorkers > maxWorkers {
		errs = append(errs, wrong("script-workers", "%d is not between 0 and %d", c.ScriptWorkers, maxWorkers))
	}
	m := c.ScriptMax
	if m.Wall < 0 || m.Wall > maxScriptWall || m.CPU < 0 || m.CPU > maxScriptWall {
		errs = append(errs, wrong("script-max-wall", "and script-max-cpu must be between 0 and %v", maxScriptWall))
	}
	if m.Memory < 0 || m.Memory > maxScriptMemory {
		errs = append(errs, wrong("script-max-memory", "%d is not between 0 and %d", m.Memory, maxScriptMemory))
	}
	if m.Response < 0 || m.Response > maxScriptResponse {
		errs = append(errs, wrong("script-max-response", "%d is not between 0 and %d", m.Response, maxScriptResponse))
	}
	if m.Calls < 0 || m.Log < 0 || m.Log > maxScriptResponse {
		errs = append(errs, wrong("script-max-calls", "and script-max-log must not be negative, and no log larger than %d bytes", maxScriptResponse))
	}
	if c.LogDays < 0 || c.LogDays > 36500 || c.LogBytes < 0 {
		errs = append(errs, wrong("log-days", "must be between 0 and 36500, and log-bytes not negative"))
	}
	if c.LoginRate < 0 {
		errs = append(errs, wrong("login-rate", "%d is negative", c.LoginRate))
	}
	if c.EventBytes < 0 {
		errs = append(errs, wrong("event-bytes", "%d is negative", c.EventBytes))
	}
	if c.ConfigLimit < 0 {
		errs = append(errs, wrong("configuration-limit", "%d is negative", c.ConfigLimit))
	}
	if c.SearchLimit < 0 || c.SearchLimit > maxSearch {
		errs = append(errs, wrong("search-limit", "%v is not between 0 and %v", c.SearchLimit, maxSearch))
	}
	if c.ScriptNode != "" {
		path, err := exec.LookPath(c.ScriptNode)
		if err == nil {
			c.ScriptNode, err = filepath.Abs(path)
		}
		if err != nil {
			errs = append(errs, wrong("script-node", "%q is not a program", c.ScriptNode))
		}
	}
	if c.RequestLimit < 0 || c.RequestLimit > maxGrace {
		errs = append(errs, wrong("request-limit", "%v is not between 0 (the default) and %v", c.RequestLimit, maxGrace))
	}
	if c.ShutdownDelay < 0 || c.ShutdownDelay > maxGrace {
		errs = append(errs, wrong("shutdown-delay", "%v is not between 0 and %v", c.ShutdownDelay, maxGrace))
	}
	if c.ShutdownGrace < 0 || c.ShutdownGrace > maxGrace {
		errs = append(errs, wrong("shutdown-grace", "%v is not between 0 and %v", c.ShutdownGrace, maxGrace))
	}
	if levels := []string{"", "debug", "info", "warn", "error"}; !slices.Contains(levels, c.LogLevel) {
		errs = append(errs, wrong("log-level", "%q is not one of debug, info, warn, error", c.LogLevel))
	}
	if formats := []string{"", "text", "json"}; !slices.Contains(formats, c.LogFormat) {
		errs = append(errs, wrong("log-format", "%q is not one of text, json", c.LogFormat))
	}
	return errors.Join(errs...)
}

// wrong is a mistake in a setting, on one line.
func wrong(name, format string, args ...any) error {
	return fmt.Errorf("setting %s %s", name, fmt.Sprintf(format, args...))
}

func address(name, text string) error {
	if text == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(text)
	number, numberErr := strconv.ParseUint(port, 10, 16)
	if err != nil || numberErr != nil || strings.ContainsAny(host, "/ ") || number == 0 && name == "outbound-allow" {
		return wrong(name, "%q is not an address of the form host:port", text)
	}
	return nil
}

func person(name, text string) error {
	if _, err := mail.ParseAddress(text); err != nil {
		return wrong(name, "%q is not a mail address", text)
	}
	return nil
}

func postgresURL(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}
