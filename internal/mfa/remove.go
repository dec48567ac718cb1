package mfa

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Remove takes a second factor from a person; NotFound if it is not theirs. With the last one goes the recovery code: there is nothing left that it
// stands in for.
func Remove(ctx context.Context, st *store.Store, userID string, m *stagedoor.AuthenticationMethod) error {
	if err := st.DeleteAuthenticationMethod(ctx, userID, m.ID); err != nil {
		return err
	}
	left, err := MethodsOf(ctx, st, userID)
	if err != nil || left.Enrolled() || left.Others {
		return err
	}
	return st.DeleteAuthenticationMethods(ctx, userID, store.TypeRecovery)
}
