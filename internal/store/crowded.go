package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// crowded is how long after the database refused a connection, because there are too many, no other one is asked for; nextTry how often who is
// first in the line looks whether a connection is free.
const (
	crowdedFor = time.Second
	nextTry    = time.Millisecond
)

// errCrowded is what a new connection ends in while the database has refused one a moment ago.
var errCrowded = errors.New("the database takes no more connections at the moment")

// A crowd is what a server knows of a database that has fewer connections to give than its pool would like: because other servers have them, or the
// role or the machine is small. It goes on with those that it has. Who needs one waits in a line, in which the first alone looks for one.
type crowd struct {
	until atomic.Int64 // in nanoseconds
	line  chan struct{}
}

func newCrowd() *crowd { return &crowd{line: make(chan struct{}, 1)} }

func (c *crowd) is() bool { return time.Now().UnixNano() < c.until.Load() }

// noticed tells whether err says that there are too many connections, and remembers it.
func (c *crowd) noticed(err error) bool {
	if !isFull(err) {
		return false
	}
	c.until.Store(time.Now().Add(crowdedFor).UnixNano())
	return true
}

func isFull(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53300"
}

// beforeConnect spares the database attempts that it would refuse, as long as there are connections that will be free.
func (e *postgresEngine) beforeConnect(context.Context, *pgx.ConnConfig) error {
	if e.crowd.is() && e.pool.Stat().AcquiredConns()+e.pool.Stat().IdleConns() > 0 {
		return errCrowded
	}
	return nil
}

// connection takes a connection, for as long as the context lasts. Where the database has no more to give, it waits for one that others give back.
func (e *postgresEngine) connection(ctx context.Context) (*pgxpool.Conn, error) {
	if !e.crowd.is() {
		conn, err := e.pool.Acquire(ctx)
		if !e.crowd.noticed(err) && !errors.Is(err, errCrowded) {
			return conn, err
		}
	}
	select {
	case e.crowd.line <- struct{}{}:
		defer func() { <-e.crowd.line }()
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), errCrowded)
	}
	for {
		conn, err := e.pool.Acquire(ctx)
		if !e.crowd.noticed(err) && !errors.Is(err, errCrowded) {
			return conn, err
		}
		select {
		case <-time.After(nextTry):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}
