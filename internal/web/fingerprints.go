package web

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

type fingerprintsKey struct{}

// WithFingerprints returns a context with the fingerprints of the program that asks. Only the server in front calls it.
func WithFingerprints(ctx context.Context, f *stagedoor.Fingerprints) context.Context {
	return context.WithValue(ctx, fingerprintsKey{}, f)
}

// FingerprintsOf returns the fingerprints of the program that asks; nil if none is known.
func FingerprintsOf(ctx context.Context) *stagedoor.Fingerprints {
	f, _ := ctx.Value(fingerprintsKey{}).(*stagedoor.Fingerprints)
	return f
}
