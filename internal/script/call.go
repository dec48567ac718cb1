package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// Operation is something that a connection lets a script of the tenant do: check a password, make a user, read a profile
// (extensibility fact sheet 5.2 and 5.6).
type Operation struct {
	Name      string   // of the script among the connection's: login, get_user …
	Functions []string // names that its function may have where a script declares several; else the first one that it declares
	Arguments []string // what the function gets before the context, where it gets one, and the callback
	Context   bool     // the context is always there; else only where the connection wants it
}

// Operations are all of them: first the scripts of a database, then those of a custom social connection.
var Operations = []*Operation{
	{Name: "login", Functions: []string{"login"}, Arguments: []string{"identifier", "password"}},
	{Name: "get_user", Functions: []string{"getByEmail", "getUser", "get_user"}, Arguments: []string{"email"}},
	{Name: "create", Functions: []string{"create"}, Arguments: []string{"user"}},
	{Name: "verify", Functions: []string{"verify"}, Arguments: []string{"email"}},
	{Name: "change_password", Functions: []string{"changePassword", "change_password"}, Arguments: []string{"email", "newPassword"}},
	{Name: "change_email", Functions: []string{"changeEmail", "change_email"}, Arguments: []string{"email", "newEmail", "verified"}},
	{Name: "change_username", Functions: []string{"changeUsername", "change_username"}, Arguments: []string{"username", "newUsername"}},
	{Name: "change_phone_number", Functions: []string{"changePhoneNumber", "change_phone_number"}, Arguments: []string{"phoneNumber", "newPhoneNumber", "verified"}}, // ours: nothing public says
	{Name: "delete", Functions: []string{"remove", "deleteUser", "delete_user"}, Arguments: []string{"id"}},
	{Name: FetchUserProfile, Functions: []string{"fetchUserProfile"}, Arguments: []string{"accessToken"}, Context: true},
	{Name: GetLogoutURL, Functions: []string{"getLogoutUrl"}, Arguments: []string{"query"}},
}

// Scripts of custom social connections.
const (
	FetchUserProfile = "fetchUserProfile"
	GetLogoutURL     = "getLogoutUrl"
)

// Takes tells whether a function with these parameters is one of the operation: rules take a user, a context and a callback, whatever they are called.
func (o *Operation) Takes(parameters []string) bool {
	more := 1 // the callback
	if o.Context {
		more++
	}
	if len(parameters) != len(o.Arguments)+more {
		return false
	}
	second := strings.TrimSpace(parameters[1])
	return o.Context || second != "context" && second != "ctx"
}

// OperationNamed returns an operation, nil if there is none of that name.
func OperationNamed(name string) *Operation {
	at := slices.IndexFunc(Operations, func(o *Operation) bool { return o.Name == name })
	if at < 0 {
		return nil
	}
	return Operations[at]
}

// CallRun is one call of a connection's script.
type CallRun struct {
	Tenant        string
	Connection    string // name of it, for the console
	Operation     *Operation
	Source        string
	Arguments     []any             // as the operation lists them; values that can be JSON
	Context       any               // nil: the function gets none
	Configuration map[string]string // of the connection, what the script sees as `configuration`

	Watch
}

// CallOutcome is what came of it.
type CallOutcome struct {
	Result  json.RawMessage // what the script called back with; nil for nothing and for null
	Failure *Failure        // nil: it called back without an error
	Console []Line
	Timings []Timing
	Calls   []Call
}

// Names of errors that scripts of connections raise on purpose, in [Failure.Name].
const (
	ErrorWrongCredentials = "WrongUsernameOrPasswordError"
	ErrorValidation       = "ValidationError"
	ErrorUnauthorized     = "UnauthorizedError"
)

// Call calls a script of a connection. What the script does wrong is in the outcome's Failure; the error says that it could not be run
// at all.
func (h *Host) Call(ctx context.Context, run CallRun) (CallOutcome, error) {
	if len(run.Arguments) != len(run.Operation.Arguments) {
		return CallOutcome{}, errors.New("script: wrong number of arguments for " + run.Operation.Name)
	}
	s := callStart{
		Functions: run.Operation.Functions, Arguments: make([]json.RawMessage, len(run.Arguments)), Connection: run.Connection, Operation: run.Operation.Name,
	}
	var err error
	for i, argument := range run.Arguments {
		if s.Arguments[i], err = json.Marshal(argument); err != nil {
			return CallOutcome{}, err
		}
	}
	if run.Context != nil {
		if s.Context, err = json.Marshal(run.Context); err != nil {
			return CallOutcome{}, err
		}
	}
	name := run.Connection + " " + run.Operation.Name
	j := newJob(h, ctx, KindConnections, Run{Tenant: run.Tenant, Watch: run.Watch, Configuration: run.Configuration, Rules: []Rule{{Name: name, Source: run.Source}}})
	j.call = &s
	if j.recorder != nil {
		if j.recorder.rec.Trigger = run.Operation.Name; !s.maskable() {
			j.recorder = nil
		}
	}
	r, err := h.wait(ctx, j)
	if err != nil {
		return CallOutcome{}, err
	}
	return j.called(r), nil
}

// called is the outcome as callers get it.
func (j *job) called(r result) CallOutcome {
	out := j.result(result{User: json.RawMessage(`{}`), Context: json.RawMessage(`{}`), Timings: r.Timings})
	c := CallOutcome{Console: out.Console, Timings: out.Timings, Calls: out.Calls}
	f := r.Failure
	if f == nil && !json.Valid(r.Value) {
		f = &failure{Kind: KindCrashed, Code: "access_denied", Message: textCrashed}
	}
	if f != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		c.Failure = j.failed(f)
		c.Failure.Rule, c.Failure.UserID = j.ruleName(0), clean(f.UserID)
	} else if value := bytes.TrimSpace(r.Value); !bytes.Equal(value, []byte("null")) {
		c.Result = value
	}
	return c
}

// CheckCall compiles a script of a connection and runs nothing of it. What is wrong is an Invalid [stagedoor.Error] of the code
// invalid_script whose message says what and where.
func (h *Host) CheckCall(ctx context.Context, source string) error {
	found, err := h.check(ctx, message{Source: source, Form: formCall})
	if err == nil && found.Text != "" {
		err = &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_script", Message: found.Text}
	}
	return err
}
