package pipeline

import (
	"context"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// AfterPasswordChange runs the hook and the actions for a user whose password was replaced just now; nobody waits for them.
func (p *Pipeline) AfterPasswordChange(ctx context.Context, v Visit, conn *stagedoor.Connection, userID string) {
	p.afterwards(ctx, v, afterwards{
		trigger: script.PostChangePassword, failed: "fcph", userID: userID,
		arguments: func(u *stagedoor.User) []any {
			user := map[string]any{"email": u.Email}
			_, user["id"], _ = strings.Cut(u.ID, "|")
			set(user, map[string]string{"username": u.Username})
			addTimes(user, map[string]time.Time{"last_password_reset": u.LastPasswordReset})
			return []any{user}
		},
		context: map[string]any{"connection": hookConnection(v, conn)},
		event: func(u *stagedoor.User) (map[string]any, error) {
			event := commonEvent(v, "POST", nil)
			event["connection"] = eventConnection(conn)
			user := map[string]any{"user_id": u.ID}
			if u.Email != "" {
				user["email"], user["email_verified"] = u.Email, u.EmailVerified
			}
			if u.PhoneNumber != "" {
				user["phone_number"], user["phone_verified"] = u.PhoneNumber, u.PhoneVerified
			}
			set(user, map[string]string{"username": u.Username})
			addTimes(user, map[string]time.Time{"last_password_reset": u.LastPasswordReset})
			event["user"] = user
			return event, nil
		},
	})
}
