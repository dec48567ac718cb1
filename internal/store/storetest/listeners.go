package storetest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// Listeners returns n users of 2 KB each, the same ones every time: most of it is metadata, of all kinds of spread.
func Listeners(n int) []*stagedoor.User {
	r := rand.New(rand.NewPCG(1, 2))
	users := make([]*stagedoor.User, n)
	for i := range users {
		users[i] = listener(r, i, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*5*time.Minute))
	}
	return users
}

// Crowd makes users like Listeners, without end and without keeping them: the i-th one is the same every time. They were created
// all over one year, however many there are.
func Crowd() func() *stagedoor.User {
	r := rand.New(rand.NewPCG(3, 4))
	i := -1
	return func() *stagedoor.User {
		i++
		_, part := math.Modf(float64(i) * math.Phi)
		return listener(r, i, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(part*365*24*float64(time.Hour))).Truncate(time.Millisecond))
	}
}

// listener makes the i-th of Listeners.
func listener(r *rand.Rand, i int, created time.Time) *stagedoor.User {
	genres := []string{"jazz", "rock", "pop", "folk", "metal", "soul", "punk", "house", "techno", "opera"}
	value := func(format string, args ...any) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(format, args...))
	}
	u := &stagedoor.User{
		ID: fmt.Sprintf("auth0|%024x", r.Uint64()), Connection: "Users", Email: fmt.Sprintf("listener%d@mail%d.example", i, i%50), EmailVerified: i%3 > 0,
		GivenName: fmt.Sprintf("Name%d", r.IntN(2000)), FamilyName: fmt.Sprintf("Family%d", r.IntN(20000)), CreatedAt: created, UpdatedAt: created,
		UserMetadata: stagedoor.Metadata{
			"genre": value(`"%s"`, genres[r.IntN(len(genres))]), "plays": value("%d", r.IntN(100000)), "rare": value(`"r%d"`, r.IntN(50000)), "lang": value(`"%s"`, []string{"en", "en", "en", "fi"}[r.IntN(4)]),
			"home": value(`{"city":"City %d","geo":{"lat":%.4f,"lon":%.4f}}`, r.IntN(1000), r.Float64()*180-90, r.Float64()*360), "since": value(`"20%02d-%02d-%02d"`, 10+r.IntN(16), 1+r.IntN(12), 1+r.IntN(28)),
			"tags": value(`["t%d","t%d","t%d"]`, r.IntN(500), r.IntN(500), r.IntN(500)), "bio": value(`"%s"`, strings.Repeat("lorem ipsum ", 110)),
		},
		AppMetadata: stagedoor.Metadata{"plan": value(`{"level":%d,"beta":%v}`, r.IntN(5), i%100 == 0), "score": value("%.3f", r.Float64())},
	}
	u.Name = u.GivenName + " " + u.FamilyName
	u.Identities = []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: strings.TrimPrefix(u.ID, "auth0|")}}
	u.FillDefaults()
	return u
}
