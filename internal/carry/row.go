package carry

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/job"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Bounds of a user.
const (
	maxUserID     = 300      // characters of user_id
	maxText       = 2048     // bytes of a name or an address
	maxAttributes = 64 << 10 // bytes of all further attributes
	maxIdentities = 50
)

// wrongRow is what is wrong with a row; nothing of the user is taken then.
func wrongRow(path, format string, args ...any) *stagedoor.JobRowError {
	return &stagedoor.JobRowError{Code: "NOT_CARRIED", Message: stagedoor.Errorf(stagedoor.Invalid, "", format, args...).Message, Path: path}
}

// reader reads the rows of exports.
type reader struct {
	strategies map[string]string // of the connections that there are or will be, by name
	hashes     map[string]bool   // of those whether an action understands hashes that nobody else does
	database   string            // the connection of database users whose rows name none; may be empty
	capture    bool              // passwords that the file does not have are asked for where they are
	limit      int               // of each metadata object, in bytes
}

// row reads one user. notes are what of the user cannot be carried though the user is.
func (r *reader) row(raw []byte) (row store.CarriedUser, notes []Loss, wrong *stagedoor.JobRowError) {
	if err := web.CheckJSON(raw); err != nil {
		return row, nil, wrongRow("", "%s", reasonOf(err))
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || m == nil {
		return row, nil, wrongRow("", "It is no object.")
	}
	relabel(m)
	row.Only = usual(m)
	in := members{m, &notes}
	u := &stagedoor.User{
		Email: in.text("email"), EmailVerified: in.truth("email_verified"), Username: in.text("username"), PhoneNumber: in.text("phone_number"),
		PhoneVerified: in.truth("phone_verified"), Name: in.text("name"), Nickname: in.text("nickname"), GivenName: in.text("given_name"),
		FamilyName: in.text("family_name"), Picture: in.text("picture"), LastIP: in.text("last_ip"), LoginsCount: in.count("logins_count"),
		CreatedAt: in.moment("created_at"), UpdatedAt: in.moment("updated_at"), LastLogin: in.moment("last_login"), LastPasswordReset: in.moment("last_password_reset"),
	}
	for _, l := range notes {
		if l.Path == "email" || l.Path == "username" { // people sign in by these
			return row, nil, wrongRow(l.Path, "%s", strings.ToUpper(l.Reason[:1])+l.Reason[1:]+".")
		}
	}
	if raw := in.given("blocked"); raw != nil {
		blocked, known := truth(raw)
		if !known {
			return row, nil, wrongRow("blocked", "It is neither true nor false: nobody is let in who may be blocked.")
		}
		u.Blocked = &blocked
	}
	if u.CreatedAt.IsZero() {
		u.CreatedAt = time.Now()
	}
	if u.UpdatedAt.Before(u.CreatedAt) {
		u.UpdatedAt = u.CreatedAt
	}
	row.User, row.ByEmail = u, len(m["identities"]) == 0 && text(m["user_id"]) == ""
	if wrong = r.identities(u, m, &notes); wrong != nil {
		return row, nil, wrong
	}
	if wrong = r.identifiers(u, &notes); wrong != nil {
		return row, nil, wrong
	}
	if wrong = r.metadata(u, m); wrong != nil {
		return row, nil, wrong
	}
	attributes(u, m, &notes)
	u.FillDefaults()
	if row.Hash, row.Factors, wrong = job.Secrets(m, r.hashes[u.Identities[0].Connection]); wrong != nil {
		return row, nil, wrong
	}
	if row.Hash != "" && u.Identities[0].Provider != connection.StrategyDatabase {
		row.Hash = ""
		notes = append(notes, Loss{"password_hash", "people of this connection have no password here"})
	}
	var factors []string
	if json.Unmarshal(m["multifactor"], &factors) == nil && len(factors) > 0 && row.Factors == nil {
		notes = append(notes, Loss{"multifactor", "the file does not hold the secrets of the second factor (" + strings.Join(factors, ", ") + "): it is to be enrolled again"})
	}
	row.Capture = r.capture && row.Hash == "" && !row.Only && u.Identities[0].Provider == connection.StrategyDatabase
	if !store.Storable(u) {
		return row, nil, wrongRow("", "It holds a text that cannot be stored.")
	}
	return row, notes, nil
}

// labels are what the vendor's extension for exports calls its columns, where nobody has named them otherwise.
var labels = map[string]string{
	"Id": "user_id", "Given Name": "given_name", "Family Name": "family_name", "Nickname": "nickname", "Name": "name", "Email": "email",
	"Email Verified": "email_verified", "Picture": "picture", "Connection": "connection", "Created At": "created_at", "Updated At": "updated_at",
}

// relabel gives a row of that extension the names of an export.
func relabel(m map[string]json.RawMessage) {
	for label, name := range labels {
		if value, there := m[label]; there && m[name] == nil {
			m[name] = value
			delete(m, label)
		}
	}
}

var objectID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// usual gives a row of the vendor's file of passwords (_id, passwordHash) the names of an export, and tells whether it is one.
func usual(m map[string]json.RawMessage) bool {
	hash := m["passwordHash"]
	if len(hash) == 0 {
		return false
	}
	delete(m, "passwordHash")
	m["password_hash"] = hash
	var id struct {
		OID string `json:"$oid"`
	}
	if m["user_id"] == nil {
		if json.Unmarshal(m["_id"], &id) != nil {
			id.OID = text(m["_id"])
		}
		if objectID.MatchString(id.OID) {
			m["user_id"] = json.RawMessage(`"` + connection.StrategyDatabase + "|" + id.OID + `"`)
		}
	}
	for name := range m { // the rest is the vendor's own book-keeping
		if !slices.Contains([]string{"user_id", "email", "email_verified", "username", "connection", "password_hash"}, name) {
			delete(m, name)
		}
	}
	return true
}

type identityIn struct {
	Connection  string                     `json:"connection"`
	Provider    string                     `json:"provider"`
	UserID      json.RawMessage            `json:"user_id"`
	IsSocial    bool                       `json:"isSocial"`
	ProfileData map[string]json.RawMessage `json:"profileData"`
}

// identities reads who somebody is; the connections must be here.
func (r *reader) identities(u *stagedoor.User, m map[string]json.RawMessage, notes *[]Loss) *stagedoor.JobRowError {
	u.ID = text(m["user_id"])
	var all []identityIn
	if raw := m["identities"]; len(raw) > 0 && json.Unmarshal(raw, &all) != nil {
		return wrongRow("identities", "They are no list of identities.")
	}
	if len(all) > maxIdentities {
		return wrongRow("identities", "There are more than %d.", maxIdentities)
	}
	if len(all) == 0 {
		provider, id, bare := strings.Cut(u.ID, "|")
		if !bare {
			provider, id = connection.StrategyDatabase, u.ID
		}
		if id == "" {
			id = stagedoor.NewHexID()
		}
		name := text(m["connection"])
		if name == "" && provider == connection.StrategyDatabase {
			name = r.database
		} else if name == "" {
			name = provider
		}
		raw, _ := json.Marshal(id)
		all = []identityIn{{Connection: name, Provider: provider, UserID: raw}}
	}
	for i, in := range all {
		path := "identities[" + strconv.Itoa(i) + "]"
		id, lost := identity(in)
		strategy, known := r.strategies[id.Connection]
		if i > 0 { // the first one's is that of the user
			for _, l := range lost {
				*notes = append(*notes, Loss{path + ".profileData." + l.Path, l.Reason})
			}
		}
		switch {
		case id.Connection == "":
			return wrongRow("connection", "The row names no connection: say which it is.")
		case !known:
			return wrongRow(path, "There is no connection %q here.", bounded(id.Connection))
		case strategy != id.Provider:
			return wrongRow(path, "The connection %q is one of the strategy %s here, not %s.", bounded(id.Connection), strategy, bounded(id.Provider))
		case id.UserID == "" || utf8.RuneCountInString(id.FullID()) > maxUserID || strings.ContainsFunc(id.UserID, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }):
			return wrongRow(path+".user_id", "It is empty, longer than %d characters or holds spaces.", maxUserID)
		}
		if i > 0 && id.Provider == connection.StrategyDatabase { // people sign in by these too
			email, err := connection.NormalizeEmail(id.Text("email"))
			if err != nil {
				return wrongRow(path+".profileData.email", "It is not an e-mail address.")
			}
			if email != "" {
				id.ProfileData["email"] = email
			}
		}
		if number, is := stagedoor.PhoneNumber(id.Text("phone_number")); is {
			id.ProfileData["phone_number"] = number
		}
		u.Identities = append(u.Identities, id)
	}
	first := u.Identities[0].FullID()
	if u.ID != "" && u.ID != first && u.ID != u.Identities[0].UserID {
		return wrongRow("user_id", "It is not the id of the first identity.")
	}
	u.ID, u.Connection = first, u.Identities[0].Connection
	if len(u.Identities) == 1 {
		u.Identities[0].ProfileData = nil
	}
	return nil
}

// identity reads an identity. lost is what its profile does not hold as it should.
func identity(in identityIn) (out stagedoor.Identity, lost []Loss) {
	id := text(in.UserID)
	if id == "" {
		var n json.Number
		if json.Unmarshal(in.UserID, &n) == nil {
			id = n.String()
		}
	}
	out = stagedoor.Identity{Connection: in.Connection, Provider: in.Provider, UserID: strings.TrimPrefix(id, in.Provider+"|"), IsSocial: in.IsSocial, ProfileData: map[string]any{}}
	profile := members{in.ProfileData, &lost}
	for _, name := range []string{"email", "username", "phone_number", "name", "nickname", "given_name", "family_name", "picture"} {
		if s := profile.text(name); s != "" {
			out.ProfileData[name] = s
		}
	}
	for _, name := range []string{"email_verified", "phone_verified"} {
		if profile.given(name) != nil {
			out.ProfileData[name] = profile.truth(name)
		}
	}
	return out, lost
}

// identifiers brings what people sign in with into the form in which it is looked up.
func (r *reader) identifiers(u *stagedoor.User, notes *[]Loss) *stagedoor.JobRowError {
	database := u.Identities[0].Provider == connection.StrategyDatabase
	email, err := connection.NormalizeEmail(u.Email)
	if err != nil && database {
		return wrongRow("email", "It is not an e-mail address.")
	}
	if err != nil {
		*notes = append(*notes, Loss{"email", "it is not an e-mail address"})
	}
	u.Email = email
	name, err := connection.NormalizeUsername(u.Username)
	if err != nil && database {
		return wrongRow("username", "It is not a username that can be used here.")
	}
	if err == nil {
		u.Username = name
	}
	number, is := stagedoor.PhoneNumber(u.PhoneNumber)
	if is {
		u.PhoneNumber = number
	}
	switch alone := u.Email == "" && u.Username == ""; {
	case database && alone && u.PhoneNumber == "":
		return wrongRow("email", "The user has neither an e-mail address nor a username.")
	case !is && (database && alone || u.Identities[0].Provider == connection.StrategySMS):
		return wrongRow("phone_number", "It is no telephone number with its country code, and the user is known by nothing else.")
	}
	if p, err := url.Parse(u.Picture); u.Picture != "" && (err != nil || p.Scheme != "https" && p.Scheme != "http") {
		u.Picture = ""
		*notes = append(*notes, Loss{"picture", "it is no web address"})
	}
	return nil
}

func (r *reader) metadata(u *stagedoor.User, m map[string]json.RawMessage) *stagedoor.JobRowError {
	for name, into := range map[string]*stagedoor.Metadata{"user_metadata": &u.UserMetadata, "app_metadata": &u.AppMetadata} {
		raw := m[name]
		if len(raw) == 0 || isNull(raw) {
			continue
		}
		if json.Unmarshal(raw, into) != nil {
			return wrongRow(name, "It is no object.")
		}
		*into = into.WithoutNulls()
		if err := stagedoor.CheckMetadata(name, *into); err != nil {
			return wrongRow(name, "%s", reasonOf(err))
		}
		if into.Size() > r.limit {
			return wrongRow(name, "It is larger than the %d bytes that this tenant allows (max_metadata_bytes).", r.limit)
		}
	}
	return nil
}

// notAttributes are members of a row that are read as something else, or are the vendor's book-keeping.
var notAttributes = []string{"connection", "user_id", "password_hash", "custom_password_hash", "password_set_date"}

// attributes keeps what the server has no name for, as providers give it: locale, gender and the like.
func attributes(u *stagedoor.User, m map[string]json.RawMessage, notes *[]Loss) {
	size := 0
	for name, value := range m {
		switch {
		case stagedoor.IsUserField(name), slices.Contains(stagedoor.TokenMembers, name), isNull(value), slices.Contains(notAttributes, name):
			continue
		case strings.Contains(strings.ToLower(name), "password"), name == "" || len(name) > 255 || strings.ContainsAny(name, ".\x00") || strings.HasPrefix(name, "$"):
			*notes = append(*notes, Loss{bounded(name), "no attribute can have this name here"})
			continue
		}
		if size += len(name) + len(value); size > maxAttributes {
			*notes = append(*notes, Loss{bounded(name), "the attributes are too large in all"})
			continue
		}
		if u.Attributes == nil {
			u.Attributes = map[string]json.RawMessage{}
		}
		u.Attributes[name] = value
	}
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

func bounded(s string) string { return stagedoor.Shorten(s, 100) }

// reasonOf is what a refusal says within its quotes.
func reasonOf(err error) string {
	message := stagedoor.AsError(err).Message
	if from, to := strings.IndexByte(message, '\''), strings.LastIndexByte(message, '\''); from >= 0 && to > from {
		return message[from+1 : to]
	}
	return message
}
