package script

import (
	"context"
	"net/http"
)

// Watch is what whoever begins a run may want beyond its outcome. The zero value wants nothing.
type Watch struct {
	HTTP *http.Client // makes the outgoing HTTP calls of this run; nil: [Config.HTTP] does
	Net  *Dialer      // connects this run and looks up names for it; nil: [Config.Net] does
	Late func(Line)   // gets the lines of the console that are written when the outcome is out, one at a time
	Done func()       // is called once, when what the scripts began has ended too, or its time has
}

// watched arranges for the end of a job to be told.
func (j *job) watched() {
	if j.run.Done != nil {
		context.AfterFunc(j.ctx, j.run.Done)
	}
}

// client makes the job's outgoing HTTP calls; nil: there are none.
func (j *job) client() *http.Client {
	if j.run.HTTP != nil {
		return j.run.HTTP
	}
	return j.host.cfg.HTTP
}

// net connects the job to what is not HTTP.
func (j *job) net() Dialer {
	if j.run.Net != nil {
		return *j.run.Net
	}
	return j.host.cfg.Net
}
