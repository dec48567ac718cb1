package mgmt

import (
	"net/http"
	"net/url"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// ticketLife is how long a ticket works for which nothing else was said (Management API fact sheet 3.11).
const ticketLife = 432000 * time.Second

// ticketIn is what both kinds of tickets take.
type ticketIn struct {
	ResultURL      string              `json:"result_url" schema:"format=uri" doc:"URL the user will be redirected to once ticket is used"`
	ClientID       string              `json:"client_id" schema:"min=1" doc:"ID of the client"`
	OrganizationID string              `json:"organization_id" pattern:"^org_[A-Za-z0-9]{16}$" doc:"The ID of the Organization"`
	TTL            int                 `json:"ttl_sec" schema:"min=0,max=315360000" doc:"Number of seconds for which the ticket is valid before expiration"`
	EmailInResult  web.Opt[bool]       `json:"includeEmailInRedirect" schema:"notnull" doc:"Whether to include the email address as part of the returnUrl in the reset_email"`
	Identity       web.Opt[identityIn] `json:"identity" schema:"notnull" doc:"The identity of the user"`
}

type verificationTicketIn struct {
	ticketIn
	UserID string `json:"user_id" schema:"required,min=1" doc:"user_id of for whom the ticket should be created"`
}

type passwordTicketIn struct {
	ticketIn
	UserID       string `json:"user_id" schema:"min=1" doc:"user_id of for whom the ticket should be created"`
	ConnectionID string `json:"connection_id" pattern:"^con_[A-Za-z0-9]{16}$" doc:"ID of the connection"`
	Email        string `json:"email" schema:"format=email" doc:"Email address of the user for whom the ticket should be created"`
	MarkVerified bool   `json:"mark_email_as_verified" doc:"Whether to set the email_verified attribute to true"`
}

func (a *API) createVerificationTicket(c *call, in verificationTicketIn) (any, error) {
	return a.createTicket(c, &in.ticketIn, in.UserID, &stagedoor.Ticket{Kind: stagedoor.TicketVerification}, "u/email-verification")
}

func (a *API) createPasswordTicket(c *call, in passwordTicketIn) (any, error) {
	byEmail := in.Email != "" && in.ConnectionID != ""
	if (in.UserID != "") == byEmail {
		return nil, badProperty("", "Data does not match any schemas from 'anyOf'")
	}
	if byEmail {
		conn, err := c.store.Connection(c.ctx(), in.ConnectionID)
		if err != nil {
			return nil, err
		}
		email, err := connection.NormalizeEmail(in.Email)
		if err != nil {
			return nil, invalidIdentifier(err)
		}
		u, err := c.store.UserByAttribute(c.ctx(), conn.Name, stagedoor.AttributeEmail, email)
		if err != nil {
			return nil, err
		}
		in.UserID = u.ID
	}
	return a.createTicket(c, &in.ticketIn, in.UserID, &stagedoor.Ticket{Kind: stagedoor.TicketReset, MarkVerified: in.MarkVerified}, "u/reset-password")
}

func (a *API) createTicket(c *call, in *ticketIn, userID string, t *stagedoor.Ticket, page string) (any, error) {
	if in.ResultURL != "" {
		if u, err := url.Parse(in.ResultURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, badProperty("result_url", "Object didn't pass validation for format url: "+bounded(in.ResultURL, 300))
		}
	}
	u, err := addressee(c, userID, in.ClientID, in.OrganizationID, in.Identity)
	if err != nil {
		return nil, err
	}
	if t.Kind == stagedoor.TicketReset {
		conn, err := c.store.ConnectionByName(c.ctx(), u.Connection)
		if err != nil {
			return nil, err
		}
		if conn.Strategy != connection.StrategyDatabase || !conn.Passwords() {
			return nil, bad("operation_not_supported", "The connection does not support changing passwords.")
		}
	}
	life := ticketLife
	if in.TTL > 0 {
		life = time.Duration(in.TTL) * time.Second
	}
	_, issuer, err := linksOf(c)
	if err != nil {
		return nil, err
	}
	token := stagedoor.NewToken()
	t.UserID, t.Email, t.ClientID, t.OrganizationID = u.ID, u.Email, in.ClientID, in.OrganizationID
	t.ResultURL, t.IncludeEmail, t.ExpiresAt = in.ResultURL, in.EmailInResult.Or(true), a.Clock.Now().Add(life)
	if err := c.store.CreateTicket(c.ctx(), token, t); err != nil {
		return nil, err
	}
	return outcome{http.StatusCreated, map[string]string{"ticket": issuer + page + "?ticket=" + token + "#"}}, nil
}

// linksOf is the store under the domain that links lead to, and what they begin with.
func linksOf(c *call) (*store.Store, string, error) {
	st, err := linkStore(c)
	if err != nil {
		return nil, "", err
	}
	issuer := "https://" + st.Tenant().Domain() + "/"
	if st.Tenant().Domain() == c.r.Host { // which may be plain http on loopback
		issuer = web.Issuer(c.r)
	}
	return st, issuer, nil
}
