package mgmt

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

const (
	maxCSVFields = 30 // of an export (Management API fact sheet 3.12)
	maxExports   = 20 // of a tenant that are not over: each writes all users into the database once more
)

// start adds a job, unless there are already most of its type, and wakes whoever works on jobs; 0 means any number.
func (a *API) start(c *call, j *stagedoor.Job, most int) (any, error) {
	j.Status = stagedoor.JobPending
	if err := c.store.CreateJob(c.ctx(), j, most); err != nil {
		return nil, err
	}
	a.wake()
	return j.Wire(j.CreatedAt), nil
}

func (a *API) wake() {
	if a.JobAdded != nil {
		a.JobAdded()
	}
}

func (a *API) readJob(c *call) (any, error) {
	j, err := c.store.Job(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	shown := j.Wire(a.Clock.Now())
	if j.Type == stagedoor.JobExport && j.Status == stagedoor.JobCompleted {
		shown["location"] = resultURL(web.Issuer(c.r), j, a.Clock.Now())
	}
	return shown, nil
}

// jobErrors answers the rows of an import that failed. A job that failed as a whole is answered itself.
func (a *API) jobErrors(c *call) (any, error) {
	j, err := c.store.Job(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	if j.Status == stagedoor.JobFailed {
		return j.Wire(a.Clock.Now()), nil
	}
	piece, n, err := c.store.JobPart(c.ctx(), j.ID, store.JobErrors, 0)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return outcome{status: http.StatusNoContent}, nil
	}
	if err != nil {
		return nil, err
	}
	return streamed(func(write func([]byte) error) error {
		separator := byte('[')
		for {
			var out []byte
			for line := range bytes.Lines(piece) {
				out = append(append(out, separator), bytes.TrimSpace(line)...)
				separator = ','
			}
			if err := write(out); err != nil {
				return err
			}
			piece, n, err = resultPiece(c.ctx(), c.store, j.ID, store.JobErrors, n+1)
			if stagedoor.IsKind(err, stagedoor.NotFound) {
				return write([]byte("]"))
			}
			if err != nil {
				return err
			}
		}
	}), nil
}

type exportUsersIn struct {
	ConnectionID string               `json:"connection_id" pattern:"^con_[A-Za-z0-9]{16}$" doc:"connection_id of the connection from which users will be exported"`
	Format       string               `json:"format" schema:"enum=json|csv" doc:"Format of the file"`
	Limit        int                  `json:"limit" schema:"min=1" doc:"Limit the number of records"`
	Fields       []stagedoor.JobField `json:"fields" doc:"List of fields to be included in the file"`
}

func (a *API) exportUsers(c *call, in exportUsersIn) (any, error) {
	j := &stagedoor.Job{Type: stagedoor.JobExport, Format: in.Format, Limit: in.Limit, Fields: in.Fields}
	if j.Format == "" {
		j.Format = "json"
	}
	if j.Format == "csv" && len(in.Fields) > maxCSVFields {
		return nil, badProperty("fields", "Array is too long ("+itoa(len(in.Fields))+"), maximum "+itoa(maxCSVFields))
	}
	if in.ConnectionID != "" {
		conn, err := c.store.Connection(c.ctx(), in.ConnectionID)
		if err != nil {
			return nil, err
		}
		j.ConnectionID, j.Connection = conn.ID, conn.Name
	}
	return a.start(c, j, maxExports)
}

// identityIn names one of a user's identities.
type identityIn struct {
	UserID       string `json:"user_id" schema:"required,min=1" doc:"user_id of the identity to be verified"`
	Provider     string `json:"provider" schema:"required,min=1" doc:"Identity provider name of the identity"`
	ConnectionID string `json:"connection_id" pattern:"^con_[A-Za-z0-9]{16}$" doc:"connection_id of the identity"`
}

type verificationEmailIn struct {
	UserID         string              `json:"user_id" schema:"required,min=1" doc:"The user_id of the user to send the verification email to"`
	ClientID       string              `json:"client_id" schema:"min=1" doc:"client_id of the client. If no value provided, the global Client ID will be used"`
	Identity       web.Opt[identityIn] `json:"identity" schema:"notnull" doc:"The identity to verify"`
	OrganizationID string              `json:"organization_id" pattern:"^org_[A-Za-z0-9]{16}$" doc:"The ID of the Organization"`
}

func (a *API) sendVerificationEmail(c *call, in verificationEmailIn) (any, error) {
	u, err := addressee(c, in.UserID, in.ClientID, in.OrganizationID, in.Identity)
	if err != nil {
		return nil, err
	}
	st, err := linkStore(c)
	if err != nil {
		return nil, err
	}
	return a.start(c, &stagedoor.Job{
		Type: stagedoor.JobVerification, UserID: u.ID, ClientID: in.ClientID, OrganizationID: in.OrganizationID, Domain: st.Tenant().Domain(),
	}, 0)
}

// addressee returns the user that a mail or a ticket is for, if all that was named with the user is there.
func addressee(c *call, userID, clientID, organizationID string, identity web.Opt[identityIn]) (*stagedoor.User, error) {
	u, err := c.store.User(c.ctx(), userID)
	if err != nil {
		return nil, err
	}
	if u.Email == "" {
		return nil, bad("operation_not_supported", "The user does not have an email address.")
	}
	if clientID != "" {
		if _, err := c.store.Client(c.ctx(), clientID); err != nil {
			return nil, err
		}
	}
	if organizationID != "" {
		if _, err := c.store.Organization(c.ctx(), organizationID); err != nil {
			return nil, err
		}
	}
	if !identity.Set {
		return u, nil
	}
	at := slices.IndexFunc(u.Identities, func(i stagedoor.Identity) bool {
		return i.Provider == identity.Value.Provider && i.UserID == identity.Value.UserID
	})
	switch {
	case at < 0:
		return nil, bad("invalid_body", "The user does not have the given identity.")
	case at > 0: // mails and tickets are about the user's own address and password
		return nil, unsupported("An identity that is linked to the user")
	}
	return u, nil
}
