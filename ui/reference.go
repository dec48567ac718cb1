package ui

// ReferencePage is the reference of the Management API.
type ReferencePage struct {
	Frame
	Base    string // address that paths are under
	SpecURL string // the same as OpenAPI
	Groups  []ReferenceGroup
}

// ReferenceGroup are the operations of one noun.
type ReferenceGroup struct {
	Name       string
	Operations []ReferenceOperation
}

// ReferenceOperation is one operation.
type ReferenceOperation struct {
	ID         string // for links
	Method     string
	Path       string
	Title      string
	Scopes     string // as people read it: a or b
	Status     int    // of success
	Parameters []ReferenceField
	Body       []ReferenceField
	Example    string // for a shell
}

// ReferenceField is a parameter, or a member of a body.
type ReferenceField struct {
	Name     string // with dots for members of members
	Type     string
	Required bool
	Doc      string
	Rules    string // what else holds: bounds, choices
}

func (ReferencePage) template() string { return "reference" }
