package stagedoor

import "strconv"

// Place is where an address on the Internet is, as databases of addresses guess. What they do not say is empty. Written as JSON it is what rules see
// (`context.request.geoip`) and what log events tell (`location_info`).
type Place struct {
	CountryCode     string   `json:"country_code,omitempty"`  // ISO 3166-1, two letters
	CountryCode3    string   `json:"country_code3,omitempty"` // ISO 3166-1, three letters
	CountryName     string   `json:"country_name,omitempty"`
	CityName        string   `json:"city_name,omitempty"`
	Latitude        *float64 `json:"latitude,omitempty"`  // degrees
	Longitude       *float64 `json:"longitude,omitempty"` // degrees
	TimeZone        string   `json:"time_zone,omitempty"` // of the IANA's database
	ContinentCode   string   `json:"continent_code,omitempty"`
	SubdivisionCode string   `json:"subdivision_code,omitempty"` // ISO 3166-2 without the country
	SubdivisionName string   `json:"subdivision_name,omitempty"`

	ASN uint `json:"-"` // number of the autonomous system that the address belongs to; 0: not known
}

// Event is the place as actions see it (`event.request.geoip`, extensibility fact sheet 3.5).
func (p *Place) Event() map[string]any {
	event := map[string]any{}
	if p == nil {
		return event
	}
	for name, value := range map[string]string{
		"countryCode": p.CountryCode, "countryCode3": p.CountryCode3, "countryName": p.CountryName, "cityName": p.CityName, "timeZone": p.TimeZone,
		"continentCode": p.ContinentCode, "subdivisionCode": p.SubdivisionCode, "subdivisionName": p.SubdivisionName,
	} {
		if value != "" {
			event[name] = value
		}
	}
	if p.Latitude != nil && p.Longitude != nil {
		event["latitude"], event["longitude"] = *p.Latitude, *p.Longitude
	}
	return event
}

// AS is the number of the autonomous system as the wire has it: a text, empty where it is not known.
func (p *Place) AS() string {
	if p == nil || p.ASN == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(p.ASN), 10)
}

// Subdivision is a part of a country by its whole code (ISO 3166-2), such as US-NY.
func (p *Place) Subdivision() string {
	if p == nil || p.SubdivisionCode == "" {
		return ""
	}
	return p.CountryCode + "-" + p.SubdivisionCode
}

// PlacesKnown is what a server can tell of addresses at all.
type PlacesKnown struct{ Countries, Networks bool }
