package stagedoor

import (
	"encoding/json"
	"testing"
)

func TestUsernames(t *testing.T) {
	for options, want := range map[string]UsernameRule{
		`{}`:                         {},
		`{"requires_username":true}`: {Have: true, Must: true},
		`{"requires_username":true,"validation":{"username":{"min":2,"max":4}}}`:                                                                 {Have: true, Must: true, Min: 2, Max: 4},
		`{"attributes":{"email":{"identifier":{"active":true}}}}`:                                                                                {},
		`{"attributes":{"username":{"identifier":{"active":true},"signup":{"status":"optional"},"validation":{"min_length":1,"max_length":5}}}}`: {Have: true, Min: 1, Max: 5, NoPhones: true},
		`{"attributes":{"username":{"identifier":{"active":true},"signup":{"status":"required"}}}}`:                                              {Have: true, Must: true, NoPhones: true},
		`{"attributes":{"username":{"identifier":{"active":true}}}}`:                                                                             {Have: true, NoPhones: true},
		`{"attributes":{"username":{"profile_required":true}}}`:                                                                                  {Have: true, Must: true, NoPhones: true},
		`{"attributes":{"username":{"signup":{"status":"inactive"}}}}`:                                                                           {NoPhones: true},
		`{"attributes":{"username":{"identifier":{"active":false},"signup":{"status":"inactive"}}}}`:                                             {NoPhones: true},
	} {
		var o ConnectionOptions
		if err := json.Unmarshal([]byte(options), &o); err != nil || o.Usernames() != want {
			t.Errorf("%s: %+v %v", options, o.Usernames(), err)
		}
	}
	r := UsernameRule{Have: true, Min: 2, Max: 4}
	for name, want := range map[string]bool{"": true, "a": false, "ab": true, "àbcd": true, "abcde": false} {
		if r.Takes(name) != want {
			t.Errorf("%q: %v", name, r.Takes(name))
		}
	}
	for name, want := range map[string]bool{"+49151": false, "0049.151": false, "+49-151": false, "0151": true, "49151": true, "007bond": true} {
		if (UsernameRule{Have: true, NoPhones: true}).Takes(name) != want {
			t.Errorf("%q without numbers: %v", name, !want)
		}
	}
	if (UsernameRule{Have: true, Must: true}).Takes("") || (UsernameRule{}).Takes("ab") {
		t.Error("taken")
	}
}
