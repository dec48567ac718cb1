package stagedoor

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"
)

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	urlSafe      = alphanumeric + "-_"
)

// NewID returns prefix followed by 16 random alphanumeric characters:
// con_, org_, rul_, cgr_ … (Management API fact sheet 1.7).
func NewID(prefix string) string { return prefix + randomFrom(alphanumeric, 16) }

// NewLogStreamID returns lst_ and 16 random digits.
func NewLogStreamID() string { return "lst_" + randomFrom("0123456789", 16) }

// NewBase58 returns n random digits and letters of which none is taken for another.
func NewBase58(n int) string {
	return randomFrom("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", n)
}

// NewDigits returns n random digits, for codes that people type.
func NewDigits(n int) string { return randomFrom("0123456789", n) }

// NewCredentialID returns the id of a client's credential: cred_ and 22 random alphanumeric characters.
func NewCredentialID() string { return "cred_" + randomFrom(alphanumeric, 22) }

// NewThirdPartyClientID returns the id of a client that registers by itself or by its document: tpc_ and 22 random characters.
func NewThirdPartyClientID() string { return thirdPartyPrefix + randomFrom(alphanumeric, 22) }

const thirdPartyPrefix = "tpc_"

// NewHexID returns 24 random lower-case hexadecimal digits, the shape of database
// user ids, resource server ids and user grant ids.
func NewHexID() string {
	b := make([]byte, 12)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// NewClientID returns 32 random alphanumeric characters.
func NewClientID() string { return randomFrom(alphanumeric, 32) }

// NewSecret returns 64 random URL-safe characters (384 bits), the shape of a client secret.
func NewSecret() string { return randomFrom(urlSafe, 64) }

// NewToken returns 43 random URL-safe characters (258 bits): codes, session
// handles, refresh tokens, tickets. Only its SHA-256 is stored.
func NewToken() string { return randomFrom(urlSafe, 43) }

func randomFrom(alphabet string, n int) string {
	out := make([]byte, 0, n)
	buf := make([]byte, n+n/2)
	limit := 256 - 256%len(alphabet)
	for len(out) < n {
		rand.Read(buf)
		for _, b := range buf {
			if int(b) < limit && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// LogIDs makes the ids of one server's log events. Its zero value is ready to use, by several at once.
type LogIDs struct {
	mu   sync.Mutex
	last time.Time
	n    uint32
	node uint32
}

// New returns an identifier of 57 digits whose lexicographic order is the
// order of time: 900, the time to the microsecond, a counter, and random digits
// that keep two servers apart. An earlier now than the last one gets the last one's time.
func (l *LogIDs) New(now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = now.UTC().Truncate(time.Microsecond)
	if now.After(l.last) {
		l.last, l.n = now, 0
	} else {
		now = l.last
		l.n++
	}
	if l.node == 0 {
		var b [4]byte
		rand.Read(b[:])
		l.node = uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) | 1
	}
	return fmt.Sprintf("900%s%06d%010d%018d", now.Format("20060102150405"), now.Nanosecond()/1000, l.n, l.node)
}

// After makes no id from now on that is smaller than one that was made before, by whichever server: a clock may have been put back since.
func (l *LogIDs) After(id string) {
	if !IsLogID(id) {
		return
	}
	at, err := time.Parse("20060102150405", id[3:17])
	if err != nil {
		return
	}
	micros, err := strconv.Atoi(id[17:23])
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at = at.Add(time.Duration(micros+1) * time.Microsecond); at.After(l.last) {
		l.last, l.n = at, 0
	}
}

var logIDForm = regexp.MustCompile(`^900[0-9]{20,61}$`)

// IsLogID tells whether text has the form of a log id. Those of a tenant from before it came here have it too, though not all the same length.
func IsLogID(text string) bool { return logIDForm.MatchString(text) }

// NewUUID returns a random UUID (RFC 9562, version 4): the shape of the ids of actions, their versions and bindings.
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// NewULID returns 26 characters of Crockford's base 32 whose order is that of time to the millisecond: the shape of the
// ids of hooks.
func NewULID(now time.Time) string {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var random [16]byte
	rand.Read(random[:])
	out := make([]byte, 26)
	for i, ms := 9, now.UnixMilli(); i >= 0; i, ms = i-1, ms>>5 {
		out[i] = digits[ms&31]
	}
	for i, b := range random {
		out[10+i] = digits[b&31]
	}
	return string(out)
}
