package connection

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
)

// Bounds of a profile that a script gives.
const (
	maxProfile    = 2 << 20  // bytes of JSON
	maxAttributes = 64 << 10 // bytes of all further attributes
	maxID         = 255      // characters of the id
	maxText       = 2048     // bytes of a name or an address
)

// profile is a person as the script of a connection describes them (extensibility fact sheet 5.4).
type profile struct {
	ID            string // without the strategy's prefix
	Email         string
	EmailVerified bool
	Phone         string
	PhoneVerified bool
	Username      string
	Texts         map[string]string // name, nickname, given_name, family_name, picture: those that are there
	Attributes    map[string]json.RawMessage
	UserMetadata  stagedoor.Metadata
	AppMetadata   stagedoor.Metadata
	Factors       json.RawMessage // second factors, as mfa_factors of imports; nil if there are none
	Tokens        map[string]any  // access_token, refresh_token … of the provider, as identities show them
}

// nobody tells whether a script has called back with no profile.
func nobody(raw json.RawMessage) bool {
	return len(raw) == 0 || slices.Contains([]string{"null", "false", `""`, "0"}, string(raw))
}

func badProfile(format string, args ...any) error {
	return stagedoor.Errorf(stagedoor.Scripted, "access_denied", "The profile that the script returned cannot be used: "+format, args...)
}

// readProfile reads what the script of a database called back with. Ids may have the strategy's prefix already.
func (w work) readProfile(raw json.RawMessage) (*profile, error) {
	p, members, err := describePerson(raw, StrategyDatabase+"|")
	if err != nil {
		return nil, err
	}
	if p.Username, err = Username(w.conn, text(members["username"])); err != nil {
		p.Username = "" // one that looks like an address could stand in somebody else's way, unless the connection wants that
	}
	if p.UserMetadata, err = metadataOf("user_metadata", members["user_metadata"]); err != nil {
		return nil, err
	}
	app := members["app_metadata"]
	if isNull(app) {
		app = members["metadata"] // its older name
	}
	if p.AppMetadata, err = metadataOf("app_metadata", app); err != nil {
		return nil, err
	}
	p.Factors, err = factorsOf(members["mfa_factors"])
	return p, err
}

// maxFactors is how many second factors a person may bring along.
const maxFactors = 10

var (
	totpSecret  = regexp.MustCompile(`^[A-Za-z2-7]{8,512}=*$`)
	phoneNumber = regexp.MustCompile(`^\+[0-9]{1,15}$`)
)

// factorsOf checks second factors. A wrong one fails the login: to leave it out would let somebody in who is asked for it elsewhere.
func factorsOf(raw json.RawMessage) (json.RawMessage, error) {
	if isNull(raw) {
		return nil, nil
	}
	var all []struct {
		TOTP  *struct{ Secret string }
		Phone *struct{ Value string }
		Email *struct{ Value string }
	}
	wrong := badProfile("mfa_factors is no array of at most %d factors, each one of totp with a secret in base32, phone and email.", maxFactors)
	if json.Unmarshal(raw, &all) != nil || len(all) > maxFactors {
		return nil, wrong
	}
	for _, f := range all {
		n := 0
		if f.TOTP != nil && totpSecret.MatchString(f.TOTP.Secret) {
			n++
		}
		if f.Phone != nil && phoneNumber.MatchString(f.Phone.Value) {
			n++
		}
		if f.Email != nil {
			if address, err := NormalizeEmail(f.Email.Value); err == nil && address != "" {
				n++
			}
		}
		if n != 1 {
			return nil, wrong
		}
	}
	return raw, nil
}

// describePerson reads who somebody is, and nothing of what they may do: metadata are not looked at.
func describePerson(raw json.RawMessage, prefix string) (*profile, map[string]json.RawMessage, error) {
	if len(raw) > maxProfile {
		return nil, nil, badProfile("it has more than %d bytes.", maxProfile)
	}
	if bytes.Contains(raw, []byte(`\u0000`)) || !utf8.Valid(raw) {
		return nil, nil, badProfile("it holds NUL characters or is no valid text.")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, nil, badProfile("it is no object.")
	}
	p := &profile{Texts: map[string]string{}, Attributes: map[string]json.RawMessage{}, Tokens: map[string]any{}}
	for _, name := range []string{"user_id", "id"} {
		if p.ID == "" {
			p.ID = strings.TrimPrefix(idText(members[name]), prefix)
		}
	}
	switch {
	case p.ID == "":
		return nil, nil, badProfile("user_id is mandatory, a text or a number.")
	case badID(p.ID):
		return nil, nil, badProfile("user_id is longer than %d characters or holds control characters.", maxID)
	}
	var err error
	if p.Email, err = NormalizeEmail(text(members["email"])); err != nil {
		return nil, nil, badProfile("email is not an e-mail address.")
	}
	if p.Username, err = NormalizeUsername(text(members["username"])); err != nil {
		p.Username = "" // one that looks like an address could stand in somebody else's way
	}
	p.EmailVerified, p.Phone, p.PhoneVerified = truth(members["email_verified"]), text(members["phone_number"]), truth(members["phone_verified"])
	if number, is := stagedoor.PhoneNumber(p.Phone); is { // as it is compared, however a script spells it
		p.Phone = number
	}
	for _, name := range []string{"name", "nickname", "given_name", "family_name", "picture"} {
		if s := text(members[name]); s != "" && (name != "picture" || isWebAddress(s)) {
			p.Texts[name] = s
		}
	}
	for _, name := range stagedoor.TokenMembers {
		if s := text(members[name]); s != "" {
			p.Tokens[name] = s
		}
	}
	return p, members, p.attributes(members)
}

func badID(id string) bool {
	return utf8.RuneCountInString(id) > maxID || strings.ContainsFunc(id, unicode.IsControl)
}

// Describe writes what is said of a person of a connection as profiles of scripts have it: addresses in their form, and no texts that are too long or
// cannot be read. It names what is wrong where somebody could not be told by it; empty: nothing is.
func Describe(c *stagedoor.Connection, id string, u *stagedoor.User) (wrong string) {
	var err error
	if id == "" || badID(id) || !utf8.ValidString(id) {
		return "user_id"
	}
	if u.Email, err = NormalizeEmail(strings.TrimSpace(u.Email)); err != nil {
		return "e-mail address"
	}
	if u.PhoneNumber = strings.TrimSpace(u.PhoneNumber); u.PhoneNumber != "" {
		if u.PhoneNumber, err = NormalizePhone(u.PhoneNumber); err != nil {
			return "telephone number"
		}
	}
	if u.Username, err = Username(c, u.Username); err != nil {
		u.Username = "" // see readProfile
	}
	for _, s := range []*string{&u.Name, &u.Nickname, &u.GivenName, &u.FamilyName, &u.Picture} {
		if *s = strings.TrimSpace(*s); len(*s) > maxText || strings.ContainsRune(*s, 0) || !utf8.ValidString(*s) {
			*s = ""
		}
	}
	if !isWebAddress(u.Picture) {
		u.Picture = ""
	}
	return ""
}

// attributes keeps what the server has no name for. What could be a password, and what the index of a search could not tell from
// something else, is left out.
func (p *profile) attributes(members map[string]json.RawMessage) error {
	size := 0
	for name, value := range members {
		switch {
		case stagedoor.IsUserField(name), slices.Contains(stagedoor.TokenMembers, name), strings.HasPrefix(strings.ToLower(name), "password"), isNull(value):
			continue
		case name == "" || len(name) > 255 || strings.ContainsAny(name, ".\x00") || strings.HasPrefix(name, "$"):
			continue
		}
		if size += len(name) + len(value); size > maxAttributes {
			return badProfile("its attributes have more than %d bytes.", maxAttributes)
		}
		p.Attributes[name] = value
	}
	return nil
}

// idText is an id as a text: numbers, which many databases have, as they are written.
func idText(raw json.RawMessage) string {
	var n json.Number
	if s := text(raw); s != "" {
		return s
	}
	if len(raw) > 0 && raw[0] != '"' && json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// text reads a text; anything else is none.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil || len(s) > maxText {
		return ""
	}
	return strings.TrimSpace(s)
}

// truth reads what databases have for true.
func truth(raw json.RawMessage) bool {
	return slices.Contains([]string{"true", "1", `"true"`, `"1"`}, string(raw))
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func isWebAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func metadataOf(name string, raw json.RawMessage) (stagedoor.Metadata, error) {
	if isNull(raw) {
		return nil, nil
	}
	var m stagedoor.Metadata
	if json.Unmarshal(raw, &m) != nil {
		return nil, badProfile("%s is no object.", name)
	}
	if err := stagedoor.CheckMetadata(name, m); err != nil {
		return nil, badProfile("%s", stagedoor.AsError(err).Message)
	}
	return m, nil
}

// describe writes the profile's root attributes into a user. What the profile does not say stays.
func (p *profile) describe(u *stagedoor.User, leaveOut []string) {
	if p.Email != "" {
		u.Email, u.EmailVerified = p.Email, p.EmailVerified
	}
	if p.Phone != "" {
		u.PhoneNumber, u.PhoneVerified = p.Phone, p.PhoneVerified
	}
	if p.Username != "" {
		u.Username = p.Username
	}
	for name, into := range map[string]*string{
		"name": &u.Name, "nickname": &u.Nickname, "given_name": &u.GivenName, "family_name": &u.FamilyName, "picture": &u.Picture,
	} {
		if s := p.Texts[name]; s != "" && !slices.Contains(leaveOut, name) {
			*into = s
		}
	}
	kept := maps.Clone(p.Attributes)
	for _, name := range leaveOut {
		delete(kept, name)
	}
	u.Attributes = nil
	if len(kept) > 0 {
		u.Attributes = kept
	}
	u.FillDefaults()
}

// merge writes the profile's metadata into a user.
func (p *profile) merge(u *stagedoor.User, limit int) error {
	for _, m := range []struct {
		name string
		of   *stagedoor.Metadata
		more stagedoor.Metadata
	}{{"user_metadata", &u.UserMetadata, p.UserMetadata}, {"app_metadata", &u.AppMetadata, p.AppMetadata}} {
		if len(m.more) == 0 {
			continue
		}
		if *m.of = stagedoor.MergeMetadata(*m.of, m.more); m.of.Size() > limit {
			return badProfile("%s would be larger than its limit.", m.name)
		}
	}
	return nil
}

// same tells whether two states of a user are shown alike, in whatever order a database keeps their members.
func same(a, b *stagedoor.User) bool {
	var shown [2]any
	for i, u := range []*stagedoor.User{a, b} {
		text, err := json.Marshal(u.Wire())
		if err != nil || json.Unmarshal(text, &shown[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(shown[0], shown[1])
}
