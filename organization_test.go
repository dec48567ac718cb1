package stagedoor_test

import (
	"testing"

	"github.com/stagedoor/stagedoor"
)

// TestAttackInvitationOfAnother: an invitation is for one address, in any case, and not for those that other rules of case take for the same.
func TestAttackInvitationOfAnother(t *testing.T) {
	i := stagedoor.Invitation{Invitee: "susan@example.com"}
	for address, want := range map[string]bool{
		"susan@example.com": true, "Susan@Example.COM": true, " susan@example.com": true,
		"\u017fusan@example.com": false, "susan@e\u00d7ample.com": false, "": false,
	} {
		if i.For(address) != want {
			t.Errorf("%q: %v", address, !want)
		}
	}
}
