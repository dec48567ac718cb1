package login_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/job"
	"github.com/stagedoor/stagedoor/internal/script"
)

// TestCustomHashes: an action of the tenant's own checks the password of who was imported with a hash that only it understands; the hash is one of ours from then on.
func TestCustomHashes(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		imports := func(email string) *stagedoor.Job {
			j := &stagedoor.Job{Type: stagedoor.JobImport, Status: stagedoor.JobUploading, ConnectionID: w.conn.ID, Connection: w.conn.Name}
			w.ok(w.st.CreateJob(ctx, j, 0))
			id, _, _ := strings.Cut(email, "@")
			w.ok(w.st.AddJobPart(ctx, j.ID, 0, []byte(`[{"email":"`+email+`","user_id":"`+id+`","custom_password_hash":{"algorithm":"custom","universal_hash_name":"backwards","universal_hash_metadata":"bWV0YQ==","hash":{"value":"7-esroH-tcerroC","encoding":"utf8"}}}]`)))
			w.ok(w.st.SubmitJob(ctx, j))
			_, err := job.New(job.Deps{DB: w.db, Log: slog.Default(), Identify: connection.Identify}).Once(ctx)
			w.ok(err)
			j, err = w.st.Job(ctx, j.ID)
			w.ok(err)
			return j
		}
		if j := imports("early@x.test"); j.Summary.Failed != 1 {
			w.Errorf("a hash that no action understands is taken: %+v", j.Summary)
		}
		names := func(action string) {
			_, err := w.st.UpdateConnection(ctx, w.conn.ID, func(c *stagedoor.Connection) error {
				if c.Options.Stored == nil {
					c.Options.Stored = map[string]json.RawMessage{}
				}
				c.Options.Stored["custom_password_hash"] = json.RawMessage(`{"action_id":"` + action + `"}`)
				return nil
			})
			w.ok(err)
		}
		w.ok(w.st.CreateAction(ctx, &stagedoor.Action{ID: "draft", Name: "Draft"}))
		names("draft")
		if j := imports("old@x.test"); j.Summary.Failed != 0 {
			w.Fatalf("%+v", j.Summary)
		}
		tries := func(secret string) *reply {
			b := w.browser()
			return b.submit(b.begin(), "username", "old@x.test", "password", secret)
		}
		tries("Correct-Horse-7").want(http.StatusBadRequest).says("does not work right now")
		w.logs("custom_password_hash of the connection Users: the action is not deployed.")
		names(w.deployed(script.PostLogin, `exports.onExecutePostLogin = async () => {};`))
		tries("Correct-Horse-7").want(http.StatusBadRequest).says("does not work right now")
		w.logs("the action is for the trigger post-login.")
		names(w.deployed(script.PasswordHashMigration, `exports.onExecutePasswordHashMigration = async (event, api) => {
			const {user, plaintext_password: password, custom_hash_required, custom_password_hash: {algorithm, hash, universal_hash_name: name, universal_hash_metadata: data}, connection, client, request} = event;
			if (custom_hash_required !== true || name !== 'backwards' || data !== 'bWV0YQ==') throw new Error('a hash like ' + name + data);
			if (user.user_id !== 'auth0|old' || algorithm !== 'custom' || connection.name !== 'Users' || client.client_id !== 'app' || 'password' in request.body) throw new Error('an event like ' + Object.keys(event));
			if (password === 'breaks') throw new Error('out of order');
			if (password.split('').reverse().join('') === hash.value) api.password.accept();
			if (password === 'both') { api.password.accept(); api.password.reject(); }
		};`))
		for _, wrong := range []string{"Wrong-Horse-7", "both"} {
			tries(wrong).want(http.StatusBadRequest).says("Wrong")
		}
		tries("breaks").want(http.StatusBadRequest).says("does not work right now").hides("out of order")
		w.logs("out of order")
		if hash, err := w.st.PasswordHash(ctx, "auth0|old"); err != nil || !strings.HasPrefix(hash, `{"algorithm":"custom"`) {
			w.Errorf("%v: the hash is %.40s", err, hash)
		}
		tries("Correct-Horse-7").want(http.StatusSeeOther)
		if hash, err := w.st.PasswordHash(ctx, "auth0|old"); err != nil || !strings.HasPrefix(hash, "$argon2id$") {
			w.Errorf("%v: the hash stays %.40s", err, hash)
		}
		names("draft") // which nobody needs any more
		tries("Correct-Horse-7").want(http.StatusSeeOther)
		tries("Wrong-Horse-7").want(http.StatusBadRequest).says("Wrong")
	})
}
