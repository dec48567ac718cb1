package mgmt

import (
	"maps"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/web"
)

// guardianMethods are the names that enrolments give to types of authentication methods.
var guardianMethods = map[string]string{"totp": "authenticator", "phone": "sms", "webauthn-roaming": "webauthn-roaming", "push": "guardian"}

// listEnrollments shows the first enrolment alone, as the wire does.
func (a *API) listEnrollments(c *call) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	all, err := c.store.AuthenticationMethods(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if guardianMethods[m.Type] != "" {
			return []any{showEnrollment(&m)}, nil
		}
	}
	return []any{}, nil
}

func showEnrollment(m *stagedoor.AuthenticationMethod) map[string]any {
	kind := guardianMethods[m.Type]
	shown := map[string]any{"id": m.Device(), "status": "confirmed", "type": kind, "auth_method": kind, "enrolled_at": stagedoor.FormatTime(m.CreatedAt)}
	if !m.LastUsedAt.IsZero() {
		shown["last_auth"] = stagedoor.FormatTime(m.LastUsedAt)
	}
	if m.Name != "" {
		shown["name"] = m.Name
	}
	if m.PhoneNumber != "" {
		shown["phone_number"], shown["identifier"] = maskPhone(m.PhoneNumber), maskPhone(m.PhoneNumber)
	}
	return shown
}

// enrolled finds the enrolment in the path (Management API fact sheet 1.3: Enrollment not found).
func enrolled(c *call) (m *stagedoor.AuthenticationMethod, userID string, err error) {
	m, userID, err = c.store.EnrolledDevice(c.ctx(), c.id(), slices.Sorted(maps.Keys(guardianMethods))...)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = stagedoor.Errorf(stagedoor.NotFound, "enrollment_not_found", "Enrollment not found")
	}
	return m, userID, err
}

func (a *API) readEnrollment(c *call) (any, error) {
	m, _, err := enrolled(c)
	if err != nil {
		return nil, err
	}
	return showEnrollment(m), nil
}

func (a *API) deleteEnrollment(c *call) (any, error) {
	m, userID, err := enrolled(c)
	if err != nil {
		return nil, err
	}
	return nil, a.unenrolled(c, userID, mfa.Remove(c.ctx(), c.store, userID, m))
}

// unenrollAll takes a user's methods of the types, all if there are none. Nobody hears of it if there were none.
func (a *API) unenrollAll(c *call, types ...string) error {
	n, err := c.store.DeleteAuthenticationMethods(c.ctx(), c.id(), types...)
	if err != nil || n == 0 {
		return err
	}
	return a.unenrolled(c, c.id(), mfa.Tidy(c.ctx(), c.store, c.id()))
}

// unenrolled notes that second factors were taken from a user, unless that failed.
func (a *API) unenrolled(c *call, userID string, err error) error {
	if err == nil {
		c.log(stagedoor.LogEvent{Type: "gd_unenroll", UserID: userID, Description: "Second factors were taken from the user through the Management API"})
		a.Pipeline.FactorChanged(c.ctx(), c.visit(), userID, "removed")
	}
	return err
}

// deleteProvider ends the enrolments of a provider of old. Nobody can enrol with DUO here.
func (a *API) deleteProvider(c *call) (any, error) {
	switch provider := c.r.PathValue("provider"); provider {
	case "google-authenticator":
		return nil, a.unenrollAll(c, "totp")
	case "duo":
		_, err := c.store.User(c.ctx(), c.id())
		return nil, err
	default:
		return nil, (&web.Violation{Path: "provider", Reason: "No enum match for: " + provider}).URI()
	}
}

// regenerateRecoveryCode gives a user a new recovery code, of which the hash is kept: the one before is worth nothing.
func (a *API) regenerateRecoveryCode(c *call) (any, error) {
	code := stagedoor.NewRecoveryCode()
	if err := mfa.KeepRecovery(c.ctx(), c.store, c.id(), code); err != nil {
		return nil, err
	}
	return map[string]string{"recovery_code": code}, nil
}

// forgetBrowsers makes every browser ask a user for the second factor again.
func (a *API) forgetBrowsers(c *call) (any, error) {
	return nil, c.store.ForgetBrowsers(c.ctx(), c.id())
}

type clearRiskIn struct {
	Connection string   `json:"connection" schema:"required,min=1" doc:"The name of the connection containing the user whose assessors should be cleared"`
	Assessors  []string `json:"assessors" schema:"required,min=1,enum=new-device" doc:"List of assessors to clear"`
}

// clearRisk makes every browser of a user a new one.
func (a *API) clearRisk(c *call, _ clearRiskIn) (any, error) {
	return nil, c.store.ForgetKnownBrowsers(c.ctx(), c.id())
}
