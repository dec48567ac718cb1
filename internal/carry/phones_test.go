package carry_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// Telephone numbers are carried in the form in which they are looked for.
func TestNumbersOfUsers(t *testing.T) {
	onEach(t, func(t *testing.T, s *stagedoortest.Server) {
		ctx, c := t.Context(), s.Carrier(s.Tenant)
		st, err := s.DB().TenantByID(ctx, s.Tenant)
		ok(t, err)
		ok(t, st.CreateConnection(ctx, &stagedoor.Connection{Name: "sms", Strategy: stagedoor.StrategySMS, EnabledClients: []string{}}))
		file := filepath.Join(t.TempDir(), "users.json")
		write(t, file, strings.Join([]string{
			`{"user_id":"sms|1","phone_number":"+49 (151) 234-56","phone_verified":true,"identities":[{"user_id":"1","provider":"sms","connection":"sms"}]}`,
			`{"user_id":"sms|2","phone_number":"none","identities":[{"user_id":"2","provider":"sms","connection":"sms"}]}`,
			`{"user_id":"auth0|3","email":"c@x.test","phone_number":"ext. 7"}`,
			`{"user_id":"auth0|4","phone_number":"ext. 7"}`,
		}, "\n"))
		got, err := c.ApplyUsers(ctx, []string{file}, carry.UserOptions{})
		ok(t, err)
		if got.Created != 2 || got.Refused != 2 {
			t.Errorf("%+v", got)
		}
		if u, err := st.UserByIdentifier(ctx, "sms", "+4915123456"); err != nil || u.ID != "sms|1" {
			t.Errorf("%v, %v", u, err)
		}
		if u, err := st.User(ctx, "auth0|3"); err != nil || u.PhoneNumber != "ext. 7" {
			t.Errorf("%v, %v", u, err)
		}
	})
}
