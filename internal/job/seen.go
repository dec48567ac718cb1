package job

import (
	"hash/maphash"

	"github.com/stagedoor/stagedoor"
)

// seen remembers which users a file has had, so that none is in it twice: 8 bytes for each of a user's identifiers.
type seen struct {
	seed maphash.Seed
	keys map[uint64]struct{}
}

func newSeen() seen { return seen{maphash.MakeSeed(), map[uint64]struct{}{}} }

// add remembers a user, or tells that the user was there before; phones tells whether people are known by telephone numbers.
func (s *seen) add(u *stagedoor.User, phones bool) *stagedoor.JobRowError {
	number := ""
	if phones {
		number = u.PhoneNumber
	}
	var sums []uint64
	for _, k := range []struct{ kind, value, code, path string }{
		{"email", u.Email, "CONFLICT_EMAIL", "email"},
		{"username", u.Username, "CONFLICT_USERNAME", "username"},
		{"phone_number", number, "CONFLICT", "phone_number"},
		{"user_id", u.ID, "CONFLICT", "user_id"},
	} {
		if k.value == "" {
			continue
		}
		sum := maphash.String(s.seed, k.kind+"\x00"+k.value)
		if _, twice := s.keys[sum]; twice {
			return &stagedoor.JobRowError{Code: k.code, Message: "The same user is in the file more than once", Path: k.path}
		}
		sums = append(sums, sum)
	}
	for _, sum := range sums {
		s.keys[sum] = struct{}{}
	}
	return nil
}
