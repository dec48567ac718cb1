package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// load does what the command line does.
func load(t *testing.T, args ...string) (*Config, error) {
	t.Helper()
	var cli struct {
		File kong.ConfigFlag `name:"config"`
		Config
	}
	parser, err := kong.New(&cli, kong.Configuration(JSON), kong.Exit(func(int) { t.Error("kong left") }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		return nil, err
	}
	return &cli.Config, cli.Complete()
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		DataDir: "./data", Database: "data/stagedoor.db", MasterKeyFile: "data/master.key",
		HTTP: "127.0.0.1:8080", HTTPS: "127.0.0.1:8443", ClientCertificates: "aliases", Dashboard: Dashboard{Scope: []string{"email", "profile"}}, Mail: Mail{Port: 587, From: "Stagedoor <no-reply@stagedoor.test>"}, Trace: Trace{Sample: 1}, ConfigLimit: 64 << 20, LogDays: 30, EventBytes: 1 << 30, LoginRate: 100,
		ScriptMax:   ScriptMax{Wall: time.Minute, CPU: 10 * time.Second, Memory: 256 << 20, Calls: 1000, Response: 8 << 20, Log: 1 << 20},
		SearchLimit: 5 * time.Second, DatabaseWait: 5 * time.Second, RequestLimit: 55 * time.Second, ShutdownGrace: 15 * time.Second, LogLevel: "info", LogFormat: "text",
	}
	if !reflect.DeepEqual(*c, want) || c.Postgres() {
		t.Errorf("got  %v\nwant %v", c, want)
	}
}

func TestFlagsBeatEnvironmentBeatsFile(t *testing.T) {
	path := write(t, `{"data": "/file", "http": ":1", "https": ":2", "log_level": "debug", "mail_port": 25, "mail_host": "smtp.example.com",
		"trusted_proxies": ["10.0.0.0/8", "fd00::/8"], "outbound_allow_private": true, "outbound_allow": ["10.0.0.0/8", "billing.internal:8080"], "shutdown_grace": "1m", "acme_hosts": ["a.example.com", "b.example.com"]}`)
	t.Setenv("STAGEDOOR_HTTP", ":3")
	t.Setenv("STAGEDOOR_HTTPS", ":4")
	t.Setenv("STAGEDOOR_MAIL_PORT", "26")
	c, err := load(t, "--config", path, "--https", ":5")
	if err != nil {
		t.Fatal(err)
	}
	if c.DataDir != "/file" || c.HTTP != ":3" || c.HTTPS != ":5" || c.LogLevel != "debug" || c.Mail.Port != 26 || c.ShutdownGrace != time.Minute || c.Database != "/file/stagedoor.db" {
		t.Errorf("%v", c)
	}
	if !slices.Equal(c.TrustedProxies, []Network{{netip.MustParsePrefix("10.0.0.0/8")}, {netip.MustParsePrefix("fd00::/8")}}) || !slices.Equal(c.ACMEHosts, []string{"a.example.com", "b.example.com"}) {
		t.Errorf("lists: %v %v", c.TrustedProxies, c.ACMEHosts)
	}
	networks, hosts := c.Outbound.Networks()
	if !c.Outbound.AllowPrivate || fmt.Sprint(networks, hosts) != "[10.0.0.0/8] [billing.internal:8080]" {
		t.Errorf("outbound: %v %v %v", c.Outbound, networks, hosts)
	}
}

func TestListsInEnvironment(t *testing.T) {
	t.Setenv("STAGEDOOR_TRUSTED_PROXIES", "10.0.0.0/8,192.168.1.1,::ffff:10.1.2.3,fd00::1")
	t.Setenv("STAGEDOOR_OUTBOUND_ALLOW", "10.0.0.0/8,billing.internal:8080")
	t.Setenv("STAGEDOOR_HTTPS", "")
	c, err := load(t)
	if err != nil || fmt.Sprint(c.TrustedProxies) != "[10.0.0.0/8 192.168.1.1/32 10.1.2.3/32 fd00::1/128]" || len(c.Outbound.Allow) != 2 || c.HTTPS != "" {
		t.Errorf("%v %v", c, err)
	}
}

func TestFileRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"htpp": ":1"}`:                 "/file: unknown setting htpp",
		`{"http": ":1"} {}`:              "more than one",
		`[]`:                             "/file: is no JSON object",
		`null`:                           "/file: is no JSON object",
		`{"http": `:                      "/file: ends in the middle of its JSON object",
		"{\"http\": \":1\",\n x}":        "/file: line 2: invalid character 'x'",
		"":                               "/file: is empty",
		`{"mail_port": "x"}`:             "mail-port",
		`{"trusted_proxies":["10.0/8"]}`: "trusted-proxies",
		`{"log_level": "loud"}`:          "log-level",
	} {
		if _, err := load(t, "--config", write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := load(t, "--config", filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Setenv("STAGEDOOR_DATABASE_FILE", write(t, "postgres://stagedoor:pass@db/stagedoor\n"))
	t.Setenv("STAGEDOOR_MAIL_PASSWORD_FILE", write(t, " pass word \r\n"))
	t.Setenv("STAGEDOOR_OUTBOUND_PROXY_FILE", write(t, "http://user:pass@proxy:3128"))
	c, err := load(t, "--mail-host", "smtp.example.com", "--mail-user", "u")
	if err != nil || c.Database != "postgres://stagedoor:pass@db/stagedoor" || !c.Postgres() || c.Mail.Password != " pass word " || c.Outbound.Proxy != "http://user:pass@proxy:3128" {
		t.Errorf("%v", err)
	}
}

// TestEverySecretHasAFile also shows that every setting has a flag, a variable and a help text.
func TestEverySecretHasAFile(t *testing.T) {
	var check func(reflect.Type)
	check = func(structure reflect.Type) {
		for i := range structure.NumField() {
			field := structure.Field(i)
			if _, embedded := field.Tag.Lookup("envprefix"); embedded {
				check(field.Type)
				continue
			}
			for _, name := range []string{"name", "env", "help"} {
				if field.Tag.Get(name) == "" {
					t.Errorf("%s has no %s", field.Name, name)
				}
			}
			if field.Tag.Get("secret") == "" {
				continue
			}
			twin, found := structure.FieldByName(field.Name + "File")
			if !found || twin.Tag.Get("env") != field.Tag.Get("env")+"_FILE" || twin.Tag.Get("name") != field.Tag.Get("name")+"-file" {
				t.Errorf("%s has no twin for a file", field.Name)
			}
		}
	}
	check(reflect.TypeFor[Config]())
}

func TestMistakes(t *testing.T) {
	empty, good := write(t, "\n"), write(t, "x")
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"database scheme":       {[]string{"--database", "mysql://u:topsecret@h/d"}, `setting database is a file or a postgres:// URL; "mysql" is not known`},
		"database URL":          {[]string{"--database", "postgres://u:topsecret%@h/d"}, "setting database is not a URL of the form postgres://user:password@host/name"},
		"database host":         {[]string{"--database", "postgres:///d"}, "setting database is not a URL of the form postgres://user:password@host/name"},
		"database twice":        {[]string{"--database", "a.db", "--database-file", good}, "setting database is given both directly and by database-file"},
		"secret missing":        {[]string{"--database-file", "/nowhere/x"}, "setting database-file open /nowhere/x: no such file or directory"},
		"secret empty":          {[]string{"--database-file", empty}, "setting database-file " + empty + " is empty or too large"},
		"no data":               {[]string{"--data", ""}, "setting data must name a directory"},
		"http":                  {[]string{"--http", "8080"}, `setting http "8080" is not an address of the form host:port`},
		"https":                 {[]string{"--https", "localhost:https"}, `setting https "localhost:https" is not an address of the form host:port`},
		"port":                  {[]string{"--http", ":70000"}, `setting http ":70000" is not an address of the form host:port`},
		"URL":                   {[]string{"--http", "http://x:80"}, `setting http "http://x:80" is not an address of the form host:port`},
		"nothing served":        {[]string{"--http", "", "--https", ""}, "setting http and https are both empty: nothing would be served"},
		"cert alone":            {[]string{"--tls-cert", "x"}, "setting tls-cert and tls-key go together"},
		"cert and ACME":         {[]string{"--tls-cert", "x", "--tls-key", "y", "--acme-hosts", "a.example.com"}, "setting acme-hosts and tls-cert exclude each other"},
		"ACME without https":    {[]string{"--acme-hosts", "a.example.com", "--https", ""}, "setting acme-hosts needs https"},
		"ACME host":             {[]string{"--acme-hosts", "*.example.com"}, `setting acme-hosts "*.example.com" is not a full host name`},
		"ACME email":            {[]string{"--acme-email", "me"}, `setting acme-email "me" is not a mail address`},
		"ACME directory":        {[]string{"--acme-hosts", "a.example.com", "--acme-directory", "http://acme.example.com/dir"}, `setting acme-directory "http://acme.example.com/dir" is not an https address`},
		"ACME id alone":         {[]string{"--acme-hosts", "a.example.com", "--acme-eab-id", "me"}, "setting acme-eab-id and acme-eab-key go together"},
		"ACME key":              {[]string{"--acme-hosts", "a.example.com", "--acme-eab-id", "me", "--acme-eab-key", "top secret"}, "setting acme-eab-key is not in base64url"},
		"provider by http":      {[]string{"--dashboard-issuer", "http://login.example.com", "--dashboard-client-id", "x"}, `setting dashboard-issuer "http://login.example.com" is not an https address`},
		"provider with a user":  {[]string{"--dashboard-issuer", "https://me@login.example.com", "--dashboard-client-id", "x"}, `setting dashboard-issuer "https://me@login.example.com" is not an https address`},
		"provider alone":        {[]string{"--dashboard-issuer", "https://login.example.com"}, "setting dashboard-issuer and dashboard-client-id go together"},
		"its secret alone":      {[]string{"--dashboard-client-secret", "x"}, "setting dashboard-client-secret needs dashboard-issuer"},
		"ACME without hosts":    {[]string{"--acme-directory", "https://acme.example.com/dir"}, "setting acme-directory and acme-eab-id need acme-hosts"},
		"database of one slash": {[]string{"--database", "postgres:/u:topsecret@h/d"}, "setting database is not a URL of the form postgres://user:password@host/name"},
		"no proxies":            {[]string{"--trusted-proxies", "localhost"}, `--trusted-proxies: "localhost" is neither a network nor an address, such as 10.0.0.0/8 or 10.1.2.3`},
		"proxies":               {[]string{"--trusted-proxies", "10.1.2.3/8"}, "setting trusted-proxies 10.1.2.3/8 is not a network; did you mean 10.0.0.0/8?"},
		"header":                {[]string{"--ja3-header", "cf ja3", "--trusted-proxies", "10.0.0.0/8"}, `setting ja3-header "cf ja3" is not the name of a header`},
		"header of anybody":     {[]string{"--ja4-header", "cf-ja4"}, "setting ja4-header needs trusted-proxies: what others say of themselves counts for nothing"},
		"mail without host":     {[]string{"--mail-password", "topsecret"}, "setting mail-host is missing, but a user or password is given"},
		"mail TLS alone":        {[]string{"--mail-implicit-tls"}, "setting mail-host is missing, but mail-implicit-tls is given"},
		"mail host":             {[]string{"--mail-host", "smtp:25"}, `setting mail-host "smtp:25" is not a host name; the port is mail-port`},
		"mail port":             {[]string{"--mail-host", "smtp", "--mail-port", "0"}, "setting mail-port 0 is not a port"},
		"mail user":             {[]string{"--mail-host", "smtp", "--mail-user", "u"}, "setting mail-user and mail-password go together"},
		"mail from":             {[]string{"--mail-from", "me"}, `setting mail-from "me" is not a mail address`},
		"mail from empty":       {[]string{"--mail-host", "smtp", "--mail-from", ""}, "setting mail-from is needed with mail-host"},
		"outbound network":      {[]string{"--outbound-allow", "10/8"}, `setting outbound-allow "10/8" is not a network`},
		"outbound host":         {[]string{"--outbound-allow", "billing"}, `setting outbound-allow "billing" is not an address of the form host:port`},
		"outbound proxy":        {[]string{"--outbound-proxy", "ftp://u:topsecret@h"}, "setting outbound-proxy is not an http, https or socks5 URL"},
		"outbound proxy, text":  {[]string{"--outbound-proxy", "u:topsecret@h:1"}, "setting outbound-proxy is not an http, https or socks5 URL"},
		"node":                  {[]string{"--script-node", "/does/not/exist"}, `setting script-node "/does/not/exist" is not a program`},
		"workers":               {[]string{"--script-workers", "1000"}, "setting script-workers 1000 is not between 0 and 256"},
		"search":                {[]string{"--search-limit", "1h"}, "setting search-limit 1h0m0s is not between 0 and 1m0s"},
		"delay":                 {[]string{"--shutdown-delay", "1h"}, "setting shutdown-delay 1h0m0s is not between 0 and 10m0s"},
		"grace":                 {[]string{"--shutdown-grace", "1h"}, "setting shutdown-grace 1h0m0s is not between 0 and 10m0s"},
		"logins":                {[]string{"--login-rate=-1"}, "setting login-rate -1 is negative"},
		"events":                {[]string{"--event-bytes=-1"}, "setting event-bytes -1 is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tt.args...)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	_, err := load(t, "--http", "x", "--https", "y", "--mail-from", "z", "--script-workers=-1")
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("four mistakes: %v", err)
	}
	c := Config{DataDir: "x", HTTP: ":1", LogLevel: "loud", LogFormat: "xml"} // not by way of kong
	if err := c.Complete(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("%v", err)
	}
}

func TestNothingPrintsSecrets(t *testing.T) {
	c, err := load(t, "--database", "postgres://u:topsecret@db/name?sslmode=require&sslpassword=topsecret",
		"--mail-host", "smtp", "--mail-user", "mixtape", "--mail-password", "topsecret",
		"--outbound-proxy", "http://u:topsecret@proxy:3128", "--trusted-proxies", "10.0.0.0/8,fd00::/8", "--acme-hosts", "a.example.com,b.example.com")
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(c.Settings()), string(asJSON), fmt.Sprint(c), fmt.Sprint(*c), fmt.Sprintf("%+v", *c), fmt.Sprintf("%#v", *c), fmt.Sprintf("%#v", c),
		fmt.Sprintf("%+v", c.Mail), fmt.Sprintf("%#v", c.Mail), fmt.Sprintf("%+v %#v", c.Outbound, c.Outbound),
	} {
		if strings.Contains(text, "topsecret") {
			t.Error(text)
		}
	}
	got := map[string]string{}
	for _, s := range c.Settings() {
		got[s.Variable] = s.Value
	}
	for variable, want := range map[string]string{
		"STAGEDOOR_DATABASE": "postgres://u:xxxxx@db/name?sslmode=require&sslpassword=xxxxx", "STAGEDOOR_MAIL_PASSWORD": "(hidden)",
		"STAGEDOOR_MAIL_USER": "mixtape", "STAGEDOOR_OUTBOUND_PROXY": "http://u:xxxxx@proxy:3128", "STAGEDOOR_TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8",
		"STAGEDOOR_ACME_HOSTS": "a.example.com,b.example.com", "STAGEDOOR_HTTP": "127.0.0.1:8080", "STAGEDOOR_SHUTDOWN_GRACE": "15s", "STAGEDOOR_MAIL_PASSWORD_FILE": "",
	} {
		if value, found := got[variable]; !found || value != want {
			t.Errorf("%s: %q, want %q", variable, value, want)
		}
	}
}
