package connection

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/store"
)

// defaultHistory is how many former passwords are refused where the option does not say.
const defaultHistory = 5

func newerPolicy(o *stagedoor.PasswordOptions) password.Policy {
	c := o.Complexity
	return password.Policy{
		MinLength: c.MinLength, Types: c.CharacterTypes, ThreeOfFour: c.CharacterTypeRule == "three_of_four" && len(c.CharacterTypes) == 4,
		NoIdentical: c.IdenticalCharacters == "block", NoSequential: c.SequentialChars == "block",
	}
}

// checkDictionary refuses passwords that are much used, where the connection wants that.
func checkDictionary(c *stagedoor.Connection, secret string) error {
	if o := c.Options.PasswordOptions; o != nil {
		if !o.Dictionary.Active {
			return nil
		}
		most := password.TenThousand
		if o.Dictionary.Default == "en_100k" {
			most = password.HundredThousand
		}
		return password.CheckDictionary(secret, most, o.Dictionary.Custom)
	}
	if o := c.Options.PasswordDictionary; o != nil && o.Enable {
		return password.CheckDictionary(secret, password.TenThousand, o.Dictionary)
	}
	return nil
}

// personalFields are the attributes that a password must not hold.
var personalFields = []string{"name", "nickname", "username", "email", "user_metadata.name", "user_metadata.first", "user_metadata.last"}

// checkPersonal refuses passwords that hold something of the user, where the connection wants that.
func checkPersonal(c *stagedoor.Connection, u *stagedoor.User, secret string) error {
	fields := personalFields
	switch o, n := c.Options.PasswordOptions, c.Options.PasswordNoPersonalInfo; {
	case o != nil && o.ProfileData.Active:
		fields = o.ProfileData.BlockedFields
	case o != nil || n == nil || !n.Enable:
		return nil
	}
	profile, err := json.Marshal(u.Wire())
	if err != nil {
		return err
	}
	var attributes map[string]any
	if err := json.Unmarshal(profile, &attributes); err != nil {
		return err
	}
	var words []string
	for _, field := range fields {
		value := any(attributes)
		for _, name := range strings.Split(field, ".") {
			m, _ := value.(map[string]any)
			value = m[name]
		}
		word, _ := value.(string)
		if field == "email" { // of an address what stands before the @
			word, _, _ = strings.Cut(word, "@")
		}
		words = append(words, word)
	}
	return password.CheckPersonal(secret, words)
}

// historySize is how many passwords of a user, the current one included, must not come back; 0 if any may.
func historySize(c *stagedoor.Connection) int {
	if o := c.Options.PasswordOptions; o != nil {
		if o.History.Active {
			return o.History.Size
		}
		return 0
	}
	if o := c.Options.PasswordHistory; o != nil && o.Enable {
		if o.Size == 0 {
			return defaultHistory
		}
		return o.Size
	}
	return 0
}

// CheckNew tells why a password cannot become the user's: it is too weak, too common, holds something of the user, or has been
// used before. A *password.Error, or nil.
func (d *Database) CheckNew(ctx context.Context, st *store.Store, c *stagedoor.Connection, userID, secret string) error {
	if err := CheckPassword(c, secret); err != nil {
		return err
	}
	u, err := st.User(ctx, userID)
	if err != nil {
		return err
	}
	if err := checkPersonal(c, u, secret); err != nil {
		return err
	}
	size := historySize(c)
	if size == 0 {
		return nil
	}
	former, err := st.PasswordHistory(ctx, userID, size-1)
	if err != nil {
		return err
	}
	current, err := st.PasswordHash(ctx, userID)
	if err != nil {
		return err
	}
	for _, hash := range append(former, current) {
		if hash == "" {
			continue
		}
		if same, err := d.Hasher.Verify(ctx, secret, hash); err != nil {
			return err
		} else if same {
			return password.ErrReused()
		}
	}
	return nil
}

// Further tells what a connection asks of passwords besides its policy, for people to read: whether secret is none of the much
// used ones (nil where that does not matter), whether nothing personal may be in it, and how many former ones must not come back.
func Further(c *stagedoor.Connection, secret string) (uncommon *bool, personal bool, history int) {
	o := c.Options.PasswordOptions
	if d := c.Options.PasswordDictionary; o != nil && o.Dictionary.Active || o == nil && d != nil && d.Enable {
		uncommon = new(checkDictionary(c, secret) == nil)
	}
	if n := c.Options.PasswordNoPersonalInfo; o != nil && o.ProfileData.Active || o == nil && n != nil && n.Enable {
		personal = true
	}
	return uncommon, personal, historySize(c)
}

// Demanded is what a connection asks of passwords, for programs that ask people for one.
type Demanded struct {
	Complexity struct {
		MinLength           int      `json:"min_length"`
		CharacterTypes      []string `json:"character_types"`
		CharacterTypeRule   string   `json:"character_type_rule"`
		IdenticalCharacters string   `json:"identical_characters"`
		SequentialChars     string   `json:"sequential_characters"`
		MaxLengthExceeded   string   `json:"max_length_exceeded"`
	} `json:"complexity"`
	ProfileData struct {
		Active        bool     `json:"active"`
		BlockedFields []string `json:"blocked_fields"`
	} `json:"profile_data"`
	History struct {
		Active bool `json:"active"`
		Size   int  `json:"size"`
	} `json:"history"`
	Dictionary struct {
		Active  bool   `json:"active"`
		Default string `json:"default"`
	} `json:"dictionary"`
}

// Demands is what a connection asks of passwords, whichever way its options say it.
func Demands(c *stagedoor.Connection) (d Demanded) {
	allowed := map[bool]string{true: "block", false: "allow"}
	p := Policy(c)
	x := &d.Complexity
	x.MinLength, x.CharacterTypes, x.CharacterTypeRule = p.Least(), append([]string{}, p.Types...), "all"
	x.IdenticalCharacters, x.SequentialChars, x.MaxLengthExceeded = allowed[p.NoIdentical || p.Level == "excellent"], allowed[p.NoSequential], "error"
	switch p.Level {
	case "fair":
		x.CharacterTypes = []string{"lowercase", "uppercase", "number"}
	case "good", "excellent":
		x.CharacterTypes, x.CharacterTypeRule = []string{"lowercase", "uppercase", "number", "special"}, "three_of_four"
	}
	if p.ThreeOfFour {
		x.CharacterTypeRule = "three_of_four"
	}
	uncommon, personal, history := Further(c, "")
	d.ProfileData.Active, d.ProfileData.BlockedFields = personal, []string{}
	if o := c.Options.PasswordOptions; personal && o != nil {
		d.ProfileData.BlockedFields = append(d.ProfileData.BlockedFields, o.ProfileData.BlockedFields...)
	} else if personal {
		d.ProfileData.BlockedFields = personalFields
	}
	d.History.Active, d.History.Size = history > 0, history
	d.Dictionary.Active, d.Dictionary.Default = uncommon != nil, "en_10k"
	if o := c.Options.PasswordOptions; o != nil && o.Dictionary.Default != "" {
		d.Dictionary.Default = o.Dictionary.Default
	}
	return d
}
