package mgmt

import (
	"cmp"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/ui"
)

type enrollmentTicketIn struct {
	UserID   string `json:"user_id" schema:"required,min=1" doc:"user_id for the enrollment ticket"`
	SendMail bool   `json:"send_mail" doc:"Send an email to the user to start the enrollment"`
	Email    string `json:"email" schema:"format=email" doc:"Alternate email to which the enrollment email will be sent. Optional - by default, the email will be sent to the user's default address"`
	Locale   string `json:"email_locale" schema:"max=35" doc:"Optional. Specify the locale of the enrollment email. Used with send_email"`
	Factor   string `json:"factor" schema:"enum=push-notification|phone|email|otp|webauthn-roaming|webauthn-platform" doc:"Optional. Specifies which factor the user must enroll with"`
	Another  bool   `json:"allow_multiple_enrollments" doc:"Optional. Allows a user who has previously enrolled in MFA to enroll with additional factors"`
}

// createEnrollmentTicket makes the link by which a user sets up their second factor (Management API fact sheet 3.18). Where notifications reach no device the
// factor push-notification sets up an app, of which the codes count: it is what tools name that know nothing else.
func (a *API) createEnrollmentTicket(c *call, in enrollmentTicketIn) (any, error) {
	kind := in.Factor
	if kind == mfa.Push {
		if reached, err := mfa.Pushes(c.ctx(), c.store); err != nil {
			return nil, err
		} else if !reached {
			kind = mfa.OTP
		}
	}
	u, err := c.store.User(c.ctx(), in.UserID)
	if err != nil {
		return nil, err
	}
	methods, err := mfa.MethodsOf(c.ctx(), c.store, u.ID)
	if err != nil {
		return nil, err
	}
	address := cmp.Or(in.Email, u.Email)
	switch {
	case methods.Enrolled() && !in.Another:
		return nil, stagedoor.Errorf(stagedoor.Conflict, "already_enrolled", "User is already enrolled.")
	case in.SendMail && address == "":
		return nil, badProperty("email", "The user has no email address, so one is needed")
	}
	template, err := page.Template(c.ctx(), c.store, ui.EnrollEmail)
	if err != nil {
		return nil, err
	}
	st, issuer, err := linksOf(c)
	if err != nil {
		return nil, err
	}
	token, life := stagedoor.NewToken(), page.Lifetime(template, ticketLife)
	t := &stagedoor.Ticket{Kind: stagedoor.TicketEnrollment, UserID: u.ID, Email: u.Email, Another: in.Another, Factor: kind, Lang: in.Locale, ExpiresAt: a.Clock.Now().Add(life)}
	if err := c.store.CreateTicket(c.ctx(), token, t); err != nil {
		return nil, err
	}
	link := issuer + "u/mfa-enroll?ticket=" + token
	if in.SendMail && a.SendEnrollment != nil {
		if err := a.SendEnrollment(c.ctx(), st, u, address, in.Locale, link, life); err != nil {
			return nil, err
		}
	}
	return map[string]string{"ticket_id": token, "ticket_url": link}, nil
}
