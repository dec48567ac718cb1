package bench

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// The load of a billion users that is modelled; docs/capacity.md says why.
const (
	modelled        = 1_000_000_000.0
	loginsPerUser   = 2.0 / 30 / 86400 // a second: two logins a month
	refreshPerUser  = 1.0 / 86400      // once a day
	patchesPerUser  = 1.0 / 30 / 86400 // once a month
	readsPerUser    = 2.0 / 86400      // twice a day, by applications
	searchesPerUser = 1.0 / 365 / 86400
	peak            = 4.0 // the busiest hour, times the average
	headroom        = 0.5 // of a node's rate that is planned with
	copies          = 3   // of the data: a primary and two replicas
	nodeBytes       = 8e12
)

// capacity computes the tables of docs/capacity.md from what was measured.
func capacity(t *testing.T) string {
	var grownTo []grown
	var rates []ratio
	kind := "postgres"
	on := measuredOn(t, "scale-postgres.json", &grownTo)
	if on == "" {
		kind, on = "sqlite", measuredOn(t, "scale-sqlite.json", &grownTo)
	}
	if on == "" || measuredOn(t, "ratios.json", &rates) == "" {
		return ""
	}
	g := grownTo[len(grownTo)-1]
	for _, grew := range grownTo { // a search index whose pages are full, as loading at once leaves it, is not what years leave
		if !grew.Ordered {
			g = grew
		}
	}
	perUser, rows := float64(g.Bytes)/float64(g.Users), float64(g.AttrRows)/float64(g.Users)
	rate := func(path string) float64 {
		best := 0.0
		for _, r := range rates {
			if r.Path == kind+": "+path || r.Path == "sqlite: "+path && best == 0 {
				best = r.Rate
			}
		}
		return best
	}
	var b strings.Builder
	fmt.Fprintf(&b, "From the figures of %s users on %s (%s).\n\n| measured per user | a billion users |\n|---|---|\n", thousands(g.Users), kind, on)
	fmt.Fprintf(&b, "| %.1f rows of the search index | %.0f billion rows |\n", rows, rows*modelled/1e9)
	fmt.Fprintf(&b, "| %.1f KB of tables and indexes | %.1f TB, with %d copies %.1f TB |\n", perUser/1e3, perUser*modelled/1e12, copies, copies*perUser*modelled/1e12)
	shards := math.Ceil(perUser * modelled / (nodeBytes * headroom))
	fmt.Fprintf(&b, "| | %.0f shards of at most %.0f TB, %.0f database nodes |\n\n", shards, nodeBytes*headroom/1e12, shards*copies)
	b.WriteString("| what people do | a second, average | busiest hour | measured on two cores | servers of two cores |\n|---|---|---|---|---|\n")
	total := 0.0
	for _, x := range []struct {
		name, path string
		per        float64
	}{
		{"logins", "login, argon2id", loginsPerUser},
		{"refreshes with rotation and a rule", "refresh with rotation and one rule", refreshPerUser},
		{"metadata patches", "PATCH of one key, durable, indexed, logged", patchesPerUser},
		{"reads of a user", "GET of a user", readsPerUser},
	} {
		average, measured := x.per*modelled, rate(x.path)
		if measured == 0 {
			fmt.Fprintf(&b, "| %s | %s | %s | not measured | |\n", x.name, thousands(int(average)), thousands(int(average*peak)))
			continue
		}
		nodes := average * peak / (measured * headroom)
		total += nodes
		fmt.Fprintf(&b, "| %s | %s | %s | %s/s | %s |\n", x.name, thousands(int(average)), thousands(int(average*peak)), thousands(int(measured)), thousands(int(math.Ceil(nodes))))
	}
	fmt.Fprintf(&b, "| all | | | | %s |\n\n", thousands(int(math.Ceil(total))))
	writes := (loginsPerUser + refreshPerUser + patchesPerUser) * modelled * peak
	fmt.Fprintf(&b, "Durable writes in the busiest hour: %s a second, %s for each of %.0f shards. Searches: %s a second; one that a database cannot narrow to a shard is asked of all %.0f.\n",
		thousands(int(writes)), thousands(int(writes/shards)), shards, thousands(int(math.Ceil(searchesPerUser*modelled*peak))), shards)
	return b.String()
}
