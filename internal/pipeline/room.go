package pipeline

import (
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// postedLife is how long an answer is kept until the browser that posted it comes by itself, which it does at once.
const postedLife = 5 * time.Minute

// room counts what a visit begins that has so many bytes, or refuses it.
func (p *Pipeline) room(v Visit, a guard.Allowance, size int) error {
	return p.Networks.Begin(v.Store, stagedoor.Network(v.IP), a, size)
}

// Message counts a message of a client that anybody may have written, and of which the name is kept so that it comes only once, or refuses it.
func (p *Pipeline) Message(v Visit) error { return p.room(v, guard.Messages, 0) }

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
