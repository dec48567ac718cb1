package carry

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store"
)

const (
	userBatch = 200       // rows in one transaction, for which other writers wait
	userBytes = 256 << 10 // of one transaction, at least one row
)

// UserOptions are how users are carried.
type UserOptions struct {
	Database string                // connection of database users whose rows name none; empty: the only one there is
	Update   bool                  // users who are there become what the files say
	Capture  bool                  // passwords that the files do not have are to be captured at the first login
	Assets   *Assets               // connections that will be there by then; may be nil
	Progress func(done int)        // called now and then with the number of rows so far; may be nil
	Report   func(RowReport) error // called with each row that is not carried whole; may be nil
}

// RowReport is what cannot be carried of one user. It never holds a secret.
type RowReport struct {
	File   string `json:"file"`
	Row    int    `json:"row"` // counted from 1
	UserID string `json:"user_id,omitempty"`
	Email  string `json:"email,omitempty"`
	Taken  bool   `json:"carried"` // the user is carried, without what is lost
	Lost   []Loss `json:"not_carried"`
}

// UserCount counts the users of all files.
type UserCount struct {
	Rows      int            `json:"rows"`
	Created   int            `json:"create"`
	Changed   int            `json:"change"`
	Left      int            `json:"leave"`
	Refused   int            `json:"refuse"`
	Partly    int            `json:"partly"`    // carried, but not whole
	Passwords int            `json:"passwords"` // rows of files of passwords, which are counted above, too
	Captured  int            `json:"captured"`  // marked: their password is asked for at the first login
	Reasons   map[string]int `json:"reasons"`   // of what is lost
}

// users is one pass over files.
type users struct {
	ctx   context.Context
	db    *store.DB
	st    *store.Store
	in    reader
	o     UserOptions
	trial trial  // of a plan
	name  string // of the file
	n     int    // rows of it so far
	UserCount
}

// PlanUsers tries what ApplyUsers does, batch by batch, and undoes each: what is undone is remembered as far as later rows meet it.
func (c *Carrier) PlanUsers(ctx context.Context, files []string, o UserOptions) (*UserCount, error) {
	return c.users(ctx, files, o, (*users).try)
}

// ApplyUsers carries the users of the files, a few hundred in a transaction: what was done before an interruption stays, and another run goes on.
func (c *Carrier) ApplyUsers(ctx context.Context, files []string, o UserOptions) (*UserCount, error) {
	return c.users(ctx, files, o, (*users).write)
}

func (c *Carrier) users(ctx context.Context, files []string, o UserOptions, do func(*users, []store.CarriedUser, []int) error) (*UserCount, error) {
	st, err := c.DB.TenantByID(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	u := &users{ctx: ctx, db: c.DB, st: st, o: o, trial: newTrial(), UserCount: UserCount{Reasons: map[string]int{}}}
	u.in = reader{strategies: map[string]string{}, hashes: map[string]bool{}, capture: o.Capture, limit: st.Tenant().Settings.MetadataLimit()}
	if err := u.connections(o); err != nil {
		return nil, err
	}
	if files, err = inOrder(files); err != nil {
		return nil, err
	}
	for _, name := range files {
		if err := u.file(name, do); err != nil {
			return &u.UserCount, ofFile(name, err)
		}
	}
	return &u.UserCount, nil
}

// ofFile says in the words of an error, which are all that people see of it, which file it is about.
func ofFile(name string, err error) error {
	if e := stagedoor.AsError(err); e.Kind == stagedoor.Invalid {
		return stagedoor.Errorf(stagedoor.Invalid, e.Code, "%s: %s", name, e.Message)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// connections notes those that there are, or will be, and which is the database.
func (u *users) connections(o UserOptions) error {
	all, err := u.st.Connections(u.ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		u.in.strategies[c.Name], u.in.hashes[c.Name] = c.Strategy, c.CustomHashAction() != ""
		u.trial.phones[c.Name] = c.Options.Attributes().Phone.Identifies
	}
	if o.Assets != nil {
		for _, item := range append(objects(o.Assets.Kinds["databases"]), objects(o.Assets.Kinds["connections"])...) {
			strategy := textOf(item, "strategy")
			if strategy == "" {
				strategy = connection.StrategyDatabase
			}
			if name := textOf(item, "name"); u.in.strategies[name] == "" {
				u.in.strategies[name] = strategy
				c := stagedoor.Connection{Strategy: strategy}
				if json.Unmarshal([]byte(encoded(item["options"])), &c.Options) == nil {
					u.trial.phones[name], u.in.hashes[name] = c.Options.Attributes().Phone.Identifies, c.CustomHashAction() != ""
				}
			}
		}
	}
	if u.in.database = o.Database; o.Database != "" {
		if u.in.strategies[o.Database] != connection.StrategyDatabase {
			return stagedoor.Errorf(stagedoor.Invalid, "", "There is no database connection %q.", o.Database)
		}
		return nil
	}
	found := 0
	for name, strategy := range u.in.strategies {
		if strategy == connection.StrategyDatabase {
			found++
			u.in.database = name
		}
	}
	if found != 1 {
		u.in.database = ""
	}
	return nil
}

// inOrder puts files of passwords behind those of users, to whom the passwords are then added.
func inOrder(files []string) ([]string, error) {
	var first, last []string
	for _, name := range files {
		of, err := ofPasswords(name)
		if err != nil {
			return nil, ofFile(name, err)
		}
		if of {
			last = append(last, name)
		} else {
			first = append(first, name)
		}
	}
	return append(first, last...), nil
}

var errEnough = errors.New("carry: enough")

// ofPasswords tells whether a file is one of passwords, by its first rows: not everybody has a password.
func ofPasswords(name string) (is bool, err error) {
	n := 0
	err = eachRow(name, 8<<20, func(raw []byte, _ string) error {
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) == nil {
			is = len(m["passwordHash"]) > 0
		}
		if n++; is || n == 100 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return is, err
}

// eachRow is eachValue for a file by its name, which may be packed with gzip.
func eachRow(name string, limit int, fn func(raw []byte, wrong string) error) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("opening %s: %w", name, unwrapped(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return fmt.Errorf("%s is not a file", name)
	}
	buffered := bufio.NewReaderSize(f, 64<<10)
	var in io.Reader = buffered
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		zip, err := gzip.NewReader(buffered)
		if err != nil {
			return stagedoor.Errorf(stagedoor.Invalid, "", "It is not a gzip file that can be read.")
		}
		defer zip.Close()
		in = zip
	}
	return eachValue(in, limit, fn)
}

// file reads one file in batches.
func (u *users) file(name string, do func(*users, []store.CarriedUser, []int) error) error {
	u.name, u.n = name, 0
	var batch []store.CarriedUser
	var numbers []int
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := u.ctx.Err(); err != nil {
			return err
		}
		err := do(u, batch, numbers)
		batch, numbers, size = nil, nil, 0
		if u.o.Progress != nil {
			u.o.Progress(u.Rows)
		}
		return err
	}
	err := eachRow(name, 2*u.in.limit+1<<20, func(raw []byte, unread string) error {
		u.n++
		u.Rows++
		if unread != "" {
			u.Refused++
			return u.report(u.n, nil, false, Loss{Reason: unread})
		}
		row, notes, wrong := u.in.row(raw)
		if wrong != nil {
			u.Refused++
			return u.report(u.n, row.User, false, Loss{wrong.Path, wrong.Message})
		}
		if len(notes) > 0 {
			u.Partly++
			if err := u.report(u.n, row.User, true, notes...); err != nil {
				return err
			}
		}
		batch, numbers, size = append(batch, row), append(numbers, u.n), size+len(raw)
		if len(batch) >= userBatch || size >= userBytes {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// maxReasons bounds how many reasons are told apart.
const maxReasons = 100

func (u *users) report(n int, user *stagedoor.User, taken bool, lost ...Loss) error {
	for _, l := range lost {
		reason := l.Reason
		if user == nil { // there is nothing else to find the row by
			reason = fmt.Sprintf("%s, row %d: %s", u.name, n, reason)
		}
		if l.Path != "" {
			reason = l.Path + ": " + reason
		}
		if _, known := u.Reasons[reason]; !known && len(u.Reasons) >= maxReasons {
			reason = "other reasons"
		}
		u.Reasons[reason]++
	}
	if u.o.Report == nil {
		return nil
	}
	r := RowReport{File: u.name, Row: n, Taken: taken, Lost: lost}
	if user != nil {
		r.UserID, r.Email = user.ID, user.Email
	}
	return u.o.Report(r)
}

// try tells what write would do with a batch.
func (u *users) try(batch []store.CarriedUser, numbers []int) error {
	var done []store.Carried
	err := u.db.Together(context.WithoutCancel(u.ctx), func(in *store.DB) error {
		st, err := in.TenantByID(u.ctx, u.st.Tenant().ID)
		if err == nil {
			done, err = st.CarryUsers(u.ctx, batch, u.o.Update)
		}
		if err == nil {
			err = errUndo
		}
		return err
	})
	if !errors.Is(err, errUndo) {
		return err
	}
	u.trial.meet(batch, done, u.o.Update)
	return u.count(batch, numbers, done)
}

// write carries a batch.
func (u *users) write(batch []store.CarriedUser, numbers []int) error {
	done, err := u.st.CarryUsers(context.WithoutCancel(u.ctx), batch, u.o.Update)
	if err != nil {
		return err
	}
	return u.count(batch, numbers, done)
}

// count counts what became of a batch.
func (u *users) count(batch []store.CarriedUser, numbers []int, done []store.Carried) error {
	for i, d := range done {
		if batch[i].Only {
			u.Passwords++
		}
		switch {
		case d.Error != nil:
			u.Refused++
			if err := u.report(numbers[i], batch[i].User, false, Loss{Reason: stagedoor.AsError(d.Error).Message}); err != nil {
				return err
			}
			continue
		case d.Created:
			u.Created++
		case d.Changed:
			u.Changed++
		default:
			u.Left++
		}
		if batch[i].Capture && (d.Created || d.Changed) {
			u.Captured++
		}
	}
	return nil
}

// Names are the reasons in order, the most frequent first.
func (c *UserCount) Names() []string {
	names := make([]string, 0, len(c.Reasons))
	for name := range c.Reasons {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := c.Reasons[b] - c.Reasons[a]; d != 0 {
			return d
		}
		return map[bool]int{true: -1, false: 1}[a < b]
	})
	return names
}

// SetCapture keeps where the passwords of users are asked for who come without one. It holds until another one is set.
func (c *Carrier) SetCapture(ctx context.Context, from stagedoor.Capture) error {
	if err := connection.CheckCapture(from); err != nil {
		return err
	}
	st, err := c.DB.TenantByID(ctx, c.Tenant)
	if err != nil {
		return err
	}
	return st.ChangeSetting(ctx, stagedoor.SettingCapture, func(m map[string]any) error {
		m["url"], m["client_id"], m["client_secret"] = from.URL, from.ClientID, from.ClientSecret
		return nil
	})
}
