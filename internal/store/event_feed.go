package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// Events that are read by the API are kept for a tenant from the time on at which somebody reads them first, until nobody has for as long as
// they are kept. Others pay nothing for it.
//
//	publish ──▶ feed_events, without a place ──numbered──▶ place 1, 2, 3 … ──▶ readers, each from its own place on
//
// The place is not given by whoever writes: of two changes at once the one that began first may be committed last, and whoever has read the
// other would never see it. It is given to what is committed, one server at a time, when somebody looks for events.

// feedKept is how long events can be read, and how long they are kept for a tenant where nobody reads them.
const feedKept = 7 * 24 * time.Hour

const (
	feedNoted  = 24 * time.Hour // how often it is noted that somebody reads
	numberMost = 2000           // events that get a place at once
	feedBytes  = 1 << 20        // after so many no more events are read at once
	feedLate   = time.Minute    // how much later than it says an event may have been committed
)

// eventFeeds hold whether a tenant's events are kept to be read.
var eventFeeds = Kind[stagedoor.EventFeed]{
	Name: "event_feed", ID: func(f *stagedoor.EventFeed) *string { return &f.ID }, Cached: true,
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "Nobody reads the tenant's events."),
}

const feedID = "feed"

// OpenFeed notes that somebody reads the tenant's events and returns what they are read of. fresh says that none were kept until now: other servers
// may write some without keeping them for another [CacheFor].
func (s *Store) OpenFeed(ctx context.Context) (feed *stagedoor.EventFeed, fresh bool, err error) {
	now := s.db.clock.Now()
	feed, err = eventFeeds.Get(ctx, s, feedID)
	if err == nil && now.Sub(time.UnixMilli(feed.ReadAt)) < feedNoted && feed.ReadAt <= now.UnixMilli() {
		return feed, false, nil
	}
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, false, err
	}
	feed, err = eventFeeds.Set(ctx, s, feedID, func() *stagedoor.EventFeed { return &stagedoor.EventFeed{} }, func(f *stagedoor.EventFeed) error {
		if fresh = !feedWanted(f, now); fresh {
			f.Stream = EventStreams.NewID()
		}
		f.ReadAt = now.UnixMilli()
		return nil
	})
	return feed, fresh, err
}

// feedWanted tells whether events are still kept to be read.
func feedWanted(f *stagedoor.EventFeed, now time.Time) bool {
	return f != nil && f.Stream != "" && now.Sub(time.UnixMilli(f.ReadAt)) < feedKept
}

// keepEvent keeps an event to be read.
func (s *Store) keepEvent(ctx context.Context, q querier, e stagedoor.CloudEvent, now time.Time) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "INSERT INTO feed_events (tenant, id, type, doc, size, at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		s.tenant.ID, e.ID, e.Type, document(doc), len(doc), s.db.stamp(now), millis(now.Add(feedKept)))
	return err
}

// stamp is a time in microseconds that is later than all that were given before: events of one change keep their order.
func (db *DB) stamp(now time.Time) int64 {
	for {
		last := db.stamped.Load()
		at := max(now.UnixMicro(), last+1)
		if at > now.UnixMicro()+time.Second.Microseconds() { // the clock was put back
			at = now.UnixMicro()
		}
		if db.stamped.CompareAndSwap(last, at) {
			return at
		}
	}
}

// FeedEnd returns the place of the newest event.
func (s *Store) FeedEnd(ctx context.Context) (last int64, err error) {
	for {
		var waits bool
		if last, waits, err = s.feedState(ctx); err != nil || !waits {
			return last, err
		}
		if err := s.numberEvents(ctx); err != nil {
			return 0, err
		}
	}
}

// feedState tells the place of the newest event that has one, and whether others wait for theirs.
func (s *Store) feedState(ctx context.Context) (last int64, waits bool, err error) {
	var waiting int
	err = s.read().row(ctx, `SELECT COALESCE((SELECT last FROM event_feeds WHERE tenant = ?), 0),
		(SELECT COUNT(*) FROM (SELECT 1 FROM feed_events WHERE tenant = ? AND seq IS NULL LIMIT 1) AS one)`, []any{s.tenant.ID, s.tenant.ID}, &last, &waiting)
	return last, waiting > 0, err
}

// numberEvents gives places to events that are committed and have none, in the order of their times. One server does it at a time.
func (s *Store) numberEvents(ctx context.Context) error {
	_, err := s.db.numberFeed(ctx, s.tenant.ID)
	return err
}

// numberFeed is numberEvents of any tenant, and tells how many events got their place.
func (db *DB) numberFeed(ctx context.Context, tenant string) (n int64, err error) {
	err = db.write(ctx, func(q querier) error {
		var last, total, fresh int64
		err := q.row(ctx, "INSERT INTO event_feeds (tenant, last) VALUES (?, 0) ON CONFLICT (tenant) DO UPDATE SET last = event_feeds.last RETURNING last, total", []any{tenant}, &last, &total)
		if err != nil {
			return err
		}
		n = 0
		err = q.each(ctx, numberFeedSQL, []any{last, total, tenant, numberMost, tenant}, func(scan func(...any) error) error {
			var size int64
			err := scan(&size)
			n, fresh = n+1, fresh+size
			return err
		})
		if err != nil || n == 0 {
			return err
		}
		_, err = q.exec(ctx, "UPDATE event_feeds SET last = ?, total = ? WHERE tenant = ?", last+n, total+fresh, tenant)
		return err
	})
	return n, err
}

// numberFeedSQL gives places to events, and says how long each is.
const numberFeedSQL = `UPDATE feed_events SET seq = CAST(? AS BIGINT) + fresh.n, total = CAST(? AS BIGINT) + fresh.upto FROM
	(SELECT id, ROW_NUMBER() OVER (ORDER BY at, id) AS n, SUM(size) OVER (ORDER BY at, id ROWS UNBOUNDED PRECEDING) AS upto FROM
		(SELECT id, at, size FROM feed_events WHERE tenant = ? AND seq IS NULL ORDER BY at, id LIMIT ?) AS first) AS fresh
	WHERE feed_events.tenant = ? AND feed_events.id = fresh.id RETURNING feed_events.size`

// FeedHas tells whether all events behind a place can still be read.
func (s *Store) FeedHas(ctx context.Context, after int64) (bool, error) {
	last, _, err := s.feedState(ctx)
	if err != nil || after >= last {
		return after == last, err
	}
	first, _, err := s.feedAt(ctx, 0)
	return first > 0 && first <= after+1, err
}

// feedAt returns the place, and the time in microseconds, of the first event that has a place from one on; zero if there is none.
func (s *Store) feedAt(ctx context.Context, from int64) (seq, at int64, err error) {
	err = s.read().row(ctx, "SELECT seq, at FROM feed_events WHERE tenant = ? AND seq >= ? ORDER BY seq LIMIT 1", []any{s.tenant.ID, from}, &seq, &at)
	if errors.Is(err, errNoRows) {
		err = nil
	}
	return seq, at, err
}

// FeedSince returns the place behind which all events of a time and later are. Some behind it may be older.
func (s *Store) FeedSince(ctx context.Context, since time.Time) (int64, error) {
	high, err := s.FeedEnd(ctx)
	if err != nil {
		return 0, err
	}
	first, _, err := s.feedAt(ctx, 0)
	if err != nil || first == 0 {
		return high, err
	}
	low, wanted := first-1, since.Add(-feedLate).UnixMicro() // what was before the first is gone
	for low < high {                                         // places follow the times, but for what was committed late
		middle := low + (high-low)/2
		seq, at, err := s.feedAt(ctx, middle+1)
		switch {
		case err != nil:
			return 0, err
		case seq == 0 || at >= wanted:
			high = middle
		default:
			low = seq
		}
	}
	return low, nil
}

// FeedQuery asks for events to read.
type FeedQuery struct {
	After int64     // behind this place
	Types []string  // none: all
	Since time.Time // not before
	Take  int       // that are looked at, fewer where they are long
}

// FeedEvents are events that were read, and the place of the last that was looked at: others may not have been asked for.
type FeedEvents struct {
	Events []stagedoor.FeedEvent
	Last   int64
	More   bool // there may be more behind it
}

// ErrFeedGone says that events were deleted which come next.
func ErrFeedGone() error {
	return stagedoor.Errorf(stagedoor.Gone, "", "Cursor points to data no longer available in the stream.")
}

// errFull ends the reading of events that are long.
var errFull = errors.New("enough events were read")

// FeedEvents reads the events behind a place, whichever server wrote them. Where some of them are kept no more it is Gone.
func (s *Store) FeedEvents(ctx context.Context, query FeedQuery) (*FeedEvents, error) {
	last, waits, err := s.feedState(ctx)
	if err == nil && waits {
		err = s.numberEvents(ctx)
	}
	out := &FeedEvents{Last: query.After}
	if err != nil || !waits && last <= query.After {
		return out, err
	}
	wanted, args := "at >= ?", []any{query.Since.UnixMicro()}
	if len(query.Types) > 0 {
		wanted += " AND type IN (?" + strings.Repeat(", ?", len(query.Types)-1) + ")"
		for _, t := range query.Types {
			args = append(args, t)
		}
	}
	looked, size := 0, 0
	args = append(args, s.tenant.ID, query.After, query.Take)
	err = s.read().each(ctx, "SELECT seq, type, CASE WHEN "+wanted+" THEN doc ELSE '{}' END FROM feed_events WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?", args, func(scan func(...any) error) error {
		var e stagedoor.FeedEvent
		var doc string
		if err := scan(&e.Place, &e.Type, &doc); err != nil {
			return err
		}
		if looked == 0 && e.Place != query.After+1 {
			return ErrFeedGone()
		}
		looked, size, out.Last = looked+1, size+len(doc), e.Place
		if e.Event = json.RawMessage(doc); doc != "{}" {
			out.Events = append(out.Events, e)
		}
		if size > feedBytes {
			return errFull
		}
		return nil
	})
	if err == nil && looked == 0 && last > query.After {
		err = ErrFeedGone()
	}
	if out.More = looked == query.Take || errors.Is(err, errFull); out.More {
		err = nil
	}
	return out, err
}
