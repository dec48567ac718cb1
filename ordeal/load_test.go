//go:build unix

package ordeal

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	connection = "Username-Password-Authentication"
	password   = "Engine-No.1"
)

// presence is what a writer knows of a user.
type presence int

const (
	there presence = iota
	maybeThere
	maybeGone
	gone
)

// A person is a user as the writer was told that they are. Each belongs to one writer, apart from the one whom all patch.
type person struct {
	email, id string
	state     presence
	writes    int
	keys      map[string]bool // of user_metadata: true if acknowledged, false if nobody said
	logins    int             // acknowledged
	maybe     int             // logins that nobody answered
	refresh   string          // the newest refresh token; empty if none is known for sure
	touched   bool            // since the last verification
}

// tally counts what a run did.
type tally struct {
	done, unanswered, kept atomic.Int64 // writes: acknowledged, without a clear answer, and of those, found done
	logins                 atomic.Int64
	lastDone               atomic.Int64 // when, in nanoseconds
	gap                    atomic.Int64 // the longest time without an acknowledgement
}

func (c *tally) note(status int) (acknowledged, open bool) {
	switch {
	case status >= 200 && status < 300:
		c.done.Add(1)
		now := time.Now().UnixNano()
		if since := now - c.lastDone.Swap(now); since > c.gap.Load() && since < now {
			c.gap.Store(since)
		}
		return true, false
	case status == 0 || status >= 500 || status == 429:
		c.unanswered.Add(1)
		return false, true
	}
	return false, false
}

// A writer writes as one client of the API, one request after the other.
type writer struct {
	w      *world
	c      *tally
	n      int // of the writer
	made   int
	open   int // requests without a clear answer
	people []*person
	r      *rand.Rand
}

// common is the user whom all writers patch.
type common struct {
	sync.Mutex
	person
}

func (wr *writer) work(stop <-chan struct{}, all *common, patient bool) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		before := wr.open
		if wr.step(all); patient && wr.open > before {
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// step makes one write.
func (wr *writer) step(all *common) {
	p := wr.someone()
	switch dice := wr.r.IntN(100); {
	case p == nil, dice < 6:
		wr.create()
	case dice < 55:
		wr.patch(p)
	case dice < 70:
		wr.patchCommon(all)
	case dice < 80:
		wr.logIn(p)
	case dice < 96 && p.refresh != "":
		wr.rotate(p)
	case dice < 96:
		wr.logIn(p)
	default:
		wr.remove(p)
	}
}

// someone returns a user of the writer's who is there for sure.
func (wr *writer) someone() *person {
	for range 4 {
		if len(wr.people) == 0 {
			return nil
		}
		if p := wr.people[wr.r.IntN(len(wr.people))]; p.state == there {
			return p
		}
	}
	return nil
}

func (wr *writer) note(status int) (acknowledged, open bool) {
	acknowledged, open = wr.c.note(status)
	if open {
		wr.open++
	}
	return acknowledged, open
}

func (wr *writer) server() int { return wr.r.IntN(len(wr.w.servers)) }

func (wr *writer) create() {
	wr.made++
	p := &person{email: fmt.Sprintf("w%d-%d@ordeal.test", wr.n, wr.made), keys: map[string]bool{}, touched: true}
	var got struct {
		UserID string `json:"user_id"`
	}
	status := wr.w.manage(wr.server(), "POST", "/users", map[string]any{"connection": connection, "email": p.email, "password": password, "verify_email": false, "email_verified": true}, &got)
	done, open := wr.note(status)
	switch {
	case done:
		p.id = got.UserID
	case open:
		p.state = maybeThere
	default:
		wr.w.violation("creating %s for the first time was answered with %d: it was done twice, or refused", p.email, status)
		return
	}
	wr.people = append(wr.people, p)
}

// patch sets two keys at once: both are there, or none.
func (wr *writer) patch(p *person) {
	p.writes++
	key := fmt.Sprintf("%d", p.writes)
	p.touched = true
	wr.put(p, key, wr.w.manage(wr.server(), "PATCH", userPath(p.id), pair(key), nil))
}

func (wr *writer) put(p *person, key string, status int) {
	done, open := wr.note(status)
	if !done && !open {
		wr.w.violation("a patch of %s was answered with %d", p.email, status)
		return
	}
	p.keys[key] = done
}

func (wr *writer) patchCommon(all *common) {
	all.Lock()
	all.writes++
	key := fmt.Sprintf("w%d_%d", wr.n, all.writes)
	all.Unlock()
	status := wr.w.manage(wr.server(), "PATCH", userPath(all.id), pair(key), nil)
	all.Lock()
	defer all.Unlock()
	all.touched = true
	wr.put(&all.person, key, status)
}

func pair(key string) map[string]any {
	return map[string]any{"user_metadata": map[string]any{"a" + key: key, "b" + key: key}}
}

func userPath(id string) string { return "/users/" + url.PathEscape(id) }

type tokenAnswer struct {
	RefreshToken string `json:"refresh_token"`
	Error        string `json:"error"`
}

// logIn logs a user in, and redeems the code.
func (wr *writer) logIn(p *person) {
	p.touched = true
	server := wr.server()
	status, code, sent := wr.w.logIn(server, p.email)
	done, open := wr.note(status)
	switch {
	case !done && !open:
		wr.w.violation("a login of %s was answered with %d %s", p.email, status, code)
		return
	case !done:
		if sent {
			p.maybe++
		}
		return
	}
	p.logins++
	wr.c.logins.Add(1)
	var got tokenAnswer
	status = wr.w.call(server, "POST", "/oauth/token", "", map[string]string{
		"grant_type": "authorization_code", "client_id": wr.w.app, "code": code, "redirect_uri": callback, "code_verifier": verifier,
	}, &got)
	if done, open := wr.note(status); !done && !open {
		wr.w.violation("a code of %s that was never used was answered with %d %s", p.email, status, got.Error)
	}
	p.refresh = got.RefreshToken
}

// rotate uses the refresh token up for the next one. A token that was given for sure and never used must work.
func (wr *writer) rotate(p *person) {
	var got tokenAnswer
	status := wr.w.call(wr.server(), "POST", "/oauth/token", "", map[string]string{"grant_type": "refresh_token", "client_id": wr.w.app, "refresh_token": p.refresh}, &got)
	done, open := wr.note(status)
	p.refresh = ""
	switch {
	case done:
		p.refresh = got.RefreshToken
	case !open:
		wr.w.violation("a refresh token of %s that was never used was answered with %d %s", p.email, status, got.Error)
	}
}

func (wr *writer) remove(p *person) {
	p.touched = true
	p.refresh = ""
	done, open := wr.note(wr.w.manage(wr.server(), "DELETE", userPath(p.id), nil, nil))
	switch {
	case done:
		p.state = gone
	case open:
		p.state = maybeGone
	default:
		wr.w.violation("deleting %s was refused", p.email)
	}
}

// A load is writers and all that they were told.
type load struct {
	w       *world
	c       tally
	patient bool // pauses after a request without an answer
	writers []*writer
	all     common
}

func newLoad(w *world, writers int) *load {
	l := &load{w: w}
	l.all.email, l.all.keys = "all@ordeal.test", map[string]bool{}
	var got struct {
		UserID string `json:"user_id"`
	}
	if w.manage(0, "POST", "/users", map[string]any{"connection": connection, "email": l.all.email, "password": password, "verify_email": false}, &got) != 201 {
		w.Fatalf("the first user cannot be made\n%s", w.servers[0].log)
	}
	l.all.id = got.UserID
	for n := range writers {
		l.writers = append(l.writers, &writer{w: w, c: &l.c, n: n, r: rand.New(rand.NewPCG(rand.Uint64(), uint64(n)))})
	}
	return l
}

// during writes until fn has returned, or has called last: no request begins after that; and every request has ended.
func (l *load) during(fn func(last func())) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	l.c.lastDone.Store(time.Now().UnixNano())
	l.c.gap.Store(0)
	for _, wr := range l.writers {
		wg.Go(func() { wr.work(stop, &l.all, l.patient) })
	}
	last := sync.OnceFunc(func() { close(stop) })
	fn(last)
	last()
	wg.Wait()
}

// warm gives every writer users to begin with.
func (l *load) warm(each int) {
	var wg sync.WaitGroup
	for _, wr := range l.writers {
		wg.Go(func() {
			for range each {
				wr.create()
			}
		})
	}
	wg.Wait()
}
