package mfa

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Remove takes a second factor from a person; NotFound if it is not theirs. With the last one goes the recovery code; see [Tidy].
func Remove(ctx context.Context, st *store.Store, userID string, m *stagedoor.AuthenticationMethod) error {
	ctx = context.WithoutCancel(ctx) // else the caller would not hear that the factor is gone, of which its owner is told
	if err := st.DeleteAuthenticationMethod(ctx, userID, m.ID); err != nil {
		return err
	}
	return Tidy(ctx, st, userID)
}

// RemoveOther is Remove for a passkey beside which the person must have another one; else the error has [store.CodeLastPasskey].
func RemoveOther(ctx context.Context, st *store.Store, userID string, m *stagedoor.AuthenticationMethod) error {
	ctx = context.WithoutCancel(ctx)
	if err := st.DeleteOtherPasskey(ctx, userID, m.ID); err != nil {
		return err
	}
	return Tidy(ctx, st, userID)
}

// Tidy takes the recovery code from a person who has no second factor left that it stands in for.
func Tidy(ctx context.Context, st *store.Store, userID string) error {
	left, err := MethodsOf(ctx, st, userID)
	if err != nil || left.Enrolled() || left.Others {
		return err
	}
	_, err = st.DeleteAuthenticationMethods(ctx, userID, store.TypeRecovery)
	return err
}
