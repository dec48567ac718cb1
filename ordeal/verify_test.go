//go:build unix

package ordeal

import (
	"encoding/json"
	"net/url"
	"sync"
)

// shown is what the API shows of a user.
type shown struct {
	UserID   string            `json:"user_id"`
	Metadata map[string]string `json:"user_metadata"`
	Logins   int               `json:"logins_count"`
}

// verify compares everything that was written since the last time with what is there now, and settles what nobody answered: from
// now on it is what it is.
func (l *load) verify() {
	var wg sync.WaitGroup
	for _, wr := range l.writers {
		wg.Go(func() {
			kept := wr.people[:0]
			for _, p := range wr.people {
				if p.touched {
					l.settle(p)
				}
				if p.state != gone {
					kept = append(kept, p)
				}
			}
			clear(wr.people[len(kept):])
			wr.people = kept
		})
	}
	wg.Wait()
	if l.all.touched {
		l.settle(&l.all.person)
	}
}

// everything marks all users, so that the next verification looks at each.
func (l *load) everything() {
	for _, wr := range l.writers {
		for _, p := range wr.people {
			p.touched = true
		}
	}
}

func (l *load) settle(p *person) {
	p.touched = false
	if p.state == maybeThere {
		var found []shown
		if status := l.read("/users-by-email?email="+url.QueryEscape(p.email), &found); status != 200 || len(found) > 1 {
			l.w.violation("%s: status %d, %d users where at most one may be", p.email, status, len(found))
		}
		if len(found) == 0 {
			p.state = gone
			return
		}
		l.c.kept.Add(1)
		p.id, p.state = found[0].UserID, there
	}
	var u shown
	status := l.read(userPath(p.id), &u)
	switch {
	case status == 404 && p.state == maybeGone:
		l.c.kept.Add(1)
		p.state = gone
		return
	case status == 404 && p.state == gone:
		return
	case status == 200 && p.state == gone:
		l.w.violation("%s was deleted and is back", p.email)
		return
	case status != 200:
		l.w.violation("%s was acknowledged and is lost: status %d", p.email, status)
		p.state = gone
		return
	}
	p.state = there
	l.settleKeys(p, u.Metadata)
	if u.Logins < p.logins || u.Logins > p.logins+p.maybe {
		l.w.violation("%s logged in %d times for sure and %d times perhaps, and %d are counted", p.email, p.logins, p.maybe, u.Logins)
	}
	l.c.kept.Add(int64(u.Logins - p.logins))
	p.logins, p.maybe = u.Logins, 0
}

func (l *load) settleKeys(p *person, metadata map[string]string) {
	known := 0
	for key, sure := range p.keys {
		a, hasA := metadata["a"+key]
		b, hasB := metadata["b"+key]
		switch {
		case hasA != hasB:
			l.w.violation("%s: patch %s is there by half", p.email, key)
		case sure && !hasA:
			l.w.violation("%s: patch %s was acknowledged and is lost", p.email, key)
		case hasA && (a != key || b != key):
			l.w.violation("%s: patch %s has the values %q and %q", p.email, key, a, b)
		case !sure && hasA:
			l.c.kept.Add(1)
		}
		if hasA {
			known += 2
			p.keys[key] = true
		} else {
			delete(p.keys, key)
		}
	}
	if known != len(metadata) {
		l.w.violation("%s: %d keys of metadata, %d of them written", p.email, len(metadata), known)
	}
}

// read asks until there is an answer: the verification is no part of what may fail.
func (l *load) read(path string, into any) (status int) {
	for range 50 {
		var raw json.RawMessage
		if status = l.w.manage(0, "GET", path, nil, &raw); status == 200 && json.Unmarshal(raw, into) == nil || status == 404 {
			return status
		}
	}
	return status
}
