package openapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/compat/live"
)

var (
	rounds = flag.Int("rounds", 3, "how often each operation is tried in each way")
	seed   = flag.Uint64("seed", 1, "seed of the random requests; 0 takes the time")
)

type operation struct {
	OperationID string
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   map[string]any
	}
	RequestBody *struct {
		Content map[string]struct{ Schema map[string]any }
	}
	Responses map[string]any
}

func TestDocument(t *testing.T) {
	s := live.Start(t, live.Build(t), "")
	spec := fetch(t, s)
	validate(t, spec)
	if t.Failed() {
		return
	}
	fuzz(t, s, spec)
}

// validate holds the document to the schema of OpenAPI 3.1.
func validate(t *testing.T, spec []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "validate.mjs")
	cmd.Stdin = bytes.NewReader(spec)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the document is not OpenAPI 3.1 (%v): %.3000s", err, out)
	}
}

func fetch(t *testing.T, s *live.Server) []byte {
	t.Helper()
	a, err := s.Client.Get("https://" + s.Domain + "/api/v2/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	spec, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", a.Status, err)
	}
	return spec
}

// dangerous are operations whose valid requests would shut the test itself out.
var dangerous = []string{"postNetworkAcls", "putNetworkAclsId", "patchNetworkAclsId", "patchTenantsSettings"}

func fuzz(t *testing.T, s *live.Server, spec []byte) {
	var doc struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(spec, &doc); err != nil {
		t.Fatal(err)
	}
	start := *seed
	if start == 0 {
		start = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", start)
	g := &generator{rand.New(rand.NewPCG(start, 1))}
	paths := []string{}
	for path := range doc.Paths {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	sent := 0
	for _, path := range paths {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			o, found := doc.Paths[path][method]
			if !found {
				continue
			}
			for range *rounds {
				for _, r := range g.requests(o) {
					if path == "/events" && r.wrong == "" {
						continue // its answer goes on for as long as it may, and is no JSON
					}
					sent++
					try(t, s, strings.ToUpper(method), g.fill(path, o), r)
				}
			}
		}
	}
	t.Logf("%d requests to %d paths", sent, len(paths))
}

// request is one try of an operation.
type request struct {
	query string
	body  any
	wrong string // what is wrong about it; empty if nothing is, as far as the document tells
}

func try(t *testing.T, s *live.Server, method, path string, r request) {
	t.Helper()
	address := "https://" + s.Domain + "/api/v2" + path
	if r.query != "" {
		address += "?" + r.query
	}
	text := ""
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(encoded)
	}
	q, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+s.Token)
	if text != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	a, err := s.Client.Do(q)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer a.Body.Close()
	answer, _ := io.ReadAll(a.Body)
	said := fmt.Sprintf("%s %s?%s %.300s: %d %.300s", method, path, r.query, text, a.StatusCode, answer)
	if a.StatusCode >= 500 && a.StatusCode != http.StatusNotImplemented {
		t.Errorf("%s", said)
	}
	if r.wrong != "" && a.StatusCode < 400 {
		t.Errorf("%s, in spite of: %s", said, r.wrong)
	}
	if a.StatusCode >= 400 {
		var e struct {
			StatusCode     int
			Error, Message string
		}
		if err := json.Unmarshal(answer, &e); err != nil || e.StatusCode != a.StatusCode || e.Error == "" || e.Message == "" {
			t.Errorf("not an error of this API: %s", said)
		}
	} else if a.StatusCode != http.StatusNoContent && !json.Valid(answer) {
		t.Errorf("not JSON: %s", said)
	}
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if a.Header.Get(name) == "" {
			t.Errorf("no %s: %s", name, said)
		}
	}
}

// fill puts ids of nothing into a path.
func (g *generator) fill(path string, o operation) string {
	for _, p := range o.Parameters {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(g.pick("x", "auth0|x", "con_0000000000000000", "a/b", "ü ?#%", "..", strings.Repeat("a", 300))))
		}
	}
	return path
}
