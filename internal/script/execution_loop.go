package script

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// loop is the event loop: one thing that is due at a time, and all promise jobs after each. What is due has a time, microseconds since the
// run began: a timer its own, an answer the one at which it was seen. The order is that of the times, timers first, and scripts take
// the time of what happened last for the time. So a run that is repeated goes the same way.
func (e *execution) loop() {
	for {
		until, ok := e.collect()
		if !ok {
			return
		}
		next := 0.0
		alive := e.turn(func() (err error) {
			if noted := e.realm.heap.rejections(); noted > 0 {
				if _, err := e.realm.do("rejections", int(noted)); err != nil {
					return err
				}
			}
			v, err := e.realm.do("tick", until...)
			next = number(v)
			return err
		})
		if !alive {
			return
		}
		if e.outcome != nil && !e.sent {
			e.conclude()
		}
		if next == 0 {
			if !time.Now().Before(e.deadline) {
				e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
				return
			}
			continue
		}
		if len(e.ready) > 0 {
			m := e.ready[0]
			e.ready = e.ready[1:]
			if !e.turn(func() error { return e.settle(m) }) {
				return
			}
			continue
		}
		if next < 0 && len(e.pending) == 0 || e.start.Repeat {
			if !e.sent { // nothing is left that could call back: what would only run into the time limit ends here
				e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
			}
			return
		}
		if !e.wait(next) {
			return
		}
	}
}

// collect gives the answers that have come their times. Until is the time of the next one, nothing if there is none: then timers are due when
// it is their time. It reports false when the run is over.
func (e *execution) collect() (until []any, ok bool) {
	if e.start.Repeat {
		return e.collectRepeated()
	}
	for {
		m, ok := e.inbox.take()
		if !ok {
			break
		}
		if !e.arrived(m) {
			return nil, false
		}
	}
	if len(e.ready) > 0 {
		return []any{float64(e.ready[0].At)}, true
	}
	return nil, true
}

// arrived puts an answer behind those that came before it, and behind all timers that have been due.
func (e *execution) arrived(m message) bool {
	if !e.settled(m) {
		return true
	}
	e.heard = time.Now()
	alive := e.turn(func() error {
		v, err := e.realm.do("horizon", float64(time.Since(e.born).Microseconds()))
		m.At = int64(number(v)) + 1
		return err
	})
	if n := len(e.ready); n > 0 {
		m.At = max(m.At, e.ready[n-1].At+1)
	}
	e.ready = append(e.ready, m)
	if e.start.Record {
		e.answers = append(e.answers, [2]int64{int64(m.Call), m.At})
	}
	return alive
}

// settled counts an answer. It reports false for one that nobody waits for, which changes nothing.
func (e *execution) settled(m message) bool {
	if !e.pending[m.Call] {
		return false
	}
	delete(e.pending, m.Call)
	delete(e.reads, m.Call)
	if m.Call > firstWork {
		e.working--
	}
	return true
}

// collectRepeated waits for the answers to all calls: each comes with the time at which the run that is repeated got it.
func (e *execution) collectRepeated() (until []any, ok bool) {
	timer := time.NewTimer(time.Until(e.deadline))
	defer timer.Stop()
	for len(e.pending) > 0 {
		select {
		case <-e.inbox.wake:
			m, ok := e.inbox.take()
			if !ok {
				continue
			}
			if !e.settled(m) {
				continue
			}
			if m.Call > firstWork { // what the worker works out by itself has its time from the recorded run too
				m.At = -1
				for _, a := range e.start.Answers {
					if a[0] == int64(m.Call) {
						m.At = a[1]
					}
				}
			}
			if m.At < 0 {
				continue
			}
			m.At = max(m.At, e.ahead+1)
			at, _ := slices.BinarySearchFunc(e.ready, m.At+1, func(m message, at int64) int { return cmp.Compare(m.At, at) })
			e.ready = slices.Insert(e.ready, at, m)
		case <-e.stopped:
			return nil, false
		case <-timer.C:
			e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
			return nil, false
		}
	}
	if len(e.ready) > 0 {
		return []any{float64(e.ready[0].At)}, true
	}
	return []any{float64(e.end)}, true
}

// wait waits until something is due, next at the latest if it is a time. It reports false when the run is over.
func (e *execution) wait(next float64) bool {
	wait := time.Until(e.deadline)
	if next > 0 {
		wait = min(wait, time.Duration(next)*time.Microsecond)
	}
	idle := e.idle(next)
	if idle {
		wait = min(wait, time.Until(e.heard.Add(idleSockets)))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-e.inbox.wake:
		if m, ok := e.inbox.take(); ok {
			return e.arrived(m)
		}
	case <-timer.C:
		if idle && time.Since(e.heard) >= idleSockets {
			return false
		}
		if !time.Now().Before(e.deadline) {
			e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
			return false
		}
	case <-e.stopped:
		return false
	}
	return true
}

// idleSockets is how long connections that scripts left open may be silent after the outcome.
const idleSockets = time.Second

// idle tells that the login has its outcome and nothing is waited for but what may come over connections: most scripts leave theirs open.
// next is what the realm says about its timers; those of pools are for later than the run lasts.
func (e *execution) idle(next float64) bool {
	if !e.sent || len(e.reads) == 0 || len(e.pending) > len(e.reads) {
		return false
	}
	return next < 0 || time.Now().Add(time.Duration(next)*time.Microsecond).After(e.deadline)
}

func (e *execution) settle(m message) error {
	failed, body := m.Error != nil, string(m.Result)
	if failed {
		b, _ := json.Marshal(m.Error)
		body = string(b)
	}
	if body == "" {
		body = "null"
	}
	_, err := e.realm.do("settle", float64(m.Call), failed, body, float64(m.At))
	return err
}

// turn enters the realm once and runs the promise jobs that came of it, within the computing that a script may hold the event loop for. It reports
// false when the run is over.
func (e *execution) turn(enter func() error) bool {
	began := time.Now()
	budget := time.Duration(e.start.CPU) * time.Millisecond
	most := max(e.deadline.Sub(began), time.Millisecond)
	l := newLeash(budget, most, e.realm.vm.Interrupt, func() { e.stuck(most < budget) })
	err := enter()
	for err == nil && !l.isCut() {
		n, jobErr := e.realm.vm.ExecutePendingJobs()
		if jobErr == nil && e.ticks {
			e.ticks = false
			_, err = e.realm.do("drain")
			continue
		}
		if jobErr == nil {
			break
		}
		if n == 0 || strings.Contains(jobErr.Error(), "out of memory") {
			err = jobErr
		}
	}
	cut := l.end()
	select {
	case <-e.stopped:
		return false
	default:
	}
	switch {
	case cut && most < budget: // the run's end came first; else the turn blocked for its budget at least, however little of it it computed
		e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
	case cut:
		e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textBlocked})
	case err != nil && strings.Contains(err.Error(), "out of memory"):
		e.fail(failure{Rule: e.rule, Kind: KindMemory, Message: textMemory})
	case err != nil:
		_ = e.log([]any{"error", "The script could not go on: " + err.Error(), e.rule})
		e.fail(failure{Rule: e.rule, Kind: KindException, Message: textLoading})
	default:
		return true
	}
	return false
}

// stuck reports a run that does not heed its interruption, from the watchdog's goroutine. The goroutine that runs it is lost, and with
// it a processor: the worker says that it takes no more runs, so that the host ends it once the others are done.
func (e *execution) stuck(last bool) {
	text := textBlocked
	if last {
		text = textTimeout
	}
	_ = e.w.send(message{Type: "outcome", Run: e.id, Outcome: &result{
		Failure: &failure{Kind: KindTimeout, Code: "access_denied", Message: text}, Stuck: true,
	}})
}
