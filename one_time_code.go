package stagedoor

import (
	"encoding/json"
	"time"
)

// OneTimeCode is a code on its way to a person, by mail or as a text message. It proves that they read what is sent there.
type OneTimeCode struct {
	Purpose      string            // what it is good for, such as signing in through a connection; only the newest of a purpose and a subject works
	Subject      string            // where it is sent: an address or a number, as the server writes it; or what it is asked for in, such as a session
	To           string            `json:",omitempty"` // where it is sent, if the subject does not say it
	ClientID     string            `json:",omitempty"` // whom the person was at
	Organization string            `json:",omitempty"`
	UserID       string            `json:",omitempty"` // whose it is, or the one of whom it makes a user
	Link         bool              `json:",omitempty"` // it was sent as part of a link
	Params       map[string]string `json:",omitempty"` // of the authorization request that the link goes on with
	About        json.RawMessage   `json:",omitempty"` // what else the sender keeps with it
	ExpiresAt    time.Time
}
