package stagedoor

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// An Administrator is somebody who may look after a tenant in the dashboard, or a group of such people. It says whom the operator's provider must vouch for: they need be no users of the tenant,
// and no rule, action or role makes one.
type Administrator struct {
	Who       string    `json:"who"`              // as AdministratorName returns it
	Scopes    []string  `json:"scopes,omitempty"` // of the Management API; empty: all
	CreatedAt time.Time `json:"created_at"`
}

// The ways in which an administrator is named, beside an e-mail address.
const (
	AdministratorSubject = "sub:"   // the provider's id of a person
	AdministratorGroup   = "group:" // whoever is in a group of that name, which the provider tells in the claim groups
)

// maxAdministratorName is the most characters that a name may have.
const maxAdministratorName = 300

// AdministratorName checks how an administrator is named: by an e-mail address, sub:ID or group:NAME. E-mail addresses are told apart without regard to case.
func AdministratorName(s string) (string, error) {
	s = strings.TrimSpace(s)
	bad := utf8.RuneCountInString(s) > maxAdministratorName || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl)
	for _, prefix := range []string{AdministratorSubject, AdministratorGroup} {
		if rest, is := strings.CutPrefix(s, prefix); is && rest != "" && !bad {
			return s, nil
		}
	}
	local, domain, is := strings.Cut(s, "@")
	if bad || !is || local == "" || domain == "" || strings.ContainsAny(domain, "@ ") || strings.ContainsAny(local, ": ") {
		return "", Errorf(Invalid, "invalid_administrator", "%q names nobody: it must be an e-mail address, sub:ID or group:NAME", Clip(s, 100))
	}
	return strings.ToLower(s), nil
}

// A Vouched is a person of whom the operator's provider says who they are.
type Vouched struct {
	Subject  string   // the provider's id
	Email    string   // empty unless the provider says that it is verified
	FullName string   // may be empty
	Groups   []string // may be empty
}

// Shown is how the person is called where people read it.
func (v *Vouched) Shown() string { return cmp.Or(v.Email, v.FullName, v.Subject) }

// Name is the name under which this person alone would be an administrator.
func (v *Vouched) Name() string {
	if email, err := AdministratorName(v.Email); err == nil {
		return email
	}
	return AdministratorSubject + v.Subject
}

// Names are all under which the person could be an administrator.
func (v *Vouched) Names() []string {
	names := []string{v.Name(), AdministratorSubject + v.Subject}
	for _, group := range v.Groups {
		names = append(names, AdministratorGroup+group)
	}
	return names
}

// Among returns those of the administrators that go by one of the names.
func Among(all []Administrator, names []string) []Administrator {
	return slices.DeleteFunc(slices.Clone(all), func(a Administrator) bool { return !slices.Contains(names, a.Who) })
}
