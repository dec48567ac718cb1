package connection

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Occasion is what an operation of a database takes place in: what scripts learn of it, and what they said. The zero value is nobody's.
type Occasion struct {
	ClientID     string
	Organization string // id of the one that a login is for
	Console      []map[string]any
	Executions   []string          // ids of the records of actions' runs
	CameBy       *stagedoor.CameBy // set by Identify where the provider names its sessions
	Since        *int64            // User.AccessEnded of when people who change their own password proved themselves; nil: somebody else changes it

	// Custom asks the tenant's own code whether the password of a user is of a hash that nobody else understands; nil: it is of none.
	Custom func(ctx context.Context, u *stagedoor.User, secret string, hash *password.Foreign) (bool, error)
}

// On returns the database for an occasion.
func (d *Database) On(o *Occasion) *Database {
	on := *d
	on.occasion = o
	return &on
}

// since is that of the occasion; nil without one.
func (d *Database) since() *int64 {
	if d.occasion == nil {
		return nil
	}
	return d.occasion.Since
}

// work is an operation of one database connection under way.
type work struct {
	*Database
	st      *store.Store
	conn    *stagedoor.Connection
	scripts stagedoor.DatabaseScripts
}

// keeper is who keeps the users of a database and checks their passwords: the server itself, scripts of the tenant, or first the ones and
// then the other (extensibility fact sheet 5.5). The record of a user that is passed in, or comes back, is always the server's.
type keeper interface {
	// authenticate returns the user whose password it is. known tells whether there is such a user, for the log.
	authenticate(ctx context.Context, identifier, secret string) (u *stagedoor.User, known bool, err error)
	// find returns the user who wants another password.
	find(ctx context.Context, identifier string) (*stagedoor.User, error)
	// create makes a user of u, which it completes. The password may be empty where the keeper allows that.
	create(ctx context.Context, u *stagedoor.User, secret string) error
	// replace sets the password of the user, or of the identity linked to them that is named.
	replace(ctx context.Context, u *stagedoor.User, identity, secret string) error
	// verified notes that the user's address is proved to be theirs.
	verified(ctx context.Context, u *stagedoor.User) error
	// renamed tells the keeper of another address, username or telephone number before the record is changed.
	renamed(ctx context.Context, u *stagedoor.User, to Name) error
	// deleted tells the keeper that the user is to be deleted, before the record is.
	deleted(ctx context.Context, u *stagedoor.User) error
}

// Name is what a user is to be known by.
type Name struct {
	Email         string
	Verified      bool
	Username      string
	Phone         string
	PhoneVerified bool
}

// of returns the keeper of a connection's users.
func (d *Database) of(st *store.Store, c *stagedoor.Connection) keeper {
	w := work{d, st, c, c.Scripts()}
	switch {
	case !w.scripts.On:
		return local{w}
	case w.scripts.Import:
		return importing{local{w}}
	}
	return remote{w}
}

// ask calls a script of the connection.
func (w work) ask(ctx context.Context, name string, arguments ...any) (json.RawMessage, error) {
	source := w.scripts.Sources[name]
	if source == "" || w.Scripts == nil {
		return nil, missing(name)
	}
	run := script.CallRun{
		Tenant: w.st.Tenant().ID, Connection: w.conn.Name, Operation: script.OperationNamed(name), Source: source, Arguments: arguments,
		Configuration: w.scripts.Configuration,
	}
	if w.scripts.Context {
		var err error
		if run.Context, err = w.context(ctx, name); err != nil {
			return nil, err
		}
	}
	out, err := w.Scripts.Call(ctx, run)
	if err != nil {
		return nil, err
	}
	w.occasion.hear(out.Console)
	if out.Failure != nil {
		return nil, refusal(name, out.Failure)
	}
	return out.Result, nil
}

// context is what scripts get before their callback where the connection wants that.
func (w work) context(ctx context.Context, name string) (map[string]any, error) {
	out := map[string]any{}
	if w.occasion == nil || w.occasion.Organization == "" || name == "delete" {
		return out, nil
	}
	o, err := w.st.Organization(ctx, w.occasion.Organization)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	metadata := map[string]string{}
	if o.Metadata != nil {
		metadata = o.Metadata
	}
	out["organization"] = map[string]any{"id": o.ID, "name": o.Name, "display_name": o.DisplayName, "metadata": metadata}
	return out, nil
}

// maxHeard bounds how many lines of the console are kept.
const maxHeard = 50

func (o *Occasion) hear(lines []script.Line) {
	if o == nil {
		return
	}
	for _, l := range lines {
		if len(o.Console) < maxHeard {
			o.Console = append(o.Console, map[string]any{"script": l.Rule, "level": l.Level, "text": l.Text})
		}
	}
}
