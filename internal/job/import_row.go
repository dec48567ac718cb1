package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// userIn is a user of an import (Management API fact sheet 3.12).
type userIn struct {
	Email         string                      `json:"email" schema:"format=email"`
	EmailVerified bool                        `json:"email_verified"`
	PhoneNumber   string                      `json:"phone_number" pattern:"^\\+[0-9]{1,15}$"`
	PhoneVerified bool                        `json:"phone_verified"`
	UserID        string                      `json:"user_id" schema:"min=1,max=255,format=nospace"`
	Username      string                      `json:"username" schema:"min=1,max=128"`
	GivenName     string                      `json:"given_name" schema:"max=150"`
	FamilyName    string                      `json:"family_name" schema:"max=150"`
	Name          string                      `json:"name" schema:"max=300"`
	Nickname      string                      `json:"nickname" schema:"max=300"`
	Picture       string                      `json:"picture" schema:"format=uri"`
	Blocked       web.Opt[bool]               `json:"blocked" schema:"notnull"`
	PasswordHash  string                      `json:"password_hash" pattern:"^\\$2[ab]\\$10\\$[./A-Za-z0-9]{53}$"`
	CustomHash    web.Opt[customHashIn]       `json:"custom_password_hash" schema:"notnull"`
	AppMetadata   web.Opt[stagedoor.Metadata] `json:"app_metadata" schema:"notnull"`
	UserMetadata  web.Opt[stagedoor.Metadata] `json:"user_metadata" schema:"notnull"`
	Factors       []factorIn                  `json:"mfa_factors" schema:"min=1,max=10"`
}

type customHashIn struct {
	Algorithm string `json:"algorithm" schema:"required"`
	Hash      struct {
		Value    string `json:"value" schema:"required"`
		Encoding string `json:"encoding"` // may be left out where only utf8 can be meant
		Digest   string `json:"digest"`
		Key      *struct {
			Value    string `json:"value" schema:"required"`
			Encoding string `json:"encoding"`
		} `json:"key"`
	} `json:"hash" schema:"required"`
	Salt *struct {
		Value    string `json:"value" schema:"required"`
		Encoding string `json:"encoding"`
		Position string `json:"position"`
	} `json:"salt"`
	Password struct {
		Encoding string `json:"encoding"`
	} `json:"password"`
	KeyLength       web.Opt[int] `json:"keylen" schema:"notnull,min=1"`
	Cost            web.Opt[int] `json:"cost" schema:"notnull,min=2"`
	BlockSize       web.Opt[int] `json:"blockSize" schema:"notnull,min=1"`
	Parallelization web.Opt[int] `json:"parallelization" schema:"notnull,min=1"`

	UniversalName     string `json:"universal_hash_name"`
	UniversalMetadata string `json:"universal_hash_metadata"`
}

type factorIn struct {
	TOTP *struct {
		Secret string `json:"secret" schema:"required" pattern:"^[A-Z2-7]{8,512}=*$"`
	} `json:"totp"`
	Phone *struct {
		Value string `json:"value" schema:"required" pattern:"^\\+[0-9]{1,15}$"`
	} `json:"phone"`
	Email *struct {
		Value string `json:"value" schema:"required,format=email"`
	} `json:"email"`
}

var userSchema = web.NewSchema[userIn]()

func (in *customHashIn) foreign() password.Foreign {
	f := password.Foreign{
		Algorithm: in.Algorithm, Encoding: in.Password.Encoding, KeyLength: in.KeyLength.Value, Cost: in.Cost.Value, BlockSize: in.BlockSize.Value,
		Parallelization: in.Parallelization.Value,
		UniversalName:   in.UniversalName, UniversalMetadata: in.UniversalMetadata,
		Hash: password.ForeignHash{Value: in.Hash.Value, Encoding: in.Hash.Encoding, Digest: in.Hash.Digest},
	}
	if in.Hash.Key != nil {
		f.Hash.Key = &password.ForeignText{Value: in.Hash.Key.Value, Encoding: in.Hash.Key.Encoding}
	}
	if in.Salt != nil {
		f.Salt = &password.ForeignText{Value: in.Salt.Value, Encoding: in.Salt.Encoding, Position: in.Salt.Position}
	}
	return f
}

// codes are the codes of a row's errors by how the reasons begin.
var codes = []struct{ reason, code string }{
	{"Expected type", "INVALID_TYPE"},
	{"Object didn't pass validation for format", "FORMAT"},
	{"String does not match pattern", "PATTERN"},
	{"String is too long", "MAX_LENGTH"},
	{"String is too short", "MIN_LENGTH"},
	{"No enum match", "ENUM_MISMATCH"},
	{"is greater than", "MAXIMUM"},
	{"is less than", "MINIMUM"},
	{"Array is too long", "ARRAY_LENGTH_LONG"},
	{"Array is too short", "ARRAY_LENGTH_SHORT"},
	{"Missing required property", "OBJECT_REQUIRED"},
	{"Data does not match any schemas", "ANY_OF_MISSING"},
}

// rowError gives a reason its code.
func rowError(path, reason string) *stagedoor.JobRowError {
	for _, c := range codes {
		if strings.Contains(reason, c.reason) {
			return &stagedoor.JobRowError{Code: c.code, Message: reason, Path: path}
		}
	}
	return &stagedoor.JobRowError{Code: "NOT_PASSED", Message: reason, Path: path}
}

// importer reads the rows of one import.
type importer struct {
	conn     *stagedoor.Connection
	custom   bool // the connection has an action for hashes that nobody else understands
	limit    int  // of each metadata object, in bytes
	identify func(*stagedoor.Connection, *stagedoor.User) error
	seen     seen
}

// row turns a value of the file into what the store takes. It never fails: what is wrong is part of the row.
func (im *importer) row(raw []byte) store.ImportRow {
	row, err := im.read(raw)
	if err != nil {
		row.User, row.Error = nil, err
	}
	kept := bytes.Clone(raw)
	row.Shown = func() json.RawMessage { return masked(kept) }
	return row
}

func (im *importer) read(raw []byte) (store.ImportRow, *stagedoor.JobRowError) {
	row := store.ImportRow{}
	if err := web.CheckJSON(raw); err != nil {
		return row, rowError("", reasonOf(err))
	}
	in, v := userSchema.Check(raw)
	if v != nil {
		return row, secretive(rowError(v.Path, v.Reason))
	}
	if err := im.missing(&in); err != nil {
		return row, err
	}
	u := &stagedoor.User{
		ID: in.UserID, Email: in.Email, EmailVerified: in.EmailVerified, Username: in.Username, PhoneNumber: in.PhoneNumber,
		PhoneVerified: in.PhoneVerified, Name: in.Name, Nickname: in.Nickname, GivenName: in.GivenName, FamilyName: in.FamilyName,
		Picture: in.Picture, UserMetadata: in.UserMetadata.Value.WithoutNulls(), AppMetadata: in.AppMetadata.Value.WithoutNulls(),
	}
	if in.Blocked.Set {
		u.Blocked = &in.Blocked.Value
	}
	if err := im.identify(im.conn, u); err != nil {
		path := "email"
		if stagedoor.HasCode(err, "invalid_username") {
			path = "username"
		}
		return row, rowError(path, "Object didn't pass validation for format "+path)
	}
	if err := im.metadata(u); err != nil {
		return row, err
	}
	if !store.Storable(u) {
		return row, rowError("", "Object didn't pass validation for format text")
	}
	row.User, row.Change = u, in.change
	if in.CustomHash.Value.Algorithm == password.AlgorithmCustom && !im.custom {
		return row, rowError("custom_password_hash.algorithm", "The connection names no action that understands the hash: set its option custom_password_hash.action_id")
	}
	if err := in.secrets(&row, raw); err != nil {
		return row, err
	}
	return row, im.seen.add(u, in.UserID != "", im.conn.Options.Attributes().Phone.Identifies)
}

// missing tells what a row lacks by which its user is known: the address, where the connection does not say otherwise; else what it says, and one of what people log in with.
func (im *importer) missing(in *userIn) *stagedoor.JobRowError {
	rules := im.conn.Options.Attributes()
	some := false
	for name, value := range map[string]string{stagedoor.AttributeEmail: in.Email, stagedoor.AttributePhone: in.PhoneNumber, stagedoor.AttributeUsername: in.Username} {
		rule := rules.Of(name)
		if value == "" && (rule.Needed || !rules.Flexible && name == stagedoor.AttributeEmail) {
			return rowError("", "Missing required property: "+name)
		}
		some = some || value != "" && rule.Identifies
	}
	if !some {
		return rowError("", "Missing required property: "+strings.Join(rules.Precedence, " or "))
	}
	return nil
}

func (im *importer) metadata(u *stagedoor.User) *stagedoor.JobRowError {
	for _, m := range []struct {
		name  string
		value stagedoor.Metadata
	}{{"user_metadata", u.UserMetadata}, {"app_metadata", u.AppMetadata}} {
		if err := stagedoor.CheckMetadata(m.name, m.value); err != nil {
			return &stagedoor.JobRowError{Code: "NOT_PASSED", Message: reasonOf(err), Path: m.name}
		}
		if size := m.value.Size(); size > im.limit {
			return &stagedoor.JobRowError{Code: "MAX_LENGTH", Message: "The object is larger than what this tenant allows", Path: m.name}
		}
	}
	return nil
}

// secrets reads the password's hash and the second factors.
func (in *userIn) secrets(row *store.ImportRow, raw []byte) *stagedoor.JobRowError {
	switch {
	case in.PasswordHash != "" && in.CustomHash.Set:
		return &stagedoor.JobRowError{Code: "NOT_PASSED", Message: "password_hash and custom_password_hash exclude each other", Path: "custom_password_hash"}
	case in.CustomHash.Set:
		text, err := in.CustomHash.Value.foreign().Text()
		var wrong *password.ForeignError
		if errors.As(err, &wrong) {
			return secretive(rowError(strings.TrimSuffix("custom_password_hash."+wrong.Path, "."), wrong.Reason))
		}
		if err != nil {
			return rowError("custom_password_hash", "Object didn't pass validation for format hash")
		}
		row.Hash = text
	default:
		row.Hash = in.PasswordHash
	}
	for _, f := range in.Factors {
		if n := present(f.TOTP) + present(f.Phone) + present(f.Email); n != 1 {
			return &stagedoor.JobRowError{Code: "MFA_FACTORS_FAILED", Message: "A factor is one of totp, phone and email", Path: "mfa_factors"}
		}
	}
	if in.Factors != nil {
		var kept struct {
			Factors json.RawMessage `json:"mfa_factors"`
		}
		if err := json.Unmarshal(raw, &kept); err != nil {
			return rowError("mfa_factors", "Expected type array")
		}
		row.Factors = kept.Factors
	}
	return nil
}

func present[T any](p *T) int {
	if p == nil {
		return 0
	}
	return 1
}

// change is what an import does to a user who is there: the profile's names as far as they were sent, metadata whole.
func (in *userIn) change(u *stagedoor.User) {
	u.EmailVerified = in.EmailVerified
	for field, value := range map[*string]string{
		&u.Name: in.Name, &u.Nickname: in.Nickname, &u.GivenName: in.GivenName, &u.FamilyName: in.FamilyName, &u.Picture: in.Picture,
	} {
		if value != "" {
			*field = value
		}
	}
	if in.UserMetadata.Set {
		u.UserMetadata = in.UserMetadata.Value.WithoutNulls()
	}
	if in.AppMetadata.Set {
		u.AppMetadata = in.AppMetadata.Value.WithoutNulls()
	}
}

// reasonOf is what a refusal says within its quotes.
func reasonOf(err error) string {
	text := stagedoor.AsError(err).Message
	if from, to := strings.IndexByte(text, '\''), strings.LastIndexByte(text, '\''); from >= 0 && to > from {
		return text[from+1 : to]
	}
	return text
}

// secretPaths are the members whose values no report repeats.
var secretPaths = []string{"password_hash", "custom_password_hash", "mfa_factors"}

// secretive takes the value out of the message about a secret, and shortens any other.
func secretive(e *stagedoor.JobRowError) *stagedoor.JobRowError {
	for _, path := range secretPaths {
		if e.Path == path || strings.HasPrefix(e.Path, path+".") || strings.HasPrefix(e.Path, path+"[") {
			if reason, _, cut := strings.Cut(e.Message, ": "); cut && e.Code != "ENUM_MISMATCH" && e.Code != "OBJECT_REQUIRED" {
				e.Message = reason
			}
		}
	}
	e.Message = stagedoor.Shorten(e.Message, 1000)
	return e
}

// maxShown is the largest row that a report shows, in bytes.
const maxShown = 64 << 10

// masked is a row as reports show it.
func masked(raw []byte) json.RawMessage {
	if len(raw) > maxShown {
		return json.RawMessage(`{}`)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return json.RawMessage(`{}`)
	}
	for _, name := range secretPaths {
		if _, there := members[name]; there {
			members[name] = json.RawMessage(`"*****"`)
		}
	}
	out, err := json.Marshal(members)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return out
}
