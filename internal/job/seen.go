package job

import (
	"hash/maphash"

	"github.com/stagedoor/stagedoor"
)

// seen remembers which users a file has had, so that none is in it twice: 8 bytes for each of a user's identifiers that the file has.
type seen struct {
	seed maphash.Seed
	keys map[uint64]struct{}
}

func newSeen() seen { return seen{maphash.MakeSeed(), map[uint64]struct{}{}} }

// add remembers a user, or tells that the user was there before; named tells whether the file has the id, which else is a new one, and phones whether people are known by
// telephone numbers.
func (s *seen) add(u *stagedoor.User, named, phones bool) *stagedoor.JobRowError {
	number, id := "", ""
	if phones {
		number = u.PhoneNumber
	}
	if named {
		id = u.ID
	}
	var sums []uint64
	for _, k := range []struct{ kind, value, code, path string }{
		{"email", u.Email, "CONFLICT_EMAIL", "email"},
		{"username", u.Username, "CONFLICT_USERNAME", "username"},
		{"phone_number", number, "CONFLICT", "phone_number"},
		{"user_id", id, "CONFLICT", "user_id"},
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
