package guard

import "github.com/stagedoor/stagedoor/internal/store"

// Allowance is how much of something one network may begin though nobody has proved anything (docs/guide/attack-protection.md).
type Allowance struct {
	Name              string
	PerSecond, AtOnce int // in the long run and at once; 0: as LoginRate of [Networks] has it
	Bytes             int // what is long counts as often as it has so many; 0: once
}

// What anybody can begin. All but the looks and what visitors do is kept for a while, whether or not somebody goes on with it.
var (
	Logins   = Allowance{Name: "logins", Bytes: 1 << 10}            // that begin, or go on at a provider
	Posts    = Allowance{Name: "posts", Bytes: 16 << 10}            // answers that providers have browsers post, which are long
	Messages = Allowance{Name: "messages"}                          // of clients, of which nobody has to be the one who signed them
	Looks    = Allowance{Name: "looks", PerSecond: 10, AtOnce: 300} // of actions, at an identifier that somebody types

	Devices  = Allowance{Name: "devices", PerSecond: 5, AtOnce: 300} // and the two below: of clients of which everybody knows the name
	Passkeys = Allowance{Name: "passkeys", PerSecond: 5, AtOnce: 300}
	Pushes   = Allowance{Name: "pushes", PerSecond: 20, AtOnce: 1000}

	Administrators = Allowance{Name: "administrators", PerSecond: 1, AtOnce: 200} // who go to their provider, or come back, of which it is asked

	// Nothing is kept of a visitor who goes on, but a token costs a signature, a new session a line in the log, and one that is ended its name.
	Visitors    = Allowance{Name: "anonymous", PerSecond: 20, AtOnce: 600}
	NewVisitors = Allowance{Name: "anonymous new", PerSecond: 1, AtOnce: 100}
	Leavers     = Allowance{Name: "anonymous end", PerSecond: 1, AtOnce: 100}
)

// loginsAtOnce is how many seconds of LoginRate one network may use at once: more than one network has people.
const loginsAtOnce = 50

// Networks counts what networks begin. Each server counts for itself, in memory: whoever has many networks would fill the database with their counts.
type Networks struct {
	LoginRate int // how many logins one network may begin a second, in the long run; 0: any number

	rates Rates
}

// Begin counts something that has so many bytes, or refuses it.
func (n *Networks) Begin(st *store.Store, network string, a Allowance, size int) error {
	if a.PerSecond == 0 {
		if n.LoginRate == 0 {
			return nil
		}
		a.PerSecond, a.AtOnce = n.LoginRate, loginsAtOnce*n.LoginRate
	}
	times := 1
	if a.Bytes > 0 {
		times = min(1+size/a.Bytes, a.AtOnce)
	}
	return n.rates.TakeMany(st.Tenant().ID+" "+a.Name+" "+network, st.Clock().Now(), a.PerSecond, a.AtOnce, times).Refusal()
}
