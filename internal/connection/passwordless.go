package connection

import (
	"context"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The strategies of connections that send a code instead of asking for a password.
const (
	StrategyEmail = stagedoor.StrategyEmail
	StrategySMS   = stagedoor.StrategySMS
)

// IsPasswordless tells whether a strategy sends a code.
func IsPasswordless(strategy string) bool {
	return strategy == StrategyEmail || strategy == StrategySMS
}

// NormalizePhone returns a telephone number without what people put between its digits. One that is none is Invalid.
func NormalizePhone(s string) (string, error) {
	number, is := stagedoor.PhoneNumber(s)
	if !is {
		return "", stagedoor.Errorf(stagedoor.Invalid, "invalid_phone_number", "String does not match pattern: ^\\+[0-9]{1,15}$")
	}
	return number, nil
}

// Address returns where a passwordless connection sends its codes, as the server writes it. What is no address, or no number, is Invalid.
func Address(c *stagedoor.Connection, typed string) (string, error) {
	if c.Strategy == StrategySMS {
		return NormalizePhone(typed)
	}
	address, err := NormalizeEmail(typed)
	if err == nil && address == "" {
		err = stagedoor.Errorf(stagedoor.Invalid, "invalid_email", "The e-mail address is missing.")
	}
	return address, err
}

// FindPasswordless returns the user whom a passwordless connection knows by an address, or to whom such an identity is linked; NotFound if there is
// none.
func FindPasswordless(ctx context.Context, st *store.Store, c *stagedoor.Connection, address string) (*stagedoor.User, error) {
	u, err := st.UserByIdentifier(ctx, c.Name, address)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		u, _, err = st.UserByLinked(ctx, c.Name, address)
	}
	return u, err
}

// NewPasswordless is a user of a passwordless connection who has read what was sent to the address.
func NewPasswordless(c *stagedoor.Connection, address, id string) *stagedoor.User {
	u := &stagedoor.User{ID: id}
	if c.Strategy == StrategySMS {
		u.PhoneNumber, u.PhoneVerified = address, true
	} else {
		u.Email, u.EmailVerified = address, true
	}
	return u
}

// ProvedAddress notes that a user of a connection has read what was sent to the address, or the number, by which it knows them.
func ProvedAddress(ctx context.Context, st *store.Store, c *stagedoor.Connection, u *stagedoor.User, address string) (*stagedoor.User, error) {
	missing := u.Email == address && !u.EmailVerified || u.PhoneNumber == address && !u.PhoneVerified
	if u.Connection != c.Name || !missing {
		return u, nil
	}
	return st.UpdateUser(ctx, u.ID, func(u *stagedoor.User) error {
		u.EmailVerified, u.PhoneVerified = u.EmailVerified || u.Email == address, u.PhoneVerified || u.PhoneNumber == address
		return nil
	})
}

// CreatePasswordless adds a user to a passwordless connection, whom the e-mail address or the telephone number identifies, and
// gives the id unless u.ID is set.
func CreatePasswordless(ctx context.Context, st *store.Store, c *stagedoor.Connection, u *stagedoor.User) error {
	var err error
	if u.Email, err = NormalizeEmail(u.Email); err != nil {
		return err
	}
	bare := strings.TrimPrefix(u.ID, c.Strategy+"|")
	if bare == "" {
		bare = stagedoor.NewHexID()
	}
	u.ID, u.Connection = c.Strategy+"|"+bare, c.Name
	u.Identities = []stagedoor.Identity{{Connection: c.Name, Provider: c.Strategy, UserID: bare}}
	u.FillDefaults()
	return st.CreateUser(ctx, u, "")
}
