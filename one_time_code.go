package stagedoor

import "time"

// OneTimeCode is a code on its way to a person, by mail or as a text message. It proves that they read what is sent there.
type OneTimeCode struct {
	Purpose      string            // what it is good for, such as signing in through a connection; only the newest of a purpose and a subject works
	Subject      string            // where it is sent: an address or a number, as the server writes it
	ClientID     string            `json:",omitempty"` // whom the person was at
	Organization string            `json:",omitempty"`
	UserID       string            `json:",omitempty"` // whose it is, or the one of whom it makes a user
	Link         bool              `json:",omitempty"` // it was sent as part of a link
	Params       map[string]string `json:",omitempty"` // of the authorization request that the link goes on with
	ExpiresAt    time.Time
}
