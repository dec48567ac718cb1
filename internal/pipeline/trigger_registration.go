package pipeline

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/script"
)

// Refusal of a sign-up by a script: its code, and the member of an Error's Extra that holds the text for people.
const (
	CodeExtensibility = "extensibility_error"
	FriendlyMessage   = "friendly_message"
)

// BeforeRegistration runs the hook and then the actions before a user of a connection is made. They give u metadata, or refuse with a
// Scripted error of the code extensibility_error. client is nil where nobody asks in a client's name. A hook sees the password, as it
// always did; actions do not. What they say on the console is kept on the occasion.
func (p *Pipeline) BeforeRegistration(ctx context.Context, v Visit, conn *stagedoor.Connection, on *connection.Occasion, client *stagedoor.Client, u *stagedoor.User, secret string) error {
	user := hookUser(v, u)
	user["password"] = secret
	out, ran, err := p.hook(ctx, v, script.PreUserRegistration, []any{user}, registrationContext(v, conn))
	on.Console = append(on.Console, consoleLines("hook", out.Console)...)
	if err == nil && ran {
		err = registered(v, out, u)
	}
	if err != nil {
		return err
	}
	all, err := p.bound(ctx, v, script.PreUserRegistration)
	if err != nil || len(all.bound) == 0 {
		return err
	}
	event, err := registrationEvent(v, conn, client, u)
	if err != nil {
		return err
	}
	if v.Login != nil && v.Login.Anonymous != nil {
		event["anonymous_session"] = v.Login.Anonymous.Told()
	}
	out, s, err := all.run(ctx, event, nil)
	on.Console, on.Executions = append(on.Console, s.console...), append(on.Executions, s.executions...)
	if err != nil {
		return err
	}
	return registered(v, out, u)
}

// registered applies what scripts asked for before a registration.
func registered(v Visit, out script.TriggerOutcome, u *stagedoor.User) error {
	refuse := func(reason, friendly string) error {
		e := scripted(CodeExtensibility, reason)
		if friendly != "" {
			e.Extra = map[string]any{FriendlyMessage: friendly}
		}
		return e
	}
	switch f, d := out.Failure, out.Effects.Denied; {
	case f != nil:
		return refuse(f.Message, "")
	case out.Effects.Unsupported != "":
		return refuse("An action called "+out.Effects.Unsupported+", which this server does not support yet.", "")
	case d != nil:
		return refuse(d.Reason, d.Message)
	}
	for _, m := range []struct {
		name string
		of   *stagedoor.Metadata
		set  map[string]json.RawMessage
	}{{"user_metadata", &u.UserMetadata, out.Effects.UserMetadata}, {"app_metadata", &u.AppMetadata, out.Effects.AppMetadata}} {
		if len(m.set) == 0 {
			continue
		}
		merged := stagedoor.MergeMetadata(*m.of, m.set)
		if err := stagedoor.CheckMetadata(m.name, m.set); err != nil {
			return refuse(stagedoor.AsError(err).Message, "")
		}
		if merged.Size() > v.Store.Tenant().Settings.MetadataLimit() {
			return refuse(m.name+" would be larger than its limit.", "")
		}
		*m.of = merged
	}
	return nil
}

// AfterRegistration runs the hook and the actions for a user who was made just now; nobody waits for them.
func (p *Pipeline) AfterRegistration(ctx context.Context, v Visit, conn *stagedoor.Connection, client *stagedoor.Client, u *stagedoor.User) {
	p.afterwards(ctx, v, afterwards{
		trigger: script.PostUserRegistration, failed: "fpurh", userID: u.ID,
		arguments: func(u *stagedoor.User) []any {
			user := hookUser(v, u)
			_, user["id"], _ = strings.Cut(u.ID, "|")
			return []any{user}
		},
		context: registrationContext(v, conn),
		event:   func(u *stagedoor.User) (map[string]any, error) { return registrationEvent(v, conn, client, u) },
	})
}

// hookUser is a user as hooks of the registration see them.
func hookUser(v Visit, u *stagedoor.User) map[string]any {
	m := map[string]any{
		"tenant": v.Store.Tenant().ID, "email": u.Email, "emailVerified": u.EmailVerified, "phoneNumberVerified": u.PhoneVerified,
		"user_metadata": metadata(u.UserMetadata), "app_metadata": metadata(u.AppMetadata),
	}
	set(m, map[string]string{"username": u.Username, "phoneNumber": u.PhoneNumber})
	return m
}

func metadata(m stagedoor.Metadata) any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func registrationContext(v Visit, conn *stagedoor.Connection) map[string]any {
	return map[string]any{"requestLanguage": v.Language, "renderLanguage": v.Language, "connection": hookConnection(v, conn)}
}

func registrationEvent(v Visit, conn *stagedoor.Connection, client *stagedoor.Client, u *stagedoor.User) (map[string]any, error) {
	event := commonEvent(v, "POST", nil)
	event["connection"] = eventConnection(conn)
	if client != nil {
		event["client"] = eventClient(client)
	}
	if v.Login != nil {
		event["transaction"] = requested(v, v.Login)
	}
	var err error
	if u.ID != "" && !u.CreatedAt.IsZero() {
		event["user"], err = eventUser(u)
		return event, err
	}
	user := map[string]any{"user_metadata": metadata(u.UserMetadata), "app_metadata": metadata(u.AppMetadata)}
	set(user, map[string]string{
		"email": u.Email, "username": u.Username, "name": u.Name, "given_name": u.GivenName, "family_name": u.FamilyName, "nickname": u.Nickname,
		"phone_number": u.PhoneNumber, "picture": u.Picture,
	})
	event["user"] = user
	return event, nil
}
