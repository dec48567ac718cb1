package script

import (
	"encoding/json"

	"github.com/stagedoor/stagedoor"
)

// Effects are what the scripts of one trigger asked for, actions and hooks alike. The caller applies them; none has been
// applied when they come back.
type Effects struct {
	Denied       *Denial
	IDClaims     map[string]json.RawMessage
	AccessClaims map[string]json.RawMessage
	Scopes       []ScopeChange              // in the order in which they were asked for
	UserMetadata map[string]json.RawMessage // first level; null removes a key
	AppMetadata  map[string]json.RawMessage
	Revoke       string                  // "session" or "refresh_token": what a denial ends too
	KeepTokens   bool                    // of a session that is revoked, the refresh tokens stay
	Session      *stagedoor.AccessChange // nil: nothing of it changes
	RefreshToken *stagedoor.AccessChange
	Methods      []string                   // addresses that say how the person proved themselves elsewhere
	PrimaryUser  string                     // id of the user who the person is from now on; empty: as before
	Suspend      *Suspension                // nil: all scripts ran
	Factor       *Factor                    // what api.multifactor.enable asked for; nil: it was not called
	Answers      map[string]json.RawMessage // what is special to a trigger; its file says what there is
	Transaction  map[string]json.RawMessage // metadata of the transaction, with what it had before
	Unsupported  string                     // the first call that the server cannot follow, such as api.prompt.render
}

// Denial is a script's refusal.
type Denial struct {
	Action  string // name of the script
	Code    string // as the script gave it, or the trigger's own
	Reason  string // for the log, and for callers that are programs; made by a script: escape it
	Message string // for people; may be empty
}

// Factor is the second factor that is to be asked for at the end of a login.
type Factor struct {
	Provider string // any, none, guardian, google-authenticator, duo
	Remember bool   // a remembered browser will do
	Duo      Duo    `json:",omitzero"` // with what duo is to be asked
}

// Duo is what an action says of an application at Duo. All of it may be empty.
type Duo struct {
	Host     string `json:"host"`
	IKey     string `json:"ikey"`
	SKey     string `json:"skey"`
	Username string `json:"username"`
}

// Suspension ends a run behind a script, until the person has done something.
type Suspension struct {
	Script  int             // index in the run
	Kind    string          // redirect, factor
	Details json.RawMessage // as the trigger's api made them
}

// ScopeChange is one change of the granted scopes. Op is add, remove or set.
type ScopeChange struct {
	Op     string
	Scopes []string
}

// effects is Effects as the worker reports it: pairs, because a script chooses the names.
type effects struct {
	Denied      *denial       `json:"denied"`
	ID          [][2]string   `json:"id"`
	Access      [][2]string   `json:"access"`
	Scopes      [][]string    `json:"scopes"` // op, then scopes
	User        [][2]string   `json:"user"`
	App         [][2]string   `json:"app"`
	Cache       []cacheChange `json:"cache"`
	Revoke      string        `json:"revoke"`
	KeepTokens  bool          `json:"keepTokens"`
	Session     *access       `json:"session"`
	Refreshing  *access       `json:"refreshToken"`
	Methods     []string      `json:"methods"`
	Primary     string        `json:"primary"`
	Suspend     *suspension   `json:"suspend"`
	Factor      *factor       `json:"factor"`
	Answers     [][2]string   `json:"answers"`
	Transaction [][2]string   `json:"transaction"`
	Unsupported string        `json:"unsupported"`
}

// access is a stagedoor.AccessChange; metadata are names, each with a text or nothing.
type access struct {
	ExpiresAt  int64     `json:"expiresAt"`
	IdleAt     int64     `json:"idleExpiresAt"`
	CookieMode string    `json:"cookieMode"`
	Evict      bool      `json:"evict"`
	Metadata   []*string `json:"metadata"`
}

func (a *access) public() *stagedoor.AccessChange {
	if a == nil {
		return nil
	}
	out := &stagedoor.AccessChange{ExpiresAt: a.ExpiresAt, IdleExpiresAt: a.IdleAt, CookieMode: a.CookieMode, Evict: a.Evict}
	for i := 0; i+1 < len(a.Metadata); i += 2 {
		if out.Metadata == nil {
			out.Metadata = map[string]*string{}
		}
		if name := a.Metadata[i]; name != nil {
			out.Metadata[*name] = a.Metadata[i+1]
		}
	}
	if out.IsZero() {
		return nil
	}
	return out
}

type factor struct {
	Provider string `json:"provider"`
	Remember bool   `json:"remember"`
	Duo      Duo    `json:"duo"`
}

type suspension struct {
	Script  int    `json:"script"`
	Kind    string `json:"kind"`
	Details string `json:"details"`
}

// Answer reads what a trigger's scripts answered under a name into v, and tells whether there is such a thing.
func (e *Effects) Answer(name string, v any) bool {
	raw, there := e.Answers[name]
	return there && json.Unmarshal(raw, v) == nil
}

type denial struct {
	Script  int    `json:"script"`
	Code    string `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// public checks what a worker reported: it is not trusted.
func (e *effects) public(name func(int) string) Effects {
	out := Effects{
		IDClaims: object(e.ID), AccessClaims: object(e.Access), UserMetadata: object(e.User), AppMetadata: object(e.App),
		Transaction: object(e.Transaction), Answers: object(e.Answers), KeepTokens: e.KeepTokens, Unsupported: clean(e.Unsupported),
	}
	out.Session, out.RefreshToken, out.Methods, out.PrimaryUser = e.Session.public(), e.Refreshing.public(), e.Methods, e.Primary
	if s := e.Suspend; s != nil && json.Valid([]byte(s.Details)) {
		out.Suspend = &Suspension{Script: s.Script, Kind: s.Kind, Details: json.RawMessage(s.Details)}
	}
	if f := e.Factor; f != nil {
		out.Factor = &Factor{Provider: clean(f.Provider), Remember: f.Remember, Duo: f.Duo}
	}
	if e.Revoke == "session" || e.Revoke == "refresh_token" {
		out.Revoke = e.Revoke
	}
	if d := e.Denied; d != nil {
		out.Denied = &Denial{Action: name(d.Script), Code: clean(d.Code), Reason: clean(d.Reason), Message: clean(d.Message)}
	}
	for _, change := range e.Scopes {
		if len(change) > 0 {
			out.Scopes = append(out.Scopes, ScopeChange{Op: change[0], Scopes: change[1:]})
		}
	}
	return out
}

func object(pairs [][2]string) map[string]json.RawMessage {
	if len(pairs) == 0 {
		return nil
	}
	out := make(map[string]json.RawMessage, len(pairs))
	for _, p := range pairs {
		if json.Valid([]byte(p[1])) {
			out[p[0]] = json.RawMessage(p[1])
		}
	}
	return out
}
