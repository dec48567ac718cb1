package carry

import (
	"hash/maphash"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// trial is what a plan remembers of the users whom the batches before would have made, and who are not there because these were undone: some
// 8 bytes for each of what identifies a user, and nothing that tells who it is.
type trial struct {
	seed   maphash.Seed
	phones map[string]bool    // whether numbers identify the users of a database, by its name
	owners map[uint64]holder  // who has an id, an address, a username or a number
	users  map[uint64]planned // by the sum of the id
}

type holder struct {
	user   uint64
	linked bool // by an identity that is linked
}

// planned is a user whom a batch before made, or changed.
type planned struct {
	made   bool
	hashed bool
}

func newTrial() trial {
	return trial{maphash.MakeSeed(), map[string]bool{}, map[uint64]holder{}, map[uint64]planned{}}
}

func (t *trial) sum(kind, connection, value string) uint64 {
	return maphash.String(t.seed, kind+"\x00"+connection+"\x00"+value)
}

// marks are the sums of what nobody else can have who is not this user: the id, and what people of databases and of passwordless connections are
// known by.
func (t *trial) marks(u *stagedoor.User) []uint64 {
	sums := []uint64{t.sum("id", "", u.ID)}
	provider := u.Identities[0].Provider
	own := provider == stagedoor.StrategyDatabase || provider == stagedoor.StrategyEmail || provider == stagedoor.StrategySMS
	if own && u.Email != "" {
		sums = append(sums, t.sum("email", u.Connection, u.Email))
	}
	if own && u.Username != "" {
		sums = append(sums, t.sum("username", u.Connection, u.Username))
	}
	if (provider == stagedoor.StrategySMS || own && t.phones[u.Connection]) && stagedoor.IsPhoneNumber(u.PhoneNumber) {
		sums = append(sums, t.sum("phone", u.Connection, u.PhoneNumber))
	}
	return sums
}

// meet makes of what became of a batch, of which nothing is kept, what becomes of it after the batches before.
func (t *trial) meet(batch []store.CarriedUser, done []store.Carried, update bool) {
	twice := map[string]bool{}
	for i := range batch {
		row := &batch[i]
		if id := row.User.ID; !twice[id] { // else that is what is wrong with it
			twice[id] = true
			done[i] = t.one(row, done[i], update)
		}
	}
}

func (t *trial) one(row *store.CarriedUser, d store.Carried, update bool) store.Carried {
	id := t.sum("id", "", row.User.ID)
	at, there := t.owners[id]
	if (!there || at.linked) && (row.Only || row.ByEmail) && row.User.Email != "" {
		if by, known := t.owners[t.sum("email", row.User.Connection, row.User.Email)]; known && !by.linked {
			at, there = by, true
		}
	}
	if there && !at.linked {
		was := t.users[at.user]
		now := planned{was.made, was.hashed || row.Hash != ""}
		if !was.made && !was.hashed { // the database knows
			if d.Changed {
				t.users[at.user] = now
			}
			return d
		}
		t.users[at.user] = now
		return store.Carried{Changed: update && !row.Only && was.made || now.hashed != was.hashed}
	}
	if d.Error != nil || !d.Created && !d.Changed {
		return d
	}
	sums := t.marks(row.User)
	linked := len(sums)
	for _, i := range row.User.Identities[1:] {
		sums = append(sums, t.marks(stagedoor.UserOf(i))...)
	}
	if d.Created {
		for _, sum := range sums {
			if _, taken := t.owners[sum]; taken {
				return store.Carried{Error: store.ErrAlike()}
			}
		}
	}
	for n, sum := range sums {
		t.owners[sum] = holder{id, n >= linked}
	}
	t.users[id] = planned{d.Created, row.Hash != ""}
	return d
}
