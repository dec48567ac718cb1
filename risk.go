package stagedoor

// The settings of risk assessments, as the Management API writes them (Management API fact sheet 3.20).
const (
	SettingRisk      = "risk-assessments"
	SettingNewDevice = "risk-assessments/new-device"
)

// How sure it is that a login is its person's own.
const (
	ConfidenceLow     = "low"
	ConfidenceMedium  = "medium"
	ConfidenceHigh    = "high"
	ConfidenceNeutral = "neutral" // that was not measured
)

// RiskAssessment is how sure it is that a login is its person's own (extensibility fact sheet 3.5).
type RiskAssessment struct {
	Confidence  string      `json:"confidence"`
	Version     string      `json:"version"`
	Assessments Assessments `json:"assessments"`
}

// Assessments are what a risk assessment is made of.
type Assessments struct {
	UntrustedIP      Assessment `json:"UntrustedIP"`
	NewDevice        Assessment `json:"NewDevice"`
	ImpossibleTravel Assessment `json:"ImpossibleTravel"`
}

// Assessment is what one look at a login has shown.
type Assessment struct {
	Confidence string            `json:"confidence"`
	Code       string            `json:"code"`
	Details    map[string]string `json:"details,omitempty"`
}

// NewRiskAssessment is what the three amount to: as sure as the least sure of those that were measured.
func NewRiskAssessment(all Assessments) *RiskAssessment {
	r := &RiskAssessment{Confidence: ConfidenceNeutral, Version: "1", Assessments: all}
	rank := map[string]int{ConfidenceLow: 1, ConfidenceMedium: 2, ConfidenceHigh: 3, ConfidenceNeutral: 4}
	for _, a := range []Assessment{all.UntrustedIP, all.NewDevice, all.ImpossibleTravel} {
		if rank[a.Confidence] < rank[r.Confidence] {
			r.Confidence = a.Confidence
		}
	}
	return r
}

// Low tells whether a login does not look like its person's. One that was not measured does not.
func (r *RiskAssessment) Low() bool { return r == nil || r.Confidence == ConfidenceLow }

// KnownBrowser is a browser in which somebody has logged in.
type KnownBrowser struct {
	Browser string // hash of its cookie
	Agent   string // hash of what it calls itself
}
