package job

import (
	"context"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// work is a job under way.
type work struct {
	*stagedoor.Job
	st    *store.Store
	lease store.JobLease
	saved time.Time // when the lease was last renewed
}

// kinds are the functions that do the jobs, by the jobs' types. A function goes on where the job says that it stopped. An error of
// kind Invalid ends the job as failed with the error's text; after any other it is tried again.
var kinds = map[string]func(*Runner, context.Context, *work) error{
	stagedoor.JobImport:       (*Runner).importUsers,
	stagedoor.JobExport:       (*Runner).exportUsers,
	stagedoor.JobVerification: (*Runner).sendVerification,
}
