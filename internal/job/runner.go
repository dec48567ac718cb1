package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

const (
	every    = time.Second      // how often jobs of other servers are looked for
	leaseFor = 15 * time.Second // longer than a step takes; so long rests the job of a server that was killed
	mailFor  = 2 * time.Minute  // the same for a step that sends a mail
	atOnce   = 4                // jobs that a server works on at a time
	ofTenant = atOnce / 2       // of them of one tenant: its long imports, or its mail server that hangs, leave room for the jobs of others
	maxTries = 5                // of one step
)

// errEndless ends a job whose step came to no end so often: no error was told, so that it may have ended the server each time.
var errEndless = errors.New("the step never came to an end")

// Deps are what jobs are done with.
type Deps struct {
	DB      *store.DB
	Log     *slog.Logger
	Metrics *telemetry.Metrics // nil: nothing is counted

	// Identify makes u a user of a database connection, or tells what is wrong with the identifiers.
	Identify func(c *stagedoor.Connection, u *stagedoor.User) error
	// Send brings a mail to where it belongs.
	Send func(ctx context.Context, st *store.Store, m mail.Message) error
	// SendVerification sends the mail that asks a user to verify the e-mail address. clientID and organizationID may be empty.
	SendVerification func(ctx context.Context, st *store.Store, u *stagedoor.User, clientID, organizationID string) error
}

// A Runner does jobs. A server has one.
type Runner struct {
	Deps
	wake chan struct{}

	mu      sync.Mutex
	running map[string]int // jobs under way, by tenant
}

// New makes a runner. It begins with Run.
func New(d Deps) *Runner {
	return &Runner{Deps: d, wake: make(chan struct{}, 1), running: map[string]int{}}
}

// Wake tells the runner that there may be a new job.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run does jobs until the context ends, and returns when those under way have been given back.
func (r *Runner) Run(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	slots := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	defer group.Wait()
	for ctx.Err() == nil {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		w, err := r.claim(ctx)
		if err == nil {
			tenant := w.st.Tenant().ID
			r.count(tenant, 1)
			group.Go(func() {
				defer func() { r.count(tenant, -1); <-slots; r.Wake() }()
				r.do(ctx, w)
			})
			continue
		}
		<-slots
		if !stagedoor.IsKind(err, stagedoor.NotFound) && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "jobs could not be looked for", "error", err)
		}
		select {
		case <-ticker.C:
		case <-r.wake:
		case <-ctx.Done():
		}
	}
}

// count notes that a job of a tenant begins or ends.
func (r *Runner) count(tenant string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[tenant] += n; r.running[tenant] == 0 {
		delete(r.running, tenant)
	}
}

// busy is the tenant that has as many jobs under way as it may; empty if none has. As long as there is room for a job it is one at most.
func (r *Runner) busy() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for tenant, n := range r.running {
		if n >= ofTenant {
			return tenant
		}
	}
	return ""
}

// Once does one job and tells whether there was one.
func (r *Runner) Once(ctx context.Context) (bool, error) {
	w, err := r.claim(ctx)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r.do(ctx, w)
	return true, nil
}

func (r *Runner) claim(ctx context.Context) (*work, error) {
	lease := store.JobLease{Owner: stagedoor.NewToken(), For: leaseFor}
	st, j, err := r.DB.ClaimJob(ctx, lease, r.busy())
	if err != nil {
		return nil, err
	}
	return &work{Job: j, st: st, lease: lease}, nil
}

// do works on a job until it is over, or the context ends.
func (r *Runner) do(ctx context.Context, w *work) {
	if w.StartedAt.IsZero() {
		w.StartedAt = w.st.Clock().Now()
	}
	w.Tries++
	err := w.save(ctx) // before the step, which may end this process
	noted := err == nil
	switch {
	case err != nil:
	case w.Tries > maxTries:
		err = errEndless
	default:
		err = r.step(ctx, w)
	}
	log := r.Log.With("tenant", w.st.Tenant().ID, "job", w.ID, "type", w.Type)
	kept := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		return
	case ctx.Err() != nil: // the server stops, which is no fault of the job
		if err := w.st.ReleaseJob(kept, w.ID, w.lease, noted); err != nil {
			log.Error("a job could not be given back", "error", err)
		}
		return
	case errors.Is(err, store.ErrLostJob): // another server goes on with it, or it went with its tenant
		log.Info("a job is not this server's any more")
		return
	case stagedoor.IsKind(err, stagedoor.Invalid):
		w.Details = stagedoor.AsError(err).Message
	case w.Tries >= maxTries:
		w.Details = "The job failed because of an internal error."
		log.Error("a job failed", "error", err)
	default:
		log.Error("a job will be tried again", "tries", w.Tries, "error", err)
		return // the lease runs out
	}
	w.Status = stagedoor.JobFailed
	if err := w.save(kept); err != nil {
		if !errors.Is(err, store.ErrLostJob) {
			log.Error("a job could not be ended", "error", err)
		}
		return
	}
	r.ended(w, "failure")
	r.finished(kept, w)
}

// ended counts a job that is over.
func (r *Runner) ended(w *work, outcome string) {
	r.Metrics.Add(telemetry.JobsEnded, 1, w.Type, outcome)
	r.Metrics.Observe(telemetry.JobTime, w.st.Clock().Now().Sub(w.StartedAt).Seconds(), w.Type)
}

// step runs the function of the job's type. A panic is an error of this job alone.
func (r *Runner) step(ctx context.Context, w *work) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a job: %v\n%s", p, debug.Stack())
		}
	}()
	run := kinds[w.Type]
	if run == nil {
		return stagedoor.Errorf(stagedoor.Invalid, "", "This server does not know jobs of the type %s.", w.Type)
	}
	return run(r, ctx, w)
}

func (w *work) save(ctx context.Context) error {
	w.saved = time.Now()
	return w.st.SaveJob(ctx, w.Job, w.lease)
}

// alive renews the lease where a step takes long without writing anything, and tells whether the context has ended.
func (w *work) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil || time.Since(w.saved) < leaseFor/3 {
		return err
	}
	return w.save(ctx)
}

// complete ends a job that succeeded.
func (r *Runner) complete(ctx context.Context, w *work) error {
	w.Status = stagedoor.JobCompleted
	if err := w.save(ctx); err != nil {
		w.Status = stagedoor.JobProcessing
		return err
	}
	r.ended(w, "success")
	r.finished(ctx, w)
	return nil
}
