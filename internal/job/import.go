package job

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
)

const (
	importBatch = 200       // rows in one transaction, for which other writers wait
	importBytes = 256 << 10 // of one transaction, at least one row
)

// importUsers brings the users of a file into a database connection. It looks through the whole file first: of one that is not
// right, nothing is taken.
func (r *Runner) importUsers(ctx context.Context, w *work) error {
	conn, err := w.st.Connection(ctx, w.ConnectionID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return stagedoor.Errorf(stagedoor.Invalid, "", "The connection does not exist any more.")
	}
	if err != nil {
		return err
	}
	limit := w.st.Tenant().Settings.MetadataLimit()
	most := 2*limit + 1<<20 // a row with all that a user may have
	if w.Summary == nil {
		if w.Total, err = countRows(newRows(w.file(ctx), most), func() error { return w.alive(ctx) }); err != nil {
			return err
		}
		w.Summary = &stagedoor.JobSummary{}
		if err := w.save(ctx); err != nil {
			return err
		}
	}
	im := &importer{conn: conn, custom: conn.CustomHashAction() != "", limit: limit, identify: r.Identify, seen: newSeen()}
	in := newRows(w.file(ctx), most)
	for range w.Done { // what was done before: only who it was is of interest
		raw, err := in.next()
		if err != nil {
			return err
		}
		im.row(raw)
		if err := w.alive(ctx); err != nil {
			return err
		}
	}
	for {
		batch, err := nextBatch(in, im)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			return r.complete(ctx, w)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.st.ImportUsers(context.WithoutCancel(ctx), w.Job, w.lease, batch); err != nil {
			return err
		}
	}
}

func (w *work) file(ctx context.Context) *file { return &file{ctx: ctx, st: w.st, job: w.ID} }

// countRows counts the rows of a file. One that is not right is Invalid.
func countRows(in *rows, alive func() error) (int, error) {
	for {
		_, err := in.next()
		if err == nil && in.n%importBatch == 0 {
			err = alive()
		}
		var wrong *errRows
		switch {
		case errors.Is(err, io.EOF):
			return in.n, nil
		case errors.As(err, &wrong):
			return 0, stagedoor.Errorf(stagedoor.Invalid, "",
				"Failed to parse users file JSON when importing users. Make sure it is valid JSON. (%v)", wrong)
		case err != nil:
			return 0, err
		}
	}
}

func nextBatch(in *rows, im *importer) ([]store.ImportRow, error) {
	var batch []store.ImportRow
	for size := 0; len(batch) < importBatch && size < importBytes; {
		raw, err := in.next()
		if errors.Is(err, io.EOF) {
			return batch, nil
		}
		if err != nil {
			return nil, err
		}
		batch = append(batch, im.row(raw))
		size += len(raw)
	}
	return batch, nil
}

// log tells the tenant's log how an import has ended.
func (w *work) log() {
	e := stagedoor.LogEvent{
		Type: "sui", Connection: w.Connection, ConnID: w.ConnectionID, Hostname: w.st.Tenant().Domain(),
		Details: map[string]any{"connection": w.Connection, "tenant": w.st.Tenant().ID, "job_id": w.ID},
	}
	if s := w.Summary; s != nil {
		e.Description = fmt.Sprintf("Import of users: %d added, %d updated, %d failed", s.Inserted, s.Updated, s.Failed)
	}
	if w.Status == stagedoor.JobFailed {
		e.Type, e.Description = "fui", w.Details
	}
	w.st.Log(e)
}

// finished tells the tenant's log, and those who wanted to know, that an import is over. That the mail cannot be sent changes nothing.
func (r *Runner) finished(ctx context.Context, w *work) {
	if w.Type == stagedoor.JobImport {
		w.log()
	}
	to := w.st.Tenant().Settings.SupportEmail
	if w.Type != stagedoor.JobImport || !w.CompletionEmail || to == "" || r.Send == nil {
		return
	}
	text := fmt.Sprintf("The import of users %s into %s has %s.\n", w.ID, w.Connection, w.Status)
	if s := w.Summary; s != nil {
		text += fmt.Sprintf("\nRows: %d\nAdded: %d\nUpdated: %d\nFailed: %d\n", s.Total, s.Inserted, s.Updated, s.Failed)
	}
	if w.Details != "" {
		text += "\n" + w.Details + "\n"
	}
	err := r.Send(ctx, w.st, mail.Message{To: to, Subject: "Import of users: " + w.Status, Text: text, Kind: "users_import"})
	if err != nil {
		r.Log.ErrorContext(ctx, "the mail about an import could not be sent", "tenant", w.st.Tenant().ID, "job", w.ID, "error", err)
	}
}
