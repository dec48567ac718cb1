package stagedoor

import "time"

// FlowExecution is the record of one run of a flow. It holds no values of the run, and nothing of the person.
type FlowExecution struct {
	ID        string
	FlowID    string
	TraceID   string // of the run alone
	JourneyID string // of the login that shows the form; the same in all its runs
	Status    string // COMPLETED or FAILED
	Failure   string // why it failed
	StartedAt time.Time
	EndedAt   time.Time
}
