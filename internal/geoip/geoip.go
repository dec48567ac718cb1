package geoip

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
	"golang.org/x/text/language"

	"github.com/stagedoor/stagedoor"
)

// Databases are the files that an operator has given, asked one after the other: of each part of a place the first that knows it counts. Without any, and
// as nil, they know nothing. They are safe for concurrent use.
type Databases struct {
	files []*file
	log   *slog.Logger
}

type file struct {
	path  string
	now   atomic.Pointer[edition]
	tried time.Time // the last change of one that could not be read, so that it is told once; of Renew alone
	gone  bool      // there was none, which is told once until it is back; of Renew alone
}

// edition is a file as it was when it was read.
type edition struct {
	reader *maxminddb.Reader
	known  stagedoor.PlacesKnown
	time   time.Time // of the file's last change
	size   int64
}

// record is what is read of a file, whichever it is: files of countries, cities and networks have one form.
type record struct {
	Continent struct {
		Code string `maxminddb:"code"`
	} `maxminddb:"continent"`
	Country struct {
		Code  string `maxminddb:"iso_code"`
		Names names  `maxminddb:"names"`
	} `maxminddb:"country"`
	City struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"city"`
	Subdivisions []struct {
		Code  string `maxminddb:"iso_code"`
		Names names  `maxminddb:"names"`
	} `maxminddb:"subdivisions"`
	Location struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
		TimeZone  string   `maxminddb:"time_zone"`
	} `maxminddb:"location"`
	ASN uint `maxminddb:"autonomous_system_number"`
}

type names struct {
	English string `maxminddb:"en"`
}

// Open reads files. One that cannot be read, or is none of addresses, is an error that names it.
func Open(paths []string, log *slog.Logger) (*Databases, error) {
	d := &Databases{log: log}
	for _, path := range paths {
		f := &file{path: path}
		if err := f.read(); err != nil {
			return nil, err
		}
		d.files = append(d.files, f)
	}
	return d, nil
}

// read reads the file anew.
func (f *file) read() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("the database of addresses cannot be read: %w", err)
	}
	data, err := os.ReadFile(filepath.Clean(f.path)) // not mapped: who writes into the file must not take the server down
	if err != nil {
		return fmt.Errorf("the database of addresses cannot be read: %w", err)
	}
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return fmt.Errorf("%s is no database of addresses in MaxMind's format: %w", f.path, err)
	}
	known, err := knows(reader)
	if err != nil {
		return fmt.Errorf("%s does not say of addresses what GeoIP2 databases say: %w", f.path, err)
	}
	f.now.Store(&edition{reader, known, info.ModTime(), info.Size()})
	return nil
}

// looked is how many networks of a file tell what it knows.
const looked = 1000

// knows looks at the first networks.
func knows(reader *maxminddb.Reader) (stagedoor.PlacesKnown, error) {
	var known stagedoor.PlacesKnown
	n := 0
	for result := range reader.Networks() {
		var r record
		if err := result.Decode(&r); err != nil {
			return known, err
		}
		known.Countries = known.Countries || r.Country.Code != ""
		known.Networks = known.Networks || r.ASN != 0
		if n++; n == looked {
			break
		}
	}
	if !known.Countries && !known.Networks {
		return known, errors.New("neither countries nor networks are in it")
	}
	return known, nil
}

// Known tells what the files know.
func (d *Databases) Known() (known stagedoor.PlacesKnown) {
	if d == nil {
		return known
	}
	for _, f := range d.files {
		now := f.now.Load()
		known.Countries = known.Countries || now.known.Countries
		known.Networks = known.Networks || now.known.Networks
	}
	return known
}

// Place tells where an address is, with English names; nil if that is not known.
func (d *Databases) Place(ip string) *stagedoor.Place { return d.PlaceIn(ip, "en") }

// PlaceIn is [Databases.Place] with the names that a language has for country and city, where the files know them.
func (d *Databases) PlaceIn(ip, lang string) *stagedoor.Place {
	if d == nil || len(d.files) == 0 {
		return nil
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	var place *stagedoor.Place
	for _, f := range d.files {
		result := f.now.Load().reader.Lookup(addr.Unmap())
		var r record
		if !result.Found() || result.Decode(&r) != nil { // a part of a file that is damaged says nothing
			continue
		}
		if place == nil {
			place = &stagedoor.Place{}
		}
		r.into(place)
		if lang != "en" {
			place.CountryName = cmp.Or(named(result, lang, "country", "names"), place.CountryName)
			place.CityName = cmp.Or(named(result, lang, "city", "names"), place.CityName)
		}
	}
	return place
}

func named(result maxminddb.Result, lang string, path ...any) (name string) {
	_ = result.DecodePath(&name, append(path, lang)...) // what is not there has no name
	return name
}

// into adds what a place does not have yet.
func (r *record) into(p *stagedoor.Place) {
	p.ContinentCode = cmp.Or(p.ContinentCode, r.Continent.Code)
	if p.CountryCode == "" && r.Country.Code != "" {
		p.CountryCode, p.CountryName = r.Country.Code, r.Country.Names.English
		if region, err := language.ParseRegion(r.Country.Code); err == nil {
			p.CountryCode3 = region.ISO3()
		}
	}
	if p.SubdivisionCode == "" && len(r.Subdivisions) > 0 {
		p.SubdivisionCode, p.SubdivisionName = r.Subdivisions[0].Code, r.Subdivisions[0].Names.English
	}
	p.CityName = cmp.Or(p.CityName, r.City.Names.English)
	p.TimeZone = cmp.Or(p.TimeZone, r.Location.TimeZone)
	if p.Latitude == nil {
		p.Latitude, p.Longitude = r.Location.Latitude, r.Location.Longitude
	}
	p.ASN = cmp.Or(p.ASN, r.ASN)
}

// Renew reads the files that have been replaced since they were read. One that cannot be read any more stays what it was, and the operator's log says so.
func (d *Databases) Renew() {
	if d == nil {
		return
	}
	for _, f := range d.files {
		info, err := os.Stat(f.path)
		told := f.gone
		if f.gone = err != nil; f.gone && told {
			continue
		}
		if now := f.now.Load(); err == nil && (info.ModTime().Equal(now.time) && info.Size() == now.size || info.ModTime().Equal(f.tried)) {
			continue
		}
		if f.gone {
			d.log.Error("a database of addresses is gone; what was read of it goes on", "file", f.path, "error", err)
			continue
		}
		f.tried = info.ModTime()
		if err := f.read(); err != nil {
			d.log.Error("a database of addresses was replaced by what cannot be read; the one before goes on", "file", f.path, "error", err)
			continue
		}
		d.log.Info("a database of addresses was read anew", "file", f.path)
	}
}
