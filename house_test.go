package stagedoor_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/stagedoor/stagedoor"

// floors is the plan of the house: a room imports rooms of lower floors only.
var floors = map[string]int{
	".":            0,
	"internal/web": 1, "internal/xmlsig": 1, "internal/lucene": 1, "internal/liquid": 1, "internal/jose": 1, "internal/password": 1, "internal/outbound": 1, "internal/config": 1, "internal/ca": 1, "internal/bundle": 1, "ui": 1, "internal/telemetry": 1, "internal/delivery": 1, "internal/geoip": 1, "internal/netlist": 1, "internal/fingerprint": 1,
	"internal/store": 2, "internal/script": 2, "internal/mail": 2, "internal/form": 2, "internal/standin": 2,
	"internal/connection": 3, "internal/token": 3, "internal/session": 3, "internal/guard": 3, "internal/logstream": 3, "internal/eventstream": 3, "internal/job": 3, "internal/mfa": 3,
	"internal/page": 4, "internal/bearer": 4, "internal/backchannel": 4, "internal/carry": 4, "internal/pipeline": 4, "internal/oauth": 5, "internal/saml": 5, "internal/login": 5, "internal/mgmt": 5, "internal/scim": 5, "internal/me": 5, "internal/myorg": 5, "internal/dashboard": 5,
	"internal/rehearsal": 3, "internal/lint": 4,
	"server": 6, "cmd/stagedoor": 7, "stagedoortest": 7, "bench": 8, "ordeal": 8,
}

// keepers are the rooms that alone may import what starts with the path.
var keepers = map[string][]string{
	"modernc.org/sqlite":         {"internal/store"},
	"github.com/jackc/pgx":       {"internal/store"},
	"database/sql":               {"internal/store"},
	"github.com/pressly/goose":   {"internal/store"},
	"modernc.org/quickjs":        {"internal/script"},
	"modernc.org/libquickjs":     {"internal/script"},
	"modernc.org/libc":           {"internal/script"},
	"github.com/evanw/esbuild":   {"internal/bundle"},
	"github.com/osteele":         {"internal/liquid"},
	"github.com/scim2":           {"internal/scim", "internal/lucene"},
	"github.com/go-jose":         {"internal/jose", "internal/script"}, // scripts sign with their own keys
	"crypto/rsa":                 {"internal/jose", "internal/script", "internal/xmlsig"},
	"github.com/crewjam":         {"internal/xmlsig"},
	"github.com/russellhaering":  {"internal/xmlsig"},
	"github.com/beevik":          {"internal/xmlsig"},
	"crypto/ecdsa":               {"internal/jose", "internal/ca", "internal/script"},
	"golang.org/x/crypto/argon2": {"internal/password"},
	"golang.org/x/crypto/bcrypt": {"internal/password"},
	"golang.org/x/crypto/scrypt": {"internal/password", "internal/script"},
	"github.com/go-crypt":        {"internal/password"},
	"github.com/jzelinskie":      {"internal/password"},
	"github.com/pquerna/otp":     {"internal/mfa"},
	"github.com/boombuler":       {"internal/mfa"},
	"github.com/go-webauthn":     {"internal/mfa"},
	"github.com/oschwald":        {"internal/geoip"},
	"github.com/prometheus":      {"internal/telemetry"},
	"go.opentelemetry.io":        {"internal/telemetry"},
	module + "/mixtape":          {"cmd/stagedoor"},
}

// makesClients finds the HTTP clients that would go round internal/outbound.
var makesClients = regexp.MustCompile(`http\.(Client|Transport)\{|new\(http\.(Client|Transport)\)|http\.(Get|Head|Post|PostForm|DefaultClient|DefaultTransport)\b`)

// logsBare finds events of the tenant's log that say nothing of the request that caused them.
var logsBare = regexp.MustCompile(`\b(st|[sS]tore)\.Log\(stagedoor\.LogEvent\{`)

func TestHouse(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		room, floor := roomOf(p.ImportPath)
		if floor < 0 {
			t.Errorf("%s has no floor: add its room to the table", p.ImportPath)
		}
		for _, path := range p.Imports {
			checkImport(t, p.ImportPath, room, floor, path)
		}
		os.ReadDir(p.Dir) // a new file here must not meet a cached result
		for _, name := range p.GoFiles {
			source, _ := os.ReadFile(filepath.Join(p.Dir, name))
			if found := makesClients.Find(source); found != nil && !slices.Contains([]string{"internal/outbound", "stagedoortest", "mixtape"}, room) {
				t.Errorf("%s/%s writes %s: only internal/outbound makes HTTP clients", room, name, found)
			}
			if (floor == 5 || floor == 6) && logsBare.Match(source) {
				t.Errorf("%s/%s logs an event of its own: web.LogEvent completes it with what the request tells", room, name)
			}
		}
	}
}

func checkImport(t *testing.T, importer, room string, floor int, path string) {
	for kept, rooms := range keepers {
		if (path == kept || strings.HasPrefix(path, kept+"/")) && room != "mixtape" && !slices.Contains(rooms, room) {
			t.Errorf("%s imports %s: only %v may", importer, path, rooms)
		}
	}
	if first, _, _ := strings.Cut(path, "/"); room == "." && strings.Contains(first, ".") {
		t.Errorf("the root package imports %s: it may import the standard library only", path)
	}
	imported, below := roomOf(path)
	switch ours := path == module || strings.HasPrefix(path, module+"/"); {
	case !ours, imported == room, imported == "mixtape": // mixtape has its keeper
	case room == "mixtape":
		t.Errorf("%s imports %s: mixtape stands on its own", importer, path)
	case below >= floor:
		t.Errorf("%s (floor %d) imports %s (floor %d): arrows point downwards only", importer, floor, path, below)
	}
}

// roomOf returns the room that a package lies in and its floor, -1 for a room without one.
func roomOf(importPath string) (room string, floor int) {
	path := cmp.Or(strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/"), ".")
	if path == "mixtape" || strings.HasPrefix(path, "mixtape/") {
		return "mixtape", 0
	}
	for room, floor := range floors {
		if path == room || strings.HasPrefix(path, room+"/") {
			return room, floor
		}
	}
	return path, -1
}

type goPackage struct {
	Dir, ImportPath, Doc string
	GoFiles, Imports     []string
}

func packages(t *testing.T) (all []goPackage) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=Dir,ImportPath,Doc,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	os.ReadDir("internal") // a new room must not meet a cached result
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}
