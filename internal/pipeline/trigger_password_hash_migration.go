package pipeline

import (
	"cmp"
	"context"
	"errors"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/script"
)

// customHash asks the action that a connection names whether a user's password is of a hash of its kind. Once it is, the hash is replaced by one of
// ours. An action that fails, or is not in force, is a Scripted error: nobody knows whether the password is right.
func (p *Pipeline) customHash(v Visit, conn *stagedoor.Connection, on *connection.Occasion) func(context.Context, *stagedoor.User, string, *password.Foreign) (bool, error) {
	return func(ctx context.Context, u *stagedoor.User, secret string, hash *password.Foreign) (accepted bool, err error) {
		all, err := p.named(ctx, v, script.PasswordHashMigration, conn.CustomHashAction())
		if no := noAction(""); errors.As(err, &no) {
			err = scripted("server_error", "custom_password_hash of the connection "+conn.Name+": "+no.Error()+".")
		}
		if err != nil {
			return false, err
		}
		event := commonEvent(v, "POST", nil)
		event["request"].(map[string]any)["body"] = map[string]any{} // the password is in event.plaintext_password alone
		named := *hash
		named.UniversalName = cmp.Or(named.UniversalName, password.AlgorithmCustom)
		event["connection"], event["plaintext_password"], event["custom_hash_required"], event["custom_password_hash"] = eventConnection(conn), secret, true, named
		if event["user"], err = eventUser(u); err != nil {
			return false, err
		}
		client, err := v.Store.Client(ctx, on.ClientID)
		switch {
		case err == nil:
			event["client"] = eventClient(client)
		case !stagedoor.IsKind(err, stagedoor.NotFound):
			return false, err
		}
		out, s, err := all.run(ctx, event, nil)
		on.Console = append(on.Console, s.console...)
		if err == nil && out.Failure != nil {
			err = scripted("server_error", out.Failure.Message)
		}
		if err == nil {
			out.Effects.Answer("accepted", &accepted)
		}
		return accepted, err
	}
}
