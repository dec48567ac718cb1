package pipeline

import (
	"time"

	"github.com/stagedoor/stagedoor"
)

// allowance is how much of something one network may begin that is kept for a while though nobody has proved anything, a second in the long run and at once. What is long counts as often as it has
// so many bytes. Each server counts for itself, in memory: whoever has many networks would fill the database with their counts.
type allowance struct {
	name            string
	perSecond, most int // none: as LoginRate has it
	bytes           int
}

var (
	logins   = allowance{name: "logins", bytes: 1 << 10}   // that begin, or go on at a provider
	posts    = allowance{name: "posts", bytes: 16 << 10}   // answers that providers have browsers post, which are long
	messages = allowance{name: "messages", bytes: 1 << 20} // of clients, of which nobody has to be the one who signed them
	looks    = allowance{"looks", 10, 300, 1 << 20}        // of actions, at an identifier that somebody types
)

// loginsAtOnce is how many seconds of LoginRate one network may use at once: more than one network has people.
const loginsAtOnce = 50

// postedLife is how long an answer is kept until the browser that posted it comes by itself, which it does at once.
const postedLife = 5 * time.Minute

// room counts what a visit begins that has so many bytes, or refuses it.
func (p *Pipeline) room(v Visit, a allowance, size int) error {
	if a.perSecond == 0 {
		if p.LoginRate == 0 {
			return nil
		}
		a.perSecond, a.most = p.LoginRate, loginsAtOnce*p.LoginRate
	}
	room := p.networks.TakeMany(v.Store.Tenant().ID+" "+a.name+" "+stagedoor.Network(v.IP), v.Store.Clock().Now(), a.perSecond, a.most, min(1+size/a.bytes, a.most))
	return room.Refusal()
}

// Message counts a message of a client that anybody may have written, and of which the name is kept so that it comes only once, or refuses it.
func (p *Pipeline) Message(v Visit) error { return p.room(v, messages, 0) }

// sizeOf is about how long a request is that is kept with its login.
func sizeOf(req *stagedoor.AuthorizationRequest) int {
	n := len(req.State) + len(req.LoginHint)
	for name, values := range req.Query {
		for _, value := range values {
			n += len(name) + len(value)
		}
	}
	return n
}
