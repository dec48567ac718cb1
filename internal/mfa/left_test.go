package mfa_test

import (
	"context"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TestSetUpThoughLeft: what allowed somebody to set a factor up is used up by then; the factor is theirs, and whoever asked hears of it, though the request was taken back.
func TestSetUpThoughLeft(t *testing.T) {
	each(t, func(w *world) {
		ctx, leave := context.WithCancel(t.Context())
		e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: "ticket", First: true, Bare: true, Claim: func(context.Context) error { leave(); return nil }}
		secret, err := e.Begin(ctx, w.now.Add(time.Hour))
		w.ok(err)
		code, err := totp.GenerateCode(secret, w.now)
		w.ok(err)
		if _, err := e.Confirm(ctx, code); err != nil {
			w.Errorf("not set up: %v", err)
		}
		all, err := w.AuthenticationMethods(t.Context(), w.user.ID)
		w.ok(err)
		if len(all) != 1 || all[0].Type != store.TypeTOTP {
			w.Fatalf("methods %+v", all)
		}
		if err := mfa.Remove(ctx, w.Store, w.user.ID, &all[0]); err != nil {
			w.Errorf("not taken away: %v", err)
		}
	})
}
