package stagedoortest_test

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// An application with an official library takes our logout tokens as they are.
func TestLogoutTokensInAnApplication(t *testing.T) {
	const folder = "../compat/clients"
	node, err := exec.LookPath("node")
	if _, installed := os.Stat(filepath.Join(folder, "node_modules")); err != nil || installed != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node and the packages of compat/clients are needed")
		}
		t.Skip("node or the packages of compat/clients are missing")
	}
	for _, library := range []string{"express-openid-connect-v2", "express-openid-connect-v3"} {
		t.Run(library, func(t *testing.T) {
			free, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			at := free.Addr().String()
			free.Close()
			w := newWorld(t, "sqlite", func(o *stagedoortest.Options) { o.Allow = []string{at} })
			h := *w.a
			h.base, h.host = w.HTTPSURL, w.Domain
			setting, err := json.Marshal(map[string]string{"base": "http://" + at, "issuer": w.HTTPSURL, "client_id": h.spa, "client_secret": h.secret})
			if err != nil {
				t.Fatal(err)
			}
			app := exec.CommandContext(t.Context(), node, "--no-warnings", "backchannel.mjs", library)
			app.Dir, app.Stderr = folder, os.Stderr
			app.Env = append(os.Environ(), "STAGEDOOR_CLIENT="+string(setting), "NODE_EXTRA_CA_CERTS="+w.CAFile)
			said, err := app.StdoutPipe()
			if err == nil {
				err = app.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := make(chan string, 16)
			go func() {
				for scan := bufio.NewScanner(said); scan.Scan(); {
					lines <- scan.Text()
				}
				close(lines)
			}()
			next := func() string {
				t.Helper()
				select {
				case line := <-lines:
					return line
				case <-time.After(30 * time.Second):
					t.Fatal("the application says nothing")
					return ""
				}
			}
			if line := next(); line != `"ready"` {
				t.Fatal(line)
			}
			st, err := w.DB().TenantByDomain(t.Context(), h.host)
			if err != nil {
				t.Fatal(err)
			}
			_, err = st.UpdateClient(t.Context(), h.spa, func(c *stagedoor.Client) error {
				if c.Stored == nil {
					c.Stored = map[string]json.RawMessage{}
				}
				c.Stored["oidc_logout"] = json.RawMessage(`{"backchannel_logout_urls":["http://` + at + `/backchannel-logout"]}`)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			b, tokens := h.session()
			b.get("/oidc/logout?id_token_hint=" + tokens.ID)
			var token map[string]any
			if line := next(); json.Unmarshal([]byte(line), &token) != nil {
				t.Fatal(line)
			}
			id := claimsOf(t, tokens.ID)
			if token["sub"] != id["sub"] || token["sid"] != id["sid"] || token["aud"] != id["aud"] || token["iss"] != id["iss"] {
				t.Errorf("the library took %v", token)
			}
		})
	}
}
