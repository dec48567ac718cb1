package stagedoor

import (
	"context"
	"errors"
	"fmt"
)

// Kind classifies an Error; each door maps it to a status of its protocol.
type Kind int

// The kinds of errors. Internal is the zero value: an error that nobody classified
// keeps its text to itself.
const (
	Internal Kind = iota
	Invalid
	Unauthorized
	Forbidden
	NotFound
	Conflict
	TooLarge
	URITooLong
	UnsupportedMedia
	TooMany
	Unsupported
	Unavailable
	Precondition // something else has to be changed first
	Gone         // it was there, and is not kept any longer
	Scripted     // a script of the tenant refused or failed; Message is its own text
)

// Error is the one error type that rooms hand to each other.
type Error struct {
	Kind    Kind
	Code    string         // what machines read: "inexistent_user", "invalid_grant"
	Message string         // what people may read; never holds a secret
	Extra   map[string]any // further members of the body: mfa_token, policy
	Err     error          // the cause; only the log reads it
}

func (e *Error) Error() string {
	text := e.Message
	if e.Code != "" {
		text = e.Code + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error of the given kind, code and message.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// AsError returns err as an *Error; an unclassified error becomes Internal, and the end of a request's time Unavailable.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Kind: Unavailable, Code: "time_limit", Message: "The request took too long and was given up. Look whether something was done before you repeat it.", Err: err}
	}
	return &Error{Kind: Internal, Message: "Internal error", Err: err}
}

// IsKind tells whether err is an *Error of the given kind.
func IsKind(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// HasCode tells whether err is an *Error with the given code.
func HasCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// LostTransaction is what the wire says of a login that cannot go on (Authentication API fact sheet 2.2). Pages say it in the person's language.
const LostTransaction = "You may have pressed the back button, refreshed during login, opened too many login dialogs, " +
	"or there is some issue with cookies, since we couldn't find your session. Try logging in again from the application " +
	"and if the problem persists please contact the administrator."
