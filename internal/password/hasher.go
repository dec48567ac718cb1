package password

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"sync/atomic"
	"time"
)

// MaxLength is the longest password that is hashed, in bytes.
const MaxLength = 1024

// Why a password cannot be hashed or verified.
var (
	ErrTooLong = errors.New("password: longer than 1024 bytes")
	ErrFormat  = errors.New("password: stored hash is not in a known form, or asks for too much work")
)

// A Hasher hashes and verifies, as many passwords at once as there are cores. It is safe for concurrent use; a server has one.
type Hasher struct {
	// Done, if it is not nil, is told how long a password waited for a core and how long it took.
	Done func(waited, took time.Duration)

	slots   chan struct{}
	waiting atomic.Int64
}

// Load is what a hasher is busy with.
type Load struct{ Running, Waiting int }

// Load returns how many passwords are being hashed and how many wait.
func (h *Hasher) Load() Load { return Load{len(h.slots), int(h.waiting.Load())} }

// NewHasher makes a hasher as wide as the cores that Go uses.
func NewHasher() *Hasher {
	return &Hasher{slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// Hash returns the argon2id hash of a password in PHC form, about 100 characters. It fails with ErrTooLong, or with the
// error of the context when that ends while waiting for a core.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > MaxLength {
		return "", ErrTooLong
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	var salt [saltLength]byte
	rand.Read(salt[:]) //nolint:errcheck // documented never to return an error
	return current.hash(password, salt[:]), nil
}

// Verify tells whether password belongs to hash. A password that is too long is simply wrong. The error is ErrFormat, or
// that of the context.
func (h *Hasher) Verify(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > MaxLength {
		return false, h.BurnTime(ctx)
	}
	check, err := parse(hash)
	if err != nil {
		return false, err
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return check(password), nil
}

// BurnTime does the work of verifying a password with no result, for users that do not exist.
func (h *Hasher) BurnTime(ctx context.Context) error {
	leave, err := h.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	burn()
	return nil
}

// burn does the work of one password, and notes how long that takes here.
func burn() {
	begun := time.Now()
	current.hash("", make([]byte, saltLength))
	took := time.Since(begun).Nanoseconds()
	if old := burnt.Load(); old > 0 { // as it is lately
		took = old + (took-old)/8
	}
	burnt.Store(took)
}

// burnt is how many nanoseconds it takes; 0: not known yet.
var burnt atomic.Int64

// asSlow lets a check of a hash that others made, which may cost less than ours, take as long for a wrong password as it does of users that do not exist: until their first
// login people would be told apart from nobody. A right one is hashed anew.
func asSlow(check func(string) bool) func(string) bool {
	return func(password string) bool {
		begun := time.Now()
		ok := check(password)
		if ok {
			return true
		}
		if burnt.Load() == 0 {
			burn()
			return false
		}
		time.Sleep(time.Duration(burnt.Load()) - time.Since(begun))
		return false
	}
}

// enter waits for a free core.
func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	begun := time.Now()
	h.waiting.Add(1)
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		entered := time.Now()
		return func() {
			<-h.slots
			if h.Done != nil {
				h.Done(entered.Sub(begun), time.Since(entered))
			}
		}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
