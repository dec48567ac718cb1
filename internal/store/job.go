package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/stagedoor/stagedoor"
)

// The kinds of a job's parts.
const (
	JobFile   = "file"   // what an import reads
	JobErrors = "error"  // why rows failed, as lines of JSON
	JobResult = "result" // what an export wrote
)

// jobKept is how long a job is kept after its last change (Management API fact sheet 3.12).
const jobKept = 24 * time.Hour

// uploadLimit is how long a file may be on its way: one that was given up keeps no other out for longer.
const uploadLimit = 15 * time.Minute

// ErrLostJob stops whoever works on a job that another server has taken over, or that is gone.
var ErrLostJob = errors.New("the lease of the job has run out")

// A JobLease is the right to work on a job.
type JobLease struct {
	Owner string        // who works on it
	For   time.Duration // how long the lease lasts after each sign of life
}

// CreateJob adds a job, unless there are already most of its type that are not over; 0 means any number. The job gets a secret,
// and an id if it has none.
func (s *Store) CreateJob(ctx context.Context, j *stagedoor.Job, most int) error {
	if j.ID == "" {
		j.ID = stagedoor.NewID("job_")
	}
	j.Secret, j.CreatedAt = stagedoor.NewToken(), s.db.clock.Now()
	doc, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		if most > 0 {
			if err := s.fewer(ctx, q, j.Type, most); err != nil {
				return err
			}
		}
		_, err := q.exec(ctx, `INSERT INTO jobs (tenant, id, type, status, doc, sealed, owner, lease_until, created_at, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, '', 0, ?, ?)`, s.tenant.ID, j.ID, j.Type, j.Status, document(doc), s.seal(j.Secret, "jobs", j.ID),
			millis(j.CreatedAt), millis(j.CreatedAt.Add(jobKept)))
		return err
	})
}

// jobsCalled is what jobs are called of which there may be so many at a time.
var jobsCalled = map[string]string{stagedoor.JobImport: "import users", stagedoor.JobExport: "export users"}

// fewer refuses one job more than most. The tenant is locked, so that two requests do not both find room.
func (s *Store) fewer(ctx context.Context, q querier, kind string, most int) error {
	if s.db.postgres {
		if _, err := q.exec(ctx, "SELECT id FROM tenants WHERE id = ? FOR NO KEY UPDATE", s.tenant.ID); err != nil {
			return err
		}
	}
	var active int
	now := s.db.clock.Now()
	err := q.row(ctx, "SELECT COUNT(*) FROM jobs WHERE tenant = ? AND type = ? AND (status IN ('pending', 'processing') OR status = 'uploading' AND created_at > ? AND created_at <= ?)",
		[]any{s.tenant.ID, kind, millis(now.Add(-uploadLimit)), millis(now.Add(uploadLimit))}, &active) // what a clock that was wrong has dated later counts no longer than that
	if err == nil && active >= most {
		return stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "There are %d active %s jobs already running", active, jobsCalled[kind])
	}
	return err
}

const jobColumns = "tenant, id, type, status, doc, sealed, created_at"

// jobRow is a job as it lies in the database.
type jobRow struct {
	tenant, doc, sealed string
	is                  stagedoor.Job
	created             int64
}

func (r *jobRow) scan(scan func(...any) error) error {
	err := scan(&r.tenant, &r.is.ID, &r.is.Type, &r.is.Status, &r.doc, &r.sealed, &r.created)
	if errors.Is(err, errNoRows) {
		return stagedoor.Errorf(stagedoor.NotFound, "inexistent_job", "The job does not exist.")
	}
	return err
}

func (r *jobRow) job(db *DB) (*stagedoor.Job, error) {
	j := r.is
	if err := json.Unmarshal([]byte(r.doc), &j); err != nil {
		return nil, err
	}
	j.CreatedAt = fromMillis(r.created)
	var err error
	j.Secret, err = newStore(db, &stagedoor.Tenant{ID: r.tenant}).unseal(r.sealed, "jobs", j.ID)
	return &j, err
}

func (db *DB) scanJob(scan func(...any) error) (*stagedoor.Job, error) {
	var row jobRow
	if err := row.scan(scan); err != nil {
		return nil, err
	}
	return row.job(db)
}

// Job returns a job. One whose file is still on its way is not there yet.
func (s *Store) Job(ctx context.Context, id string) (*stagedoor.Job, error) {
	return s.db.scanJob(func(dest ...any) error {
		return s.read().row(ctx, "SELECT "+jobColumns+" FROM jobs WHERE tenant = ? AND id = ? AND status <> 'uploading'", []any{s.tenant.ID, id}, dest...)
	})
}

// SubmitJob lets a job begin whose file has come whole.
func (s *Store) SubmitJob(ctx context.Context, j *stagedoor.Job) error {
	doc, err := json.Marshal(j)
	if err != nil {
		return err
	}
	j.Status = stagedoor.JobPending
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "UPDATE jobs SET status = ?, doc = ? WHERE tenant = ? AND id = ? AND status = 'uploading'", j.Status, document(doc), s.tenant.ID, j.ID)
		return err
	})
}

// DropJob removes a job whose file did not come.
func (s *Store) DropJob(ctx context.Context, id string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM jobs WHERE tenant = ? AND id = ? AND status = 'uploading'", s.tenant.ID, id)
		return err
	})
}

func partPlace(job, kind string, n int) string { return job + "/" + kind + "/" + strconv.Itoa(n) }

// AddJobPart keeps a piece of a job's file. Pieces count from 0.
func (s *Store) AddJobPart(ctx context.Context, job string, n int, data []byte) error {
	return s.writeOne(ctx, func(q querier) error { return s.addJobPart(ctx, q, job, JobFile, n, data) })
}

func (s *Store) addJobPart(ctx context.Context, q querier, job, kind string, n int, data []byte) error {
	_, err := q.exec(ctx, "INSERT INTO job_parts (tenant, job, kind, n, sealed) VALUES (?, ?, ?, ?, ?)",
		s.tenant.ID, job, kind, n, s.seal(string(data), "job_parts", partPlace(job, kind, n)))
	return err
}

// JobPart returns the first piece of a kind whose number is at least n, and that number. After the last one it is NotFound.
func (s *Store) JobPart(ctx context.Context, job, kind string, n int) (data []byte, at int, err error) {
	var sealed string
	err = s.read().row(ctx, "SELECT n, sealed FROM job_parts WHERE tenant = ? AND job = ? AND kind = ? AND n >= ? ORDER BY n LIMIT 1",
		[]any{s.tenant.ID, job, kind, n}, &at, &sealed)
	if errors.Is(err, errNoRows) {
		return nil, 0, errNotFound("part")
	}
	if err != nil {
		return nil, 0, err
	}
	text, err := s.unseal(sealed, "job_parts", partPlace(job, kind, at))
	return []byte(text), at, err
}

// ClaimJob takes the oldest job of any tenant but one that nobody works on: of many servers one gets it. NotFound means that there is
// nothing to do.
func (db *DB) ClaimJob(ctx context.Context, l JobLease, but string) (*Store, *stagedoor.Job, error) {
	now := db.clock.Now()
	const due = "status IN ('pending', 'processing') AND (lease_until <= ? OR lease_until > ?) AND tenant <> ?"
	free := []any{now.UnixMilli(), now.Add(longestRest).UnixMilli(), but}
	var waiting string
	err := db.reader().row(ctx, "SELECT id FROM jobs WHERE "+due+" LIMIT 1", free, &waiting)
	if errors.Is(err, errNoRows) {
		return nil, nil, errNotFound("job")
	}
	if err != nil {
		return nil, nil, err
	}
	var row jobRow
	err = db.writeOne(ctx, func(q querier) error {
		return row.scan(func(dest ...any) error {
			return q.row(ctx, "UPDATE jobs SET status = 'processing', owner = ?, lease_until = ? WHERE (tenant, id) IN (SELECT tenant, id FROM jobs WHERE "+due+
				" ORDER BY created_at LIMIT 1) AND "+due+" RETURNING "+jobColumns, slices.Concat([]any{l.Owner, now.Add(l.For).UnixMilli()}, free, free), dest...)
		})
	})
	if err != nil {
		return nil, nil, err
	}
	j, err := row.job(db) // after the write: one that cannot be read rests as any other, and keeps nobody else waiting
	if err != nil {
		return nil, nil, err
	}
	st, err := db.TenantByID(ctx, row.tenant)
	return st, j, err
}

// SaveJob notes how far a job has come, and renews the lease. A job that is over gives it back, and its file goes.
func (s *Store) SaveJob(ctx context.Context, j *stagedoor.Job, l JobLease) error {
	return s.write(ctx, func(q querier) error { return s.saveJob(ctx, q, j, l) })
}

func (s *Store) saveJob(ctx context.Context, q querier, j *stagedoor.Job, l JobLease) error {
	doc, err := json.Marshal(j)
	if err != nil {
		return err
	}
	now := s.db.clock.Now()
	until := now.Add(l.For)
	if j.Over() {
		until = now
	}
	n, err := q.exec(ctx, "UPDATE jobs SET status = ?, doc = ?, lease_until = ?, expires_at = ? WHERE tenant = ? AND id = ? AND owner = ? AND status = 'processing'",
		j.Status, document(doc), millis(until), millis(now.Add(jobKept)), s.tenant.ID, j.ID, l.Owner)
	if err == nil && n == 0 {
		err = ErrLostJob
	}
	if err == nil && j.Over() {
		_, err = q.exec(ctx, "DELETE FROM job_parts WHERE tenant = ? AND job = ? AND kind = ?", s.tenant.ID, j.ID, JobFile)
	}
	return err
}

// SaveExport adds a piece to a job's result and notes how far the job has come, in one transaction.
func (s *Store) SaveExport(ctx context.Context, j *stagedoor.Job, l JobLease, piece []byte) error {
	next := *j
	next.Parts++
	err := s.write(ctx, func(q querier) error {
		if err := s.saveJob(ctx, q, &next, l); err != nil {
			return err
		}
		return s.addJobPart(ctx, q, j.ID, JobResult, j.Parts, piece)
	})
	if err == nil {
		*j = next
	}
	return err
}

// ReleaseJob gives a job back that is not over: whoever comes next goes on with it. A try that was broken off, and that SaveJob has noted, is taken back.
func (s *Store) ReleaseJob(ctx context.Context, id string, l JobLease, tried bool) error {
	return s.write(ctx, func(q querier) error {
		const held = " WHERE tenant = ? AND id = ? AND owner = ? AND status = 'processing'"
		j, err := s.db.scanJob(func(dest ...any) error {
			return q.row(ctx, "SELECT "+jobColumns+" FROM jobs"+held+s.db.forUpdate(), []any{s.tenant.ID, id, l.Owner}, dest...)
		})
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if tried {
			j.Tries = max(j.Tries-1, 0)
		}
		doc, err := json.Marshal(j)
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, "UPDATE jobs SET lease_until = 0, doc = ?"+held, document(doc), s.tenant.ID, id, l.Owner)
		return err
	})
}

// EachUserAfter calls fn with the next users by id, one after the other, of one connection unless its name is empty. An error of fn ends it.
func (s *Store) EachUserAfter(ctx context.Context, connection, after string, most int, fn func(*stagedoor.User) error) error {
	rest, args := " WHERE u.tenant = ? AND u.id > ? ORDER BY u.id LIMIT ?", []any{s.tenant.ID, after, most}
	if connection != "" {
		rest, args = " WHERE u.tenant = ? AND u.id > ? AND u.connection = ? ORDER BY u.id LIMIT ?", []any{s.tenant.ID, after, connection, most}
	}
	return s.read().each(ctx, "SELECT "+userColumns+userTables+rest, args, func(scan func(...any) error) error {
		t, err := scanUserText(scan)
		if err != nil {
			return err
		}
		u, err := t.Decoded()
		if err != nil {
			return err
		}
		return fn(u)
	})
}

// CountUsers returns how many users there are, of one connection unless its name is empty.
func (s *Store) CountUsers(ctx context.Context, connection string) (n int, err error) {
	query, args := "SELECT COUNT(*) FROM users WHERE tenant = ?", []any{s.tenant.ID}
	if connection != "" {
		query, args = query+" AND connection = ?", append(args, connection)
	}
	err = s.list().row(ctx, query, args, &n)
	return n, err
}
