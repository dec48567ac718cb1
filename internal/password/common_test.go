package password

import (
	"errors"
	"testing"
)

func refusedAs(t *testing.T, err error, name string) {
	t.Helper()
	var e *Error
	if name == "" {
		if err != nil {
			t.Error(err)
		}
	} else if !errors.As(err, &e) || e.Name != name || e.Code != "invalid_password" || e.StatusCode != 400 {
		t.Errorf("%v, want %s", err, name)
	}
}

func TestDictionary(t *testing.T) {
	for word, name := range map[string]string{
		"password": "PasswordDictionaryError", "PassWord": "PasswordDictionaryError", "mixtape-2026": "PasswordDictionaryError",
		"MIXTAPE-2026": "PasswordDictionaryError", "a fine long sentence": "", "": "",
	} {
		refusedAs(t, CheckDictionary(word, TenThousand, []string{"Mixtape-2026"}), name)
	}
	refusedAs(t, CheckDictionary("password", 0, nil), "")
	list := 0
	for _, rank := range ranks() {
		if rank >= TenThousand {
			list++
		}
	}
	if list == 0 {
		t.Error("the larger list is no larger")
	}
}

func TestPersonal(t *testing.T) {
	words := []string{"Kim Example", "kimmy", "", "al"}
	for word, name := range map[string]string{
		"I-am-Kim-1": "PasswordNoUserInfoError", "EXAMPLE-1": "PasswordNoUserInfoError", "xkimmyx": "PasswordNoUserInfoError", "totally-1": "",
	} {
		refusedAs(t, CheckPersonal(word, words), name)
	}
	refusedAs(t, ErrReused(), "PasswordHistoryError")
}

func TestNewerPolicy(t *testing.T) {
	all := []string{"lowercase", "uppercase", "number", "special"}
	for _, c := range []struct {
		policy   Policy
		password string
		good     bool
	}{
		{Policy{MinLength: 4}, "abc", false},
		{Policy{MinLength: 4}, "abcd", true},
		{Policy{Types: []string{"number", "special"}}, "abc1", false},
		{Policy{Types: []string{"number", "special"}}, "abc1!", true},
		{Policy{Types: all, ThreeOfFour: true}, "abC1", true},
		{Policy{Types: all, ThreeOfFour: true}, "abc1", false},
		{Policy{NoIdentical: true}, "aab", true},
		{Policy{NoIdentical: true}, "aaab", false},
		{Policy{NoSequential: true}, "acegabxy", true},
		{Policy{NoSequential: true}, "xxABCxx", false},
		{Policy{NoSequential: true}, "xx321xx", false},
		{Policy{NoSequential: true}, "xxaBcxx", false},
	} {
		if got := c.policy.Check(c.password).Verified; got != c.good {
			t.Errorf("%+v %q: %v", c.policy, c.password, got)
		}
	}
}
