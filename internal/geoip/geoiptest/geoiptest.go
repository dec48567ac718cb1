// Package geoiptest writes databases of addresses for tests.
package geoiptest

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// Cities has two places: 203.0.113.0/24 is Berlin, 2001:db8:1::/48 New York, and of 198.51.100.0/24 the country alone is known, France.
func Cities(t testing.TB) (path string) {
	t.Helper()
	return Write(t, "cities.mmdb", map[string]mmdbtype.Map{
		"203.0.113.0/24": {
			"continent":    mmdbtype.Map{"code": mmdbtype.String("EU")},
			"country":      mmdbtype.Map{"iso_code": mmdbtype.String("DE"), "names": words("en", "Germany", "de", "Deutschland")},
			"city":         mmdbtype.Map{"names": words("en", "Berlin", "ja", "ベルリン")},
			"subdivisions": mmdbtype.Slice{mmdbtype.Map{"iso_code": mmdbtype.String("BE"), "names": words("en", "Land Berlin")}},
			"location":     mmdbtype.Map{"latitude": mmdbtype.Float64(52.52), "longitude": mmdbtype.Float64(13.4), "time_zone": mmdbtype.String("Europe/Berlin")},
		},
		"2001:db8:1::/48": {
			"continent":    mmdbtype.Map{"code": mmdbtype.String("NA")},
			"country":      mmdbtype.Map{"iso_code": mmdbtype.String("US"), "names": words("en", "United States", "de", "USA")},
			"city":         mmdbtype.Map{"names": words("en", "New York")},
			"subdivisions": mmdbtype.Slice{mmdbtype.Map{"iso_code": mmdbtype.String("NY"), "names": words("en", "New York")}},
			"location":     mmdbtype.Map{"latitude": mmdbtype.Float64(40.71), "longitude": mmdbtype.Float64(-74), "time_zone": mmdbtype.String("America/New_York")},
		},
		"198.51.100.0/24": {
			"continent": mmdbtype.Map{"code": mmdbtype.String("EU")},
			"country":   mmdbtype.Map{"iso_code": mmdbtype.String("FR"), "names": words("en", "France")},
		},
	})
}

// Networks says that 203.0.113.0/25 belongs to AS64500, its other half to AS64501.
func Networks(t testing.TB) (path string) {
	t.Helper()
	return Write(t, "networks.mmdb", map[string]mmdbtype.Map{
		"203.0.113.0/25":   {"autonomous_system_number": mmdbtype.Uint32(64500)},
		"203.0.113.128/25": {"autonomous_system_number": mmdbtype.Uint32(64501)},
	})
}

// Write makes a file of what is known of networks.
func Write(t testing.TB, name string, networks map[string]mmdbtype.Map) (path string) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", IncludeReservedNetworks: true, DisableIPv4Aliasing: true})
	if err != nil {
		t.Fatal(err)
	}
	for text, what := range networks {
		_, network, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, what); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(t.TempDir(), name)
	f, err := os.Create(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func words(languagesAndTexts ...string) mmdbtype.Map {
	out := mmdbtype.Map{}
	for i := 0; i < len(languagesAndTexts); i += 2 {
		out[mmdbtype.String(languagesAndTexts[i])] = mmdbtype.String(languagesAndTexts[i+1])
	}
	return out
}
