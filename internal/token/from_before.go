package token

import (
	"context"
	"strconv"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Tokens for the tenant's own APIs change how people sign in: passwords, passkeys, factors, linked accounts. Such a token must not outlive the end of all access of its person, or
// whoever found out a password would set another one after it was replaced. So it says how often that had happened when it was given, and works as long as the user has that count.

// The same holds for ID tokens of clients of the old kind, which are exchanged for others.

// claimEnded is that count in a token; absent, it is 0. Scripts set no plain names in tokens for these APIs.
const claimEnded = "access_ended"

// FromBefore tells whether such a token is from before all access of the person ended.
func FromBefore(ctx context.Context, st *store.Store, claims jose.Claims, raw string, u *stagedoor.User) (bool, error) {
	if ended, _ := claims.Raw[claimEnded].(float64); int64(ended) == u.AccessEnded {
		return false, nil
	}
	kept, err := st.Ceremony(ctx, goesOn(raw))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return true, nil
	}
	return kept != strconv.FormatInt(u.AccessEnded, 10), err
}

// GoOn lets a token go on by which a person has ended all their access themselves, until it expires. ended is the user's count as that has left it.
func GoOn(ctx context.Context, st *store.Store, raw string, ended int64, until time.Time) error {
	return st.SaveCeremony(ctx, goesOn(raw), strconv.FormatInt(ended, 10), until)
}

func goesOn(raw string) string { return "token goes on/" + raw }
