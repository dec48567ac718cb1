package geoip_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/geoip"
	"github.com/stagedoor/stagedoor/internal/geoip/geoiptest"
)

func TestPlace(t *testing.T) {
	d, err := geoip.Open([]string{geoiptest.Cities(t), geoiptest.Networks(t)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if known := d.Known(); !known.Countries || !known.Networks {
		t.Errorf("known: %+v", known)
	}
	for ip, want := range map[string]string{
		"203.0.113.9": `{"country_code":"DE","country_code3":"DEU","country_name":"Germany","city_name":"Berlin","latitude":52.52,"longitude":13.4,` +
			`"time_zone":"Europe/Berlin","continent_code":"EU","subdivision_code":"BE","subdivision_name":"Land Berlin"}`,
		"::ffff:198.51.100.1": `{"country_code":"FR","country_code3":"FRA","country_name":"France","continent_code":"EU"}`,
		"127.0.0.1":           "null", "fe80::1%eth0": "null", "": "null", "203.0.113.9:443": "null", "nonsense": "null",
	} {
		got, err := json.Marshal(d.Place(ip))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, want %s (%v)", ip, got, want, err)
		}
	}
	if p := d.Place("203.0.113.200"); p.AS() != "64501" || p.Subdivision() != "DE-BE" {
		t.Errorf("AS%s in %s", p.AS(), p.Subdivision())
	}
	if p := d.PlaceIn("203.0.113.9", "de"); p.CountryName != "Deutschland" || p.CityName != "Berlin" {
		t.Errorf("in German: %s, %s", p.CityName, p.CountryName)
	}
	event := d.Place("2001:db8:1::5").Event()
	if event["countryCode3"] != "USA" || event["cityName"] != "New York" || event["longitude"] != -74.0 || event["timeZone"] != "America/New_York" {
		t.Errorf("event: %v", event)
	}
	var none *geoip.Databases
	if none.Place("203.0.113.9") != nil || none.Known() != (stagedoor.PlacesKnown{}) || len((*stagedoor.Place)(nil).Event()) != 0 {
		t.Error("without files something is known")
	}
}

var update = flag.Bool("update", false, "make testdata anew")

// TestKept: the files that examples of the guide and other programs' tests look into say what the others of the tests say.
func TestKept(t *testing.T) {
	kept := []string{"testdata/cities.mmdb", "testdata/networks.mmdb"}
	if *update {
		for i, path := range []string{geoiptest.Cities(t), geoiptest.Networks(t)} {
			made, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(kept[i], made, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	d, err := geoip.Open(kept, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := d.Place("203.0.113.9"); p == nil || p.CityName != "Berlin" || p.ASN != 64500 {
		t.Errorf("203.0.113.9 is in %+v", p)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"): "cannot be read", dir: "cannot be read", write("empty", ""): "MaxMind's format", write("text", "country,DE"): "MaxMind's format",
		geoiptest.Write(t, "other.mmdb", map[string]mmdbtype.Map{"203.0.113.0/24": {"country": mmdbtype.String("Germany")}}): "does not say",
		geoiptest.Write(t, "speed.mmdb", map[string]mmdbtype.Map{"203.0.113.0/24": {"speed": mmdbtype.String("Cable")}}):     "neither countries nor networks",
	} {
		if _, err := geoip.Open([]string{path}, nil); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// TestRenew: a new edition counts without a restart; one that cannot be read changes nothing.
func TestRenew(t *testing.T) {
	path := geoiptest.Cities(t)
	var said bytes.Buffer
	d, err := geoip.Open([]string{path}, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	country := func() string {
		if p := d.Place("203.0.113.9"); p != nil {
			return p.CountryCode
		}
		return ""
	}
	if err := os.WriteFile(path, []byte("half a file"), 0o600); err != nil { // written over, not renamed
		t.Fatal(err)
	}
	d.Renew()
	d.Renew()
	if n := strings.Count(said.String(), "cannot be read"); n != 1 {
		t.Errorf("the broken edition is told %d times", n)
	}
	if got := country(); got != "DE" {
		t.Errorf("with a broken edition: %q", got)
	}
	away := path + ".away"
	for range 2 { // each time that it is gone is told once, and nothing where it is back as it was
		if err := os.Rename(path, away); err != nil {
			t.Fatal(err)
		}
		said.Reset()
		d.Renew()
		d.Renew()
		if got := said.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "is gone") {
			t.Errorf("of a file that is gone: %s", got)
		}
		if err := os.Rename(away, path); err != nil {
			t.Fatal(err)
		}
		said.Reset()
		d.Renew()
		if got := said.String(); got != "" {
			t.Errorf("of one that is back: %s", got)
		}
	}
	next := geoiptest.Write(t, "next.mmdb", map[string]mmdbtype.Map{
		"203.0.113.0/24": {"country": mmdbtype.Map{"iso_code": mmdbtype.String("AT")}},
	})
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	d.Renew()
	if got := country(); got != "AT" {
		t.Errorf("with the next edition: %q", got)
	}
}
