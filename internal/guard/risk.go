package guard

import (
	"context"
	"encoding/json"
	"math"
	"net/netip"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// locationsKnown is how long the place of a login tells something of the next one.
const locationsKnown = 48 * time.Hour

// How far people come: what is nearer than the places of addresses are sure says nothing, and nobody goes faster than a plane.
const (
	nearby      = 100.0 // kilometres
	groundSpeed = 120.0 // kilometres an hour
	planeSpeed  = 900.0
	earthRadius = 6371.0 // kilometres
)

// The codes of assessments (extensibility fact sheet 3.5).
const (
	codeInitial      = "initial_login"
	codeNotAvailable = "assessment_not_available"
	codeNoPlaces     = "missing_geoip"
)

// Asker is who logs in, as far as the risk of it depends on them.
type Asker struct {
	IP        string
	UserAgent string
	Browser   string // value of the cookie of the browser; empty: it has none
	Direct    bool   // there is no browser, but a program that asks for its person
}

// Assess tells how sure it is that a login is that of the user, who is as they were before it.
func Assess(ctx context.Context, st *store.Store, u *stagedoor.User, a Asker) (*stagedoor.RiskAssessment, error) {
	var all stagedoor.Assessments
	var err error
	if all.UntrustedIP, err = untrustedIP(ctx, st, a.IP); err != nil {
		return nil, err
	}
	known, err := st.KnownBrowsers(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	all.NewDevice = newDevice(u, a, known)
	last, err := lastSeen(ctx, st, u)
	if err != nil {
		return nil, err
	}
	all.ImpossibleTravel = impossibleTravel(trip{
		known: st.PlacesKnown().Countries, initial: u.LastLogin.IsZero(), before: st.Place(last.IP), now: st.Place(a.IP), time: st.Clock().Now().Sub(last.At),
	})
	return stagedoor.NewRiskAssessment(all), nil
}

// seen is where and when somebody was known to be.
type seen struct {
	IP string
	At time.Time
}

func seenKey(userID string) string { return "last seen/" + userID }

// lastSeen is where the user logged in last, as far as that login came to its end: one that was given up says where somebody was who knows the password, and no more.
func lastSeen(ctx context.Context, st *store.Store, u *stagedoor.User) (last seen, err error) {
	state, err := st.Ceremony(ctx, seenKey(u.ID))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return seen{u.LastIP, u.LastLogin}, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(state), &last)
	}
	return last, err
}

// Begin keeps where the user was before a login that is counted now and looks like a journey, until one has come to its end: else whoever tries again has not travelled. The user is as
// they were before it.
func Begin(ctx context.Context, st *store.Store, u *stagedoor.User, r *stagedoor.RiskAssessment) error {
	switch travel := r.Assessments.ImpossibleTravel; {
	case travel.Confidence == stagedoor.ConfidenceHigh, travel.Code == codeNoPlaces:
		return nil
	}
	return Stay(ctx, st, u)
}

// Stay keeps where the user was before a login that is counted now and does not tell where they are, until one does that. The user is as they were before it.
func Stay(ctx context.Context, st *store.Store, u *stagedoor.User) error {
	last, err := lastSeen(ctx, st, u)
	if err != nil {
		return err
	}
	state, err := json.Marshal(last)
	if err != nil {
		return err
	}
	return st.SaveCeremony(ctx, seenKey(u.ID), string(state), st.Clock().Now().Add(locationsKnown))
}

// End notes that a login of the user has come to its end, so that they are where it came from.
func End(ctx context.Context, st *store.Store, userID string) error {
	return st.DropCeremony(ctx, seenKey(userID))
}

// Remember notes that a login has come to its end, and keeps its browser as one in which the user has logged in.
func Remember(ctx context.Context, st *store.Store, userID string, a Asker) error {
	if err := End(ctx, st, userID); err != nil || a.Browser == "" {
		return err
	}
	set := struct {
		Days int `json:"remember_for"`
	}{30}
	if err := st.Setting(ctx, stagedoor.SettingNewDevice, &set); err != nil {
		return err
	}
	until := st.Clock().Now().Add(time.Duration(set.Days) * 24 * time.Hour)
	return st.KnowBrowser(ctx, userID, stagedoor.KnownBrowser{Browser: jose.HashToken(a.Browser), Agent: jose.HashToken(a.UserAgent)}, until)
}

// untrustedIP looks at what attack protection knows of an address: one that has failed half as often as is throttled, or has signed up so many, is not trusted for now. Whoever guesses slowly
// enough to be never throttled is seen, too.
func untrustedIP(ctx context.Context, st *store.Store, ip string) (stagedoor.Assessment, error) {
	if _, err := netip.ParseAddr(ip); err != nil {
		return stagedoor.Assessment{Confidence: stagedoor.ConfidenceNeutral, Code: "invalid_ip_address"}, nil
	}
	good := stagedoor.Assessment{Confidence: stagedoor.ConfidenceHigh, Code: "not_found_on_deny_list"}
	s, err := suspiciousIP(ctx, st)
	if err != nil || !s.Enabled || stagedoor.Listed(s.Allowlist, ip) {
		return good, err
	}
	for bucket, limit := range map[string]stagedoor.Throttle{BucketLogin: s.Stage.PreLogin, BucketSignUp: s.Stage.PreUserRegistration} {
		n, err := st.Attempted(ctx, bucket, stagedoor.Network(ip), limit)
		if err != nil {
			return good, err
		}
		if n > 1 && 2*n >= limit.MaxAttempts { // one is everybody's
			return stagedoor.Assessment{Confidence: stagedoor.ConfidenceLow, Code: "found_on_deny_list", Details: map[string]string{"ip": ip}}, nil
		}
	}
	return good, nil
}

// newDevice holds a browser to those that its person has used: its cookie, and what it calls itself.
func newDevice(u *stagedoor.User, a Asker, known []stagedoor.KnownBrowser) stagedoor.Assessment {
	switch {
	case a.Direct:
		return stagedoor.Assessment{Confidence: stagedoor.ConfidenceNeutral, Code: codeNotAvailable}
	case u.LastLogin.IsZero():
		return stagedoor.Assessment{Confidence: stagedoor.ConfidenceHigh, Code: codeInitial}
	case a.Browser == "" && a.UserAgent == "":
		return stagedoor.Assessment{Confidence: stagedoor.ConfidenceLow, Code: "unknown_device"}
	case len(known) == 0:
		return stagedoor.Assessment{Confidence: stagedoor.ConfidenceLow, Code: "no_device_history"}
	}
	word := map[bool]string{true: "known", false: "unknown"}
	device, agent := false, false
	for _, k := range known {
		device = device || a.Browser != "" && k.Browser == jose.HashToken(a.Browser)
		agent = agent || a.UserAgent != "" && k.Agent == jose.HashToken(a.UserAgent)
	}
	found := stagedoor.Assessment{Details: map[string]string{"device": word[device], "useragent": word[agent]}}
	switch {
	case device && agent:
		found.Confidence, found.Code = stagedoor.ConfidenceHigh, "match"
	case device || agent:
		found.Confidence, found.Code = stagedoor.ConfidenceMedium, "partial_match"
	default:
		found.Confidence, found.Code = stagedoor.ConfidenceLow, "no_match"
	}
	return found
}

// trip is the way from where somebody logged in last to where they do now.
type trip struct {
	known       bool // the server can tell places at all
	initial     bool // they never did before
	before, now *stagedoor.Place
	time        time.Duration
}

func impossibleTravel(t trip) stagedoor.Assessment {
	is := func(confidence, code string) stagedoor.Assessment {
		return stagedoor.Assessment{Confidence: confidence, Code: code}
	}
	switch {
	case t.initial:
		return is(stagedoor.ConfidenceHigh, codeInitial)
	case !t.known:
		return is(stagedoor.ConfidenceNeutral, codeNoPlaces)
	case !located(t.now):
		return is(stagedoor.ConfidenceNeutral, "unknown_location")
	case t.time > locationsKnown, !located(t.before):
		return is(stagedoor.ConfidenceHigh, "location_history_not_found")
	}
	way := distance(t.before, t.now)
	speed := way / max(t.time.Hours(), time.Second.Hours())
	switch {
	case math.IsNaN(way):
		return is(stagedoor.ConfidenceNeutral, "invalid_travel")
	case way <= nearby:
		return is(stagedoor.ConfidenceHigh, "minimal_travel_from_last_login")
	case speed <= groundSpeed:
		return is(stagedoor.ConfidenceHigh, "travel_from_last_login")
	case speed <= planeSpeed:
		return is(stagedoor.ConfidenceMedium, "substantial_travel_from_last_login")
	}
	return is(stagedoor.ConfidenceLow, "impossible_travel_from_last_login")
}

func located(p *stagedoor.Place) bool { return p != nil && p.Latitude != nil && p.Longitude != nil }

// distance is how many kilometres lie between two places, along the great circle.
func distance(a, b *stagedoor.Place) float64 {
	rad := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	lat := math.Sin(rad(*b.Latitude-*a.Latitude) / 2)
	long := math.Sin(rad(*b.Longitude-*a.Longitude) / 2)
	h := lat*lat + math.Cos(rad(*a.Latitude))*math.Cos(rad(*b.Latitude))*long*long
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}
