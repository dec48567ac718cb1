package pipeline

import (
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// allowance is how often one network may do something that is kept for a while though nobody has proved anything, a second in the long run and at once. Each server counts for itself, in
// memory: whoever has many networks would fill the database with their counts.
type allowance struct {
	name            string
	perSecond, most int
}

// looks are those of actions, at an identifier that somebody types.
var looks = allowance{"looks", 10, 300}

// loginsAtOnce is how many seconds of LoginRate one network may use at once: more than one network has people.
const loginsAtOnce = 50

// loginRoom counts a login that begins, or goes on at a provider, or refuses it.
func (p *Pipeline) loginRoom(v Visit) error {
	if p.LoginRate == 0 {
		return nil
	}
	return p.room(v, allowance{"logins", p.LoginRate, loginsAtOnce * p.LoginRate})
}

// room counts what a visit does, or refuses it.
func (p *Pipeline) room(v Visit, a allowance) error {
	room := p.networks.Take(v.Store.Tenant().ID+" "+a.name+" "+stagedoor.Network(v.IP), v.Store.Clock().Now(), a.perSecond, a.most)
	if room.OK {
		return nil
	}
	e := stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many requests. Please wait a moment and try again.")
	e.Extra = map[string]any{web.Patience: int((room.Wait + time.Second - 1) / time.Second)}
	return e
}
