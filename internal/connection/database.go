package connection

import (
	"context"
	"net/http"
	"net/mail"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// StrategyDatabase is the strategy of connections whose users have passwords that the server checks, or lets the tenant's scripts check.
const StrategyDatabase = stagedoor.StrategyDatabase

// maxPassword bounds what is hashed, in bytes.
const maxPassword = 1024

// Database proves people by identifier and password. Where users are kept, and who checks their passwords, is the connection's to say (see
// keeper); callers do not notice.
type Database struct {
	Hasher  *password.Hasher
	Scripts *script.Host // calls the scripts of connections that have some; nil: those connections fail
	Outside *http.Client // asks the server that users came from for their passwords; nil: nobody is asked

	occasion *Occasion // nil: nobody's
}

const wrongCredentials = "Wrong email or password."

// ErrWrongCredentials is the one answer for a wrong password and an unknown user.
func ErrWrongCredentials() error {
	return stagedoor.Errorf(stagedoor.Forbidden, "invalid_grant", wrongCredentials)
}

// Authenticate returns the user whose password it is, or to whom the identity is linked whose password it is. known tells whether there is such a user,
// for the log only; of one whose record is not here u has the id alone.
func (d *Database) Authenticate(ctx context.Context, st *store.Store, c *stagedoor.Connection, identifier, secret string) (u *stagedoor.User, known bool, err error) {
	if len(secret) > maxPassword {
		secret = ""
	}
	return d.of(st, c).authenticate(ctx, identifier, secret)
}

// Find returns the user who wants another password. Somebody who is unknown is NotFound.
func (d *Database) Find(ctx context.Context, st *store.Store, c *stagedoor.Connection, identifier string) (*stagedoor.User, error) {
	return d.of(st, c).find(ctx, identifier)
}

// Verified notes that the address of a user is proved to be theirs. An address that has changed meanwhile is NotFound.
func (d *Database) Verified(ctx context.Context, st *store.Store, c *stagedoor.Connection, u *stagedoor.User) error {
	return d.of(st, c).verified(ctx, u)
}

// Renamed asks whether a user may have another address, username or telephone number; the caller changes the record afterwards.
func (d *Database) Renamed(ctx context.Context, st *store.Store, c *stagedoor.Connection, u *stagedoor.User, to Name) error {
	return d.of(st, c).renamed(ctx, u, to)
}

// Delete deletes a user.
func (d *Database) Delete(ctx context.Context, st *store.Store, c *stagedoor.Connection, u *stagedoor.User) error {
	if err := d.of(st, c).deleted(ctx, u); err != nil {
		return err
	}
	return st.DeleteUser(ctx, u.ID)
}

// verify returns ErrWrongCredentials unless hash is of the secret. Neither a missing hash nor a missing secret is faster.
func (d *Database) verify(ctx context.Context, secret, hash string) error {
	ok, err := false, error(nil)
	if hash == "" || secret == "" {
		err = d.Hasher.BurnTime(ctx)
	} else {
		ok, err = d.Hasher.Verify(ctx, secret, hash)
	}
	if err == nil && !ok {
		err = ErrWrongCredentials()
	}
	return err
}

// Policy returns what the connection asks of a new password. New connections have
// the policy good.
func Policy(c *stagedoor.Connection) password.Policy {
	if o := c.Options.PasswordOptions; o != nil {
		return newerPolicy(o)
	}
	p := password.Policy{Level: c.Options.PasswordPolicy}
	if p.Level == "" {
		p.Level = "good"
	}
	if o := c.Options.PasswordComplexityOptions; o != nil {
		p.MinLength = o.MinLength
	}
	return p
}

// CheckPassword tells why a new password is not good enough: a *password.Error, or nil.
func CheckPassword(c *stagedoor.Connection, secret string) error {
	if len(secret) > maxPassword || !utf8.ValidString(secret) {
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_password", "The password is longer than %d bytes or not valid text.", maxPassword)
	}
	if err := Policy(c).Validate(secret); err != nil {
		return err
	}
	return checkDictionary(c, secret)
}

// Create adds a user to a database connection. It normalises the identifiers, checks the password (where the server keeps users an
// empty one is allowed and makes a user who has to reset it), and gives the id unless u.ID is set.
func (d *Database) Create(ctx context.Context, st *store.Store, c *stagedoor.Connection, u *stagedoor.User, secret string) error {
	return d.of(st, c).create(ctx, u, secret)
}

// Identify makes u a user of a database connection: it normalises the identifiers, gives the id unless u.ID is set, and fills in
// what was not said.
func Identify(c *stagedoor.Connection, u *stagedoor.User) (err error) {
	if u.Email, err = NormalizeEmail(u.Email); err != nil {
		return err
	}
	if u.Username, err = Username(c, u.Username); err != nil {
		return err
	}
	if rules := c.Options.Attributes(); rules.Flexible && u.PhoneNumber != "" {
		if u.PhoneNumber, err = NormalizePhone(u.PhoneNumber); err != nil {
			return err
		}
	}
	if rule := c.Options.Usernames(); u.Username != "" && rule.Have && !rule.Takes(u.Username) {
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_username", "The username is not valid.")
	}
	bare := strings.TrimPrefix(u.ID, StrategyDatabase+"|")
	if bare == "" {
		bare = stagedoor.NewHexID()
	}
	u.ID, u.Connection = StrategyDatabase+"|"+bare, c.Name
	u.Identities = []stagedoor.Identity{{Connection: c.Name, Provider: StrategyDatabase, UserID: bare}}
	u.FillDefaults()
	return nil
}

// SetPassword replaces a user's password: their sessions and refresh tokens end. An error with [store.CodeAccessEnded]: the user does it, and all their
// access has ended meanwhile.
func (d *Database) SetPassword(ctx context.Context, st *store.Store, c *stagedoor.Connection, userID, secret string) error {
	if err := d.CheckNew(ctx, st, c, userID, secret); err != nil {
		return err
	}
	u, err := st.User(ctx, userID)
	if err != nil {
		return err
	}
	if err := store.CheckAccessEnded(u, d.since()); err != nil { // before a script is asked, which cannot be held to it
		return err
	}
	return d.of(st, c).replace(ctx, u, "", secret)
}

// SetLinkedPassword replaces the password of a user's linked identity in the connection: the user's sessions and tokens end.
func (d *Database) SetLinkedPassword(ctx context.Context, st *store.Store, c *stagedoor.Connection, userID, identityID, secret string) error {
	if err := CheckPassword(c, secret); err != nil {
		return err
	}
	u, err := st.User(ctx, userID)
	if err != nil {
		return err
	}
	return d.of(st, c).replace(ctx, u, identityID, secret)
}

// NormalizeEmail returns the address in lower case; an empty one is allowed. All characters of one can be seen: another person's
// would look the same to whoever reads it in a mail, on a page or in the dashboard. Nor does it become another one by that: i is U+0130 in lower case, and k
// the Kelvin sign, while a mail to either goes elsewhere. Its host is not written in other forms of letters, of full width or in ligatures, of which what resolves
// names makes the plain ones: no host has such a name (RFC 5892).
func NormalizeEmail(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	text := utf8.ValidString(s) && !strings.ContainsAny(s, "\u0130\u212a") // ToLower would mend it
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	local, host, _ := strings.Cut(s, "@")
	if err != nil || a.Address != s || strings.ContainsFunc(s, stagedoor.Invisible) || strings.ContainsRune(s, 0xfe0f) || len(s) > 254 || len(local) > 64 || !norm.NFKC.IsNormalString(host) || strings.ContainsRune(host, '。') || strings.ContainsAny(s, " \"(),:;<>[\\]\x00") || !text {
		return "", stagedoor.Errorf(stagedoor.Invalid, "invalid_email", "The e-mail address is not valid.")
	}
	return s, nil
}

var usernameForm = regexp.MustCompile(`^[a-z0-9@^$.!` + "`" + `\-#+'~_]{1,128}$`)

// NormalizeUsername returns the username in lower case; an empty one is allowed.
func NormalizeUsername(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	s = strings.ToLower(strings.TrimSpace(s))
	if _, err := mail.ParseAddress(s); err == nil || !usernameForm.MatchString(s) {
		return "", stagedoor.Errorf(stagedoor.Invalid, "invalid_username", "The username is not valid.")
	}
	return s, nil
}
