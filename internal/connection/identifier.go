package connection

import (
	"context"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// written is how the server writes a value of an attribute; false if it is none of the kind.
func written(c *stagedoor.Connection, attribute, typed string) (string, bool) {
	var value string
	var err error
	switch attribute {
	case stagedoor.AttributeEmail:
		value, err = NormalizeEmail(typed)
	case stagedoor.AttributePhone:
		value, err = NormalizePhone(typed)
	default:
		value, err = Username(c, typed)
	}
	return value, err == nil && value != ""
}

// Counted is how an identifier that somebody typed is written where failures are counted: telephone numbers in one way, however they are typed.
func Counted(c *stagedoor.Connection, typed string) string {
	if rules := c.Options.Attributes(); rules.Phone.Identifies {
		if number, is := written(c, stagedoor.AttributePhone, typed); is {
			return number
		}
	}
	return typed
}

// CodeAddress is where a code to log in with goes to somebody of a database who typed an identifier, as the server writes it; empty if none is sent there. first tells
// whether they are asked for it before they are asked for a password.
func CodeAddress(c *stagedoor.Connection, typed string) (address string, first bool) {
	codes, rules := c.LoginCodes(), c.Options.Attributes()
	if value, is := written(c, stagedoor.AttributeEmail, typed); is && codes.Email {
		return value, rules.Email.CodeFirst || !c.Passwords()
	}
	if value, is := written(c, stagedoor.AttributePhone, typed); is && codes.Phone {
		return value, rules.Phone.CodeFirst || !c.Passwords()
	}
	return "", false
}

// byIdentifier returns the user whom an identifier names: by the attributes that identify, in the connection's order.
func (w work) byIdentifier(ctx context.Context, identifier string) (*stagedoor.User, error) {
	rules := w.conn.Options.Attributes()
	if !rules.Flexible {
		return w.st.UserByIdentifier(ctx, w.conn.Name, identifier)
	}
	err := error(stagedoor.Errorf(stagedoor.NotFound, "inexistent_user", "The user does not exist."))
	for _, attribute := range rules.Precedence {
		value, is := written(w.conn, attribute, identifier)
		if !is {
			continue
		}
		u, found := w.st.UserByAttribute(ctx, w.conn.Name, attribute, value)
		if !stagedoor.IsKind(found, stagedoor.NotFound) {
			return u, found
		}
	}
	return nil, err
}

// byLinked returns the user to whom an identity of the connection is linked that the identifier names, and the hash of its password.
func (w work) byLinked(ctx context.Context, identifier string) (*stagedoor.User, string, error) {
	rules := w.conn.Options.Attributes()
	if !rules.Flexible {
		return w.st.UserByLinked(ctx, w.conn.Name, identifier)
	}
	for _, attribute := range rules.Precedence {
		value, is := written(w.conn, attribute, identifier)
		if !is {
			continue
		}
		u, hash, err := w.st.UserByLinkedAttribute(ctx, w.conn.Name, attribute, value)
		if !stagedoor.IsKind(err, stagedoor.NotFound) {
			return u, hash, err
		}
	}
	return nil, "", stagedoor.Errorf(stagedoor.NotFound, "inexistent_user", "The user does not exist.")
}

// Username returns a username as the connection writes it, in lower case; an empty one is allowed. It is an e-mail address only where the
// connection takes such usernames.
func Username(c *stagedoor.Connection, typed string) (string, error) {
	name, err := NormalizeUsername(typed)
	if err != nil && c.Options.Usernames().Emails {
		if email, wrong := NormalizeEmail(typed); wrong == nil {
			return email, nil
		}
	}
	return name, err
}

// CheckSignUp tells what is wrong with how a person who signs up wants to be known: something is missing, or is not asked for.
func CheckSignUp(c *stagedoor.Connection, u *stagedoor.User) error {
	rules := c.Options.Attributes()
	some := false
	for _, a := range []struct{ name, value, code, title string }{
		{stagedoor.AttributeEmail, u.Email, "invalid_email", "e-mail address"},
		{stagedoor.AttributePhone, u.PhoneNumber, "invalid_phone_number", "telephone number"},
		{stagedoor.AttributeUsername, u.Username, "invalid_username", "username"},
	} {
		value, rule := strings.TrimSpace(a.value), rules.Of(a.name)
		switch {
		case value == "" && rule.Must:
			return stagedoor.Errorf(stagedoor.Invalid, a.code, "The %s is missing.", a.title)
		case value != "" && !rule.Asked && a.name == stagedoor.AttributeUsername:
			return stagedoor.Errorf(stagedoor.Invalid, a.code, "This connection has no usernames.")
		case value != "" && !rule.Asked:
			return stagedoor.Errorf(stagedoor.Invalid, a.code, "Who signs up to this connection gives no %s.", a.title)
		}
		some = some || value != "" && rule.Identifies
	}
	if !some {
		return stagedoor.Errorf(stagedoor.Invalid, "missing_identifier", "One of these is needed: %s.", strings.Join(rules.Precedence, ", "))
	}
	return nil
}

// KnownBy is what a user of the connection logs in with: the first of what identifies its users that they have, in its order.
func KnownBy(c *stagedoor.Connection, u *stagedoor.User) string {
	has := map[string]string{stagedoor.AttributeEmail: u.Email, stagedoor.AttributePhone: u.PhoneNumber, stagedoor.AttributeUsername: u.Username}
	rules := c.Options.Attributes()
	for _, attribute := range rules.Precedence {
		if has[attribute] != "" {
			return has[attribute]
		}
	}
	return ""
}

// Identified tells whether a user of the connection can be found by what identifies its users.
func Identified(c *stagedoor.Connection, u *stagedoor.User) bool {
	rules := c.Options.Attributes()
	return rules.Email.Identifies && u.Email != "" || rules.Phone.Identifies && u.PhoneNumber != "" || rules.Username.Identifies && u.Username != ""
}

// MaySend tells whether what lets its reader into the account of a user may be sent to an address, or a number, of theirs: it is proved, or nothing that they are known
// by is. Else whoever put it there could be let in beside the one who has proved the other.
func MaySend(c *stagedoor.Connection, u *stagedoor.User, to string) bool {
	rules := c.Options.Attributes()
	email, phone := u.Email != "" && u.EmailVerified, u.PhoneNumber != "" && u.PhoneVerified
	if email && to == u.Email || phone && to == u.PhoneNumber {
		return true
	}
	return !(email && rules.Email.Identifies || phone && rules.Phone.Identifies)
}
