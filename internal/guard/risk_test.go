package guard

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

func at(lat, long float64) *stagedoor.Place {
	return &stagedoor.Place{Latitude: &lat, Longitude: &long}
}

func TestImpossibleTravel(t *testing.T) {
	berlin, potsdam, paris, newYork, fiji, samoa := at(52.52, 13.4), at(52.4, 13.06), at(48.86, 2.35), at(40.71, -74.01), at(-18, 178), at(-14, -172)
	for _, c := range []struct {
		name string
		trip trip
		want string
	}{
		{"nobody logged in before", trip{initial: true, known: true, now: berlin}, "high initial_login"},
		{"a server that knows no places", trip{time: time.Hour}, "neutral missing_geoip"},
		{"an address at no place", trip{known: true, before: berlin, time: time.Hour}, "neutral unknown_location"},
		{"a country is no place", trip{known: true, before: berlin, now: &stagedoor.Place{CountryCode: "DE"}, time: time.Hour}, "neutral unknown_location"},
		{"an address before at no place", trip{known: true, now: berlin, time: time.Hour}, "high location_history_not_found"},
		{"too long ago", trip{known: true, before: berlin, now: newYork, time: 49 * time.Hour}, "high location_history_not_found"},
		{"the same place", trip{known: true, before: berlin, now: berlin}, "high minimal_travel_from_last_login"},
		{"the next town in no time", trip{known: true, before: berlin, now: potsdam}, "high minimal_travel_from_last_login"},
		{"by train", trip{known: true, before: berlin, now: paris, time: 9 * time.Hour}, "high travel_from_last_login"},
		{"by plane", trip{known: true, before: berlin, now: newYork, time: 8 * time.Hour}, "medium substantial_travel_from_last_login"},
		{"faster", trip{known: true, before: berlin, now: newYork, time: 7 * time.Hour}, "low impossible_travel_from_last_login"},
		{"at once", trip{known: true, before: berlin, now: paris}, "low impossible_travel_from_last_login"},
		{"before it was left", trip{known: true, before: berlin, now: paris, time: -time.Hour}, "low impossible_travel_from_last_login"},
		{"across the date line", trip{known: true, before: fiji, now: samoa, time: 2 * time.Hour}, "medium substantial_travel_from_last_login"},
	} {
		got := impossibleTravel(c.trip)
		if got.Confidence+" "+got.Code != c.want {
			t.Errorf("%s: %s %s, want %s", c.name, got.Confidence, got.Code, c.want)
		}
	}
}

func TestNewDevice(t *testing.T) {
	before := &stagedoor.User{LastLogin: time.Unix(1, 0)}
	known := []stagedoor.KnownBrowser{{Browser: jose.HashToken("laptop"), Agent: jose.HashToken("Firefox")}, {Browser: jose.HashToken("phone"), Agent: jose.HashToken("Safari")}}
	for _, c := range []struct {
		name  string
		user  *stagedoor.User
		asker Asker
		known []stagedoor.KnownBrowser
		want  string
	}{
		{"the first time", &stagedoor.User{}, Asker{Browser: "laptop", UserAgent: "Firefox"}, nil, "high initial_login  "},
		{"a program", before, Asker{UserAgent: "curl", Direct: true}, known, "neutral assessment_not_available  "},
		{"nothing to know it by", before, Asker{}, known, "low unknown_device  "},
		{"nothing known", before, Asker{Browser: "laptop", UserAgent: "Firefox"}, nil, "low no_device_history  "},
		{"known", before, Asker{Browser: "phone", UserAgent: "Safari"}, known, "high match known known"},
		{"a new version", before, Asker{Browser: "phone", UserAgent: "Safari 2"}, known, "medium partial_match known unknown"},
		{"cookies are gone", before, Asker{UserAgent: "Firefox"}, known, "medium partial_match unknown known"},
		{"another one", before, Asker{Browser: "library", UserAgent: "Chrome"}, known, "low no_match unknown unknown"},
		{"the hash of a cookie is none", before, Asker{Browser: jose.HashToken("laptop"), UserAgent: "Chrome"}, known, "low no_match unknown unknown"},
	} {
		got := newDevice(c.user, c.asker, c.known)
		if text := got.Confidence + " " + got.Code + " " + got.Details["device"] + " " + got.Details["useragent"]; text != c.want {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

func TestRiskInAll(t *testing.T) {
	of := func(ip, device, travel string) string {
		return stagedoor.NewRiskAssessment(stagedoor.Assessments{UntrustedIP: stagedoor.Assessment{Confidence: ip}, NewDevice: stagedoor.Assessment{Confidence: device}, ImpossibleTravel: stagedoor.Assessment{Confidence: travel}}).Confidence
	}
	for _, c := range [][4]string{{"high", "high", "neutral", "high"}, {"high", "medium", "high", "medium"}, {"low", "high", "high", "low"}, {"high", "medium", "low", "low"}, {"neutral", "neutral", "neutral", "neutral"}} {
		if got := of(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("%v is %s", c, got)
		}
	}
}
