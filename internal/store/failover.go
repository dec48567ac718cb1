package store

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stagedoor/stagedoor"
)

// DefaultWait is how long a request waits for a database that is away: most switch-overs take less.
const DefaultWait = 5 * time.Second

// Codes of Unavailable errors that come from a database with many servers.
const (
	CodeUnavailable = "database_unavailable" // nothing was written: to try again is right
	CodeUnknown     = "outcome_unknown"      // whether it was written cannot be told
	CodeAnswerLost  = "answer_lost"          // it was written, but what the database answered is lost
)

// trouble is what kept the database from doing something that it did not do.
type trouble int

const (
	noTrouble  trouble = iota // or nothing that another try would mend
	contention                // another transaction was in the way
	away                      // the database is not there, or is not the one that takes writes
)

// troubleOf classifies an error of a statement or a connection.
func troubleOf(err error) trouble {
	var pg *pgconn.PgError
	var connecting *pgconn.ConnectError
	var undone *notCarriedOut
	switch {
	case err == nil:
		return noTrouble
	case errors.As(err, &undone):
		return away
	case errors.As(err, &pg):
		switch {
		case pg.Code == "40001", pg.Code == "40P01": // serialization failure, deadlock
			return contention
		case strings.HasPrefix(pg.Code, "08"), strings.HasPrefix(pg.Code, "57P"), // connections; shut down, crash, starting up
			pg.Code == "25006", // read only: it was the primary until now
			pg.Code == "53300": // too many connections, as after a failover
			return away
		}
		return noTrouble
	case errors.As(err, &connecting), pgconn.SafeToRetry(err):
		return away
	}
	return broken(err)
}

// broken tells whether the way to the database failed.
func broken(err error) trouble {
	var network net.Error
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE, syscall.ETIMEDOUT, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return away
		}
	}
	if errors.As(err, &network) {
		return away
	}
	return noTrouble
}

// refusedByServer tells whether err is the server's own word that the statement had no effect. A FATAL one may have come after the end of
// the transaction, and two codes say that it is not known.
func refusedByServer(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR" && pg.Code != "40003" && !strings.HasPrefix(pg.Code, "08")
}

// retried runs try until it succeeds, fails for good, or the time is up. try must not have had an effect when it returns an error that
// troubleOf knows; one that may have had is to be wrapped in finalError. It is told until when it may wait for a connection.
//
// The time begins when the database is found to be away: at once where it cannot be reached, else when what had begun broke.
func (e *postgresEngine) retried(ctx context.Context, try func(until time.Time) error) error {
	until, begun := time.Now().Add(e.wait), false
	for i := 0; ; i++ {
		err := try(until)
		if err == nil || errors.Is(err, errNoRows) {
			return err
		}
		var final *finalError
		if errors.As(err, &final) {
			return final.error
		}
		kind := troubleOf(err)
		if kind == noTrouble || ctx.Err() != nil {
			return err
		}
		if kind == away && !isFull(err) { // the connections that there are lead to the right server
			e.suspect()
		}
		now := time.Now()
		if connecting := (*pgconn.ConnectError)(nil); !begun && !errors.As(err, &connecting) {
			until, begun = now.Add(e.wait), true
		}
		pause := backoff(kind, i)
		if now.Add(pause).After(until) {
			return unavailable(kind, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// finalError is one that is not to be tried again, whatever is in it.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// backoff grows from milliseconds to half a second, less for a contended record than for a server that starts, and is scattered: those who
// failed together do not come back together.
func backoff(kind trouble, try int) time.Duration {
	first, most := 3*time.Millisecond, 60*time.Millisecond
	if kind == away {
		first, most = 10*time.Millisecond, 500*time.Millisecond
	}
	d := min(first<<min(try, 10), most)
	return d/2 + rand.N(d)
}

// suspect empties the pool: where one connection led to a server that is gone or no longer the primary, the others do too.
// Connections in use are closed when they come back.
func (e *postgresEngine) suspect() {
	now, last := time.Now().UnixNano(), e.suspected.Load()
	if now-last > int64(200*time.Millisecond) && e.suspected.CompareAndSwap(last, now) {
		e.pool.Reset()
	}
}

// unavailable is what the caller gets when the time is up.
func unavailable(kind trouble, err error) error {
	text := "The database does not answer at the moment. Nothing was changed; try again in a few seconds."
	if kind == contention {
		text = "Too many requests change the same records at the moment. Nothing was changed; try again in a few seconds."
	}
	return &stagedoor.Error{Kind: stagedoor.Unavailable, Code: CodeUnavailable, Message: text, Err: err}
}

// outcomeUnknown is what the caller of a write gets whose end nobody could be asked about in time.
func outcomeUnknown(err error) error {
	return &finalError{&stagedoor.Error{
		Kind: stagedoor.Unavailable, Code: CodeUnknown, Err: err,
		Message: "The connection to the database broke at the end of the change, and whether it was made could not be found out in time. Look before you repeat it.",
	}}
}

// answerLost is what the caller of a write gets that was carried out, but whose results are gone.
func answerLost(err error) error {
	return &finalError{&stagedoor.Error{
		Kind: stagedoor.Unavailable, Code: CodeAnswerLost, Err: err,
		Message: "The change was made, but the database's answer to it was lost. Look before you repeat it.",
	}}
}
