package guard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
)

// A proof of work: to find a number whose SHA-256 together with a text begins with so many zero bits takes a browser a moment, and a
// program that tries a million passwords very long. It asks nothing of the person, and nobody else is told of them.

// workLife is how long work may take; older work is not taken, so that nobody works ahead.
const workLife = 10 * time.Minute

// newWork is a text to work on: random, and the time in seconds.
func newWork(now time.Time) string {
	var b [12]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand never fails
	return base64.RawURLEncoding.EncodeToString(b[:]) + "." + strconv.FormatInt(now.Unix(), 36)
}

// worked tells whether a number solves the work, now and for the first time.
func worked(ctx context.Context, st *store.Store, work, number string, want int) (bool, error) {
	random, at, _ := strings.Cut(work, ".")
	seconds, err := strconv.ParseInt(at, 36, 64)
	age := st.Clock().Now().Sub(time.Unix(seconds, 0))
	if err != nil || len(random) != 16 || len(at) > 10 || len(number) > 20 || age > workLife || age < -time.Minute || leadingZeros(work+":"+number) < want {
		return false, nil
	}
	return st.TakeAttempt(ctx, "work", work, hourly)
}

func leadingZeros(text string) int {
	sum := sha256.Sum256([]byte(text))
	return bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:8]))
}
