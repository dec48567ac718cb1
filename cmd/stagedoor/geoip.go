package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/geoip"
)

// geoipCommand tells what databases of addresses know, so that an operator can try them.
type geoipCommand struct {
	Address netip.Addr `arg:"" help:"Address to look up, such as 203.0.113.9." placeholder:"ADDR"`
	GeoIP   []string   `name:"geoip" env:"STAGEDOOR_GEOIP" required:"" help:"Databases to look in, as of serve." placeholder:"FILE"`
	JSON    bool       `name:"json" help:"Print JSON: what rules see as context.request.geoip, and the number of the network."`
}

// Run looks the address up.
func (c *geoipCommand) Run() error {
	databases, err := geoip.Open(c.GeoIP, slog.Default())
	if err != nil {
		return err
	}
	place := databases.Place(c.Address.String())
	if c.JSON {
		return printJSON(map[string]any{"geoip": place, "asn": place.AS()})
	}
	if place == nil {
		fmt.Printf("Nothing is known of %s.\n", c.Address)
		return nil
	}
	return printPlace(place)
}

func printPlace(p *stagedoor.Place) error {
	where := ""
	if p.Latitude != nil && p.Longitude != nil {
		where = fmt.Sprintf("%g, %g", *p.Latitude, *p.Longitude)
	}
	network := ""
	if p.ASN != 0 {
		network = "AS" + p.AS()
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"Country", coded(p.CountryName, p.CountryCode, p.CountryCode3)},
		{"Subdivision", coded(p.SubdivisionName, p.Subdivision())},
		{"City", p.CityName},
		{"Time zone", p.TimeZone},
		{"Location", where},
		{"Continent", p.ContinentCode},
		{"Network", network},
	} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
	}
	return w.Flush()
}

// coded is a name with its codes behind it.
func coded(name string, codes ...string) string {
	if codes[0] == "" {
		return name
	}
	return strings.TrimSpace(name + " (" + strings.Join(codes, ", ") + ")")
}
