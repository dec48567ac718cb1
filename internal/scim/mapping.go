package scim

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
)

// mapped is a row of a mapping.
type mapped struct {
	path      path
	attribute string // of users
}

// mappingOf reads the mapping of a configuration. Rows that cannot be read have no effect.
func mappingOf(config *stagedoor.SCIMConfig) []mapped {
	var out []mapped
	for _, row := range config.Mapping {
		if p, err := parsePath(row.SCIM); err == nil {
			out = append(out, mapped{p, row.Attribute})
		}
	}
	return out
}

// inverted tells whether the row maps active, which is the contrary of blocked.
func (m mapped) inverted() bool {
	return !m.path.extension && m.path.name == "active" && m.attribute == "blocked"
}

// blocks tells whether active of resources blocks users.
func blocks(rows []mapped) bool { return slices.ContainsFunc(rows, mapped.inverted) }

// apply writes a resource into a user. before is what it was, nil for a new one: what was there and is gone is taken away, what never was stays, and
// unless all is set what did not change is not written.
func apply(rows []mapped, c *stagedoor.Connection, limit int, u *stagedoor.User, before, now map[string]any, all bool) error {
	u.Attributes = maps.Clone(u.Attributes)
	u.AppMetadata, u.UserMetadata = maps.Clone(u.AppMetadata), maps.Clone(u.UserMetadata)
	for _, row := range rows {
		v, has := row.path.value(now)
		was, had := row.path.value(before)
		if !has && !had || has && had && !all && reflect.DeepEqual(v, was) {
			continue
		}
		if !has {
			if row.inverted() { // absent says nothing of the block
				continue
			}
			v = nil
		}
		if row.inverted() {
			active, ok := v.(bool)
			if !ok {
				return bad(invalidValue, "active must be true or false.")
			}
			v = !active
		}
		if err := set1(u, c, row.attribute, v); err != nil {
			return err
		}
	}
	for name, m := range map[string]stagedoor.Metadata{"user_metadata": u.UserMetadata, "app_metadata": u.AppMetadata} {
		if err := stagedoor.CheckMetadata(name, m); err != nil {
			return bad(invalidValue, "%s", stagedoor.AsError(err).Message)
		}
		if m.Size() > limit {
			return bad(invalidValue, "%s would be larger than its limit.", name)
		}
	}
	u.FillDefaults()
	return nil
}

// set1 sets one attribute of a user; nil takes it away.
func set1(u *stagedoor.User, c *stagedoor.Connection, attribute string, v any) error {
	text := func(into *string) error { return setText(into, attribute, v) }
	flag := func(into *bool) error { return setFlag(into, attribute, v) }
	switch attribute {
	case "name":
		return text(&u.Name)
	case "nickname":
		return text(&u.Nickname)
	case "given_name":
		return text(&u.GivenName)
	case "family_name":
		return text(&u.FamilyName)
	case "picture":
		return text(&u.Picture)
	case "phone_number":
		return text(&u.PhoneNumber)
	case "email_verified":
		return flag(&u.EmailVerified)
	case "phone_verified":
		return flag(&u.PhoneVerified)
	case "blocked":
		blocked := false
		err := flag(&blocked)
		if blocked != u.IsBlocked() {
			u.Blocked = &blocked
		}
		return err
	case "username":
		var s string
		if err := text(&s); err != nil {
			return err
		}
		if name, err := connection.NormalizeUsername(s); err == nil { // what is an address stands in nobody's way, as at logins
			u.Username = name
		}
		return nil
	case "email":
		var s string
		if err := text(&s); err != nil {
			return err
		}
		address, err := connection.NormalizeEmail(s)
		if err != nil {
			return bad(invalidValue, "The e-mail address is not valid.")
		}
		if address != u.Email {
			u.Email, u.EmailVerified = address, address != "" && c.Option("should_trust_email_verified_connection") == "always_set_emails_as_verified"
		}
		return nil
	}
	return setFree(u, attribute, v)
}

func setText(into *string, attribute string, v any) error {
	if v == nil {
		*into = ""
		return nil
	}
	s, ok := v.(string)
	if !ok || len(s) > 2048 {
		return bad(invalidValue, "%s must be a text of at most 2048 bytes.", attribute)
	}
	*into = strings.TrimSpace(s)
	return nil
}

func setFlag(into *bool, attribute string, v any) error {
	b, ok := v.(bool)
	if *into = b; !ok && v != nil {
		return bad(invalidValue, "%s must be true or false.", attribute)
	}
	return nil
}

// setFree sets what a user has beside the fields that everybody has: something in their metadata, or an attribute of the connection's own.
func setFree(u *stagedoor.User, attribute string, v any) error {
	if rest, ok := strings.CutPrefix(attribute, "app_metadata."); ok {
		return setMetadata(&u.AppMetadata, rest, v)
	}
	if rest, ok := strings.CutPrefix(attribute, "user_metadata."); ok {
		return setMetadata(&u.UserMetadata, rest, v)
	}
	if stagedoor.IsUserField(attribute) || strings.ContainsAny(attribute, ".\x00") || strings.HasPrefix(attribute, "$") || strings.HasPrefix(strings.ToLower(attribute), "password") {
		return nil // is the server's
	}
	if v == nil {
		delete(u.Attributes, attribute)
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if u.Attributes == nil {
		u.Attributes = map[string]json.RawMessage{}
	}
	u.Attributes[attribute] = b
	return nil
}

// setMetadata sets what stands under a path of names with dots between.
func setMetadata(m *stagedoor.Metadata, under string, v any) error {
	name, rest, deeper := strings.Cut(under, ".")
	if deeper {
		var inner stagedoor.Metadata
		_ = json.Unmarshal((*m)[name], &inner) // absent, or no object: made anew
		if err := setMetadata(&inner, rest, v); err != nil {
			return err
		}
		if len(inner) > 0 {
			v = inner
		} else {
			v = nil
		}
	}
	if v == nil {
		delete(*m, name)
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if *m == nil {
		*m = stagedoor.Metadata{}
	}
	(*m)[name] = b
	return nil
}

// identify is the id by which the connection knows a person whom a resource describes.
func identify(config *stagedoor.SCIMConfig, doc map[string]any) (string, error) {
	p, err := parsePath(config.UserIDAttribute)
	if err != nil {
		return "", bad(invalidValue, "The user_id_attribute of the configuration cannot be read.")
	}
	v, _ := p.value(doc)
	id, _ := v.(string)
	if id = strings.TrimSpace(id); id == "" {
		return "", bad(invalidValue, "%s is required: by it the connection knows the person at a login.", config.UserIDAttribute)
	}
	if utf8.RuneCountInString(id) > 255 || bytes.ContainsFunc([]byte(id), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", bad(invalidValue, "%s is longer than 255 characters or holds control characters.", config.UserIDAttribute)
	}
	return id, nil
}
