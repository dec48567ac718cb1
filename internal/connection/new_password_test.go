package connection_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/trustelem/zxcvbn/frequency"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What a connection asks of a new password beside its strength, said in the older and in the newer way.
func TestFurtherRules(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, db *connection.Database, c *stagedoor.Connection) {
		u := &stagedoor.User{
			Email: "firebird@example.com", Name: "Ada Lovelace", Nickname: "Enchantress",
			UserMetadata: stagedoor.Metadata{"first": json.RawMessage(`"Augusta"`), "pet": json.RawMessage(`"Puffin"`)},
		}
		if err := db.Create(t.Context(), st, c, u, word); err != nil {
			t.Fatal(err)
		}
		for i, row := range []struct{ options, password, code string }{
			{`{}`, "lovelace", ""},
			{`{"password_dictionary":{"enable":true,"dictionary":["Analytical"]}}`, "aNALYTICAL", "PasswordDictionaryError"},
			{`{"password_dictionary":{"enable":true}}`, "PassWord1", "PasswordDictionaryError"},
			{`{"password_dictionary":{"enable":true}}`, "skywalker8", ""},
			{`{"password_options":{"dictionary":{"active":true,"default":"en_10k","custom":["Analytical"]}}}`, "analytical", "PasswordDictionaryError"},
			{`{"password_options":{"dictionary":{"active":true,"default":"en_10k"}}}`, rarer(t), ""},
			{`{"password_options":{"dictionary":{"active":true,"default":"en_100k"}}}`, rarer(t), "PasswordDictionaryError"},
			{`{"password_options":{"dictionary":{"active":false,"custom":["Analytical"]}}}`, "analytical", ""},
			{`{"password_no_personal_info":{"enable":true}}`, "xLOVELACEx", "PasswordNoUserInfoError"},
			{`{"password_no_personal_info":{"enable":true}}`, "xenchantressx", "PasswordNoUserInfoError"},
			{`{"password_no_personal_info":{"enable":true}}`, "x-firebird-x", "PasswordNoUserInfoError"},
			{`{"password_no_personal_info":{"enable":true}}`, "x-augusta-x", "PasswordNoUserInfoError"},
			{`{"password_no_personal_info":{"enable":true}}`, "x-puffin-x", ""},
			{`{"password_no_personal_info":{"enable":false}}`, "xlovelacex", ""},
			{`{"password_options":{"profile_data":{"active":true,"blocked_fields":["user_metadata.pet"]}}}`, "x-puffin-x", "PasswordNoUserInfoError"},
			{`{"password_options":{"profile_data":{"active":true,"blocked_fields":["user_metadata.pet"]}}}`, "xlovelacex", ""},
		} {
			err := db.CheckNew(t.Context(), st, asking(t, c, row.options), u.ID, row.password)
			if (err == nil) != (row.code == "") || err != nil && !said(err, row.code) {
				t.Errorf("%d: %s %q: %v, want %q", i, row.options, row.password, err, row.code)
			}
		}
	})
}

// Of former passwords as many must not come back as the connection says, the current one among them: five where it does not.
func TestFormerPasswords(t *testing.T) {
	for options, size := range map[string]int{
		`{"password_history":{"enable":true}}`: 5, `{"password_history":{"enable":true,"size":2}}`: 2, `{"password_history":{"enable":false,"size":2}}`: 0,
		`{"password_options":{"history":{"active":true,"size":1}}}`: 1, `{"password_options":{"history":{"active":true,"size":3}}}`: 3,
		`{"password_options":{"history":{"active":false,"size":3}}}`: 0,
	} {
		t.Run(options, func(t *testing.T) {
			st := storetest.Tenant(t, storetest.Open(t, storetest.SQLite), "acme")
			c := asking(t, &stagedoor.Connection{Name: "Users", Strategy: connection.StrategyDatabase}, options)
			if err := st.CreateConnection(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			u, db := &stagedoor.User{Email: "ada@example.com"}, &connection.Database{Hasher: password.NewHasher()}
			former := func(n int) string { return fmt.Sprint(word, n) }
			if err := db.Create(t.Context(), st, c, u, former(0)); err != nil {
				t.Fatal(err)
			}
			for n := range 6 {
				if err := db.SetPassword(t.Context(), st, c, u.ID, former(n+1)); err != nil {
					t.Fatal(err)
				}
			}
			for n := range 7 {
				err := db.CheckNew(t.Context(), st, c, u.ID, former(n))
				if again := n > 6-size; (err != nil) != again || err != nil && !said(err, "PasswordHistoryError") {
					t.Errorf("%d changes ago: %v", 6-n, err)
				}
			}
		})
	}
}

// asking is the connection with other options.
func asking(t *testing.T, c *stagedoor.Connection, options string) *stagedoor.Connection {
	t.Helper()
	other := *c
	other.Options = stagedoor.ConnectionOptions{}
	if err := json.Unmarshal([]byte(options), &other.Options); err != nil {
		t.Fatal(err)
	}
	other.Options.PasswordPolicy = "none"
	return &other
}

func said(err error, name string) bool {
	var refused *password.Error
	return errors.As(err, &refused) && refused.Name == name
}

// rarer is a password that is among the hundred thousand most used ones, and not among the first ten thousand.
func rarer(t *testing.T) string {
	t.Helper()
	for _, word := range frequency.FrequencyLists["passwords"][password.TenThousand+1000:] {
		if len(word) > 5 {
			return word
		}
	}
	t.Fatal("there is none")
	return ""
}
