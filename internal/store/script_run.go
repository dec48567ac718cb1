package store

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// SaveScriptRun keeps a recorded run for as long as keep says, and lets the oldest go where there are more than it allows.
func (s *Store) SaveScriptRun(ctx context.Context, r *stagedoor.ScriptRun, recording []byte, keep stagedoor.ScriptRecording) error {
	doc, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		return err
	}
	if _, err = w.Write(recording); err == nil {
		err = w.Close()
	}
	if err != nil {
		return err
	}
	sealed := s.seal(packed.String(), "script_runs", r.ID)
	until := s.db.clock.Now().Add(keep.Life()).UnixMilli()
	return s.write(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO script_runs (tenant, id, kind, trigger_id, user_id, client, outcome, began, doc, sealed, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			s.tenant.ID, r.ID, r.Kind, r.Trigger, r.UserID, r.ClientID, r.Outcome, r.BeganAt.UnixMicro(), document(doc), sealed, until)
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, `DELETE FROM script_runs WHERE tenant = ? AND began <=
			(SELECT began FROM script_runs WHERE tenant = ? ORDER BY began DESC LIMIT 1 OFFSET ?)`, s.tenant.ID, s.tenant.ID, keep.Most())
		return err
	})
}

// ScriptRunQuery finds recorded runs; an empty field asks for nothing.
type ScriptRunQuery struct {
	Kind, Trigger, UserID, ClientID, Outcome string
	Failed                                   bool // whatever the outcome, but continued
	From, To                                 time.Time
	Page, PerPage                            int
}

// ScriptRuns returns a page of the recorded runs, the newest first, and how many there are.
func (s *Store) ScriptRuns(ctx context.Context, query ScriptRunQuery) ([]stagedoor.ScriptRun, int, error) {
	where, args := []string{"tenant = ?", "expires_at > ?"}, []any{s.tenant.ID, s.db.clock.Now().UnixMilli()}
	for _, f := range []struct{ column, value string }{
		{"kind", query.Kind}, {"trigger_id", query.Trigger}, {"user_id", query.UserID}, {"client", query.ClientID}, {"outcome", query.Outcome},
	} {
		if f.value != "" {
			where, args = append(where, f.column+" = ?"), append(args, f.value)
		}
	}
	if query.Failed {
		where, args = append(where, "outcome <> ?"), append(args, "continued")
	}
	if !query.From.IsZero() {
		where, args = append(where, "began >= ?"), append(args, query.From.UnixMicro())
	}
	if !query.To.IsZero() {
		where, args = append(where, "began <= ?"), append(args, query.To.UnixMicro())
	}
	having := " WHERE " + strings.Join(where, " AND ")
	var total int
	if err := s.list().row(ctx, "SELECT COUNT(*) FROM script_runs"+having, args, &total); err != nil {
		return nil, 0, err
	}
	out := []stagedoor.ScriptRun{}
	err := s.list().each(ctx, "SELECT doc FROM script_runs"+having+" ORDER BY began DESC, id LIMIT ? OFFSET ?",
		append(args, query.PerPage, query.Page*query.PerPage), func(scan func(...any) error) error {
			var doc string
			if err := scan(&doc); err != nil {
				return err
			}
			var r stagedoor.ScriptRun
			err := json.Unmarshal([]byte(doc), &r)
			out = append(out, r)
			return err
		})
	return out, total, err
}

// ScriptRun returns a recorded run and its recording.
func (s *Store) ScriptRun(ctx context.Context, id string) (*stagedoor.ScriptRun, []byte, error) {
	var doc, sealed string
	err := s.read().row(ctx, "SELECT doc, sealed FROM script_runs WHERE tenant = ? AND id = ? AND expires_at > ?",
		[]any{s.tenant.ID, id, s.db.clock.Now().UnixMilli()}, &doc, &sealed)
	if errors.Is(err, errNoRows) {
		return nil, nil, stagedoor.ScriptRunMissing(id)
	}
	if err != nil {
		return nil, nil, err
	}
	packed, err := s.unseal(sealed, "script_runs", id)
	if err != nil {
		return nil, nil, err
	}
	recording, err := io.ReadAll(flate.NewReader(strings.NewReader(packed)))
	if err != nil {
		return nil, nil, err
	}
	r := &stagedoor.ScriptRun{}
	return r, recording, json.Unmarshal([]byte(doc), r)
}

// DeleteScriptRun removes a recorded run.
func (s *Store) DeleteScriptRun(ctx context.Context, id string) error {
	return s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM script_runs WHERE tenant = ? AND id = ?", s.tenant.ID, id)
		if err == nil && n == 0 {
			err = stagedoor.ScriptRunMissing(id)
		}
		return err
	})
}

// DeleteScriptRuns removes the recorded runs of a user, all runs if it is empty.
func (s *Store) DeleteScriptRuns(ctx context.Context, userID string) error {
	return s.writeOne(ctx, func(q querier) error {
		where, args := "tenant = ?", []any{s.tenant.ID}
		if userID != "" {
			where, args = where+" AND user_id = ?", append(args, userID)
		}
		_, err := q.exec(ctx, "DELETE FROM script_runs WHERE "+where, args...)
		return err
	})
}
