package stagedoor

// Fingerprints tell by the first message of a TLS connection which kind of program connected. Programs can imitate others, so that they say who it is not
// rather than who it is. A part that is not known is empty; actions and logs see them as security_context.
type Fingerprints struct {
	JA3 string `json:"ja3,omitempty"`
	JA4 string `json:"ja4,omitempty"`
}

// RequestsKnown is what a server can tell of requests at all.
type RequestsKnown struct {
	Places       PlacesKnown
	Fingerprints FingerprintsKnown
	Lists        []string // the operator's lists of networks
}

// FingerprintsKnown is which fingerprints a server can tell of the programs that ask.
type FingerprintsKnown struct{ JA3, JA4 bool }
