package stagedoor

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Session is a browser's sign-in at the server, kept behind one cookie
// (Authentication API fact sheet 3.5).
type Session struct {
	ID                string // public: the sid claim; the cookie holds another, secret value
	UserID            string
	Connection        string
	Strategy          string
	Methods           []AuthMethod
	Clients           []string          // client ids signed in with this session
	Issuers           map[string]string `json:",omitempty"` // of those clients that know the server by another domain than the tenant's first
	AuthenticatedAt   time.Time
	CreatedAt         time.Time
	LastInteractionAt time.Time
	IdleExpiresAt     time.Time
	ExpiresAt         time.Time
	Persistent        bool
	InitialIP         string
	InitialUserAgent  string
	LastIP            string
	LastUserAgent     string
	UpdatedAt         time.Time      // by the Management API; zero = never
	Metadata          map[string]any `json:",omitempty"`
	CameBy            *CameBy        `json:",omitempty"` // by which login of an identity provider of SAML
	Transfer          *Transferred   `json:",omitempty"` // a session transfer token opened it, and nobody has proved themselves in it since

	Online map[string]int `json:",omitempty"` // by client id: the turn of its online refresh tokens that work; below zero: of those that were taken back last, and none works

	Participants map[string]Participant `json:",omitempty"` // by client id: those of SAML 2.0 that were told who the person is

	Risk    *RiskAssessment `json:",omitempty"` // of the login that opened it; nil: it was not measured
	Settled bool            `json:",omitempty"` // a login in it has come to its end since: scripts see the risk of who comes now

	AccessEnded int64 `json:"-"` // of its user, when it was read, or when they proved themselves for one that is new
}

// OnlineTurn is the turn of online refresh tokens of a client that work in the session; not above zero where none does. Those of before there were turns are of the first.
func (s *Session) OnlineTurn(clientID string) int { return cmp.Or(s.Online[clientID], 1) }

// BeginOnline begins a turn of online refresh tokens of a client unless one goes on.
func (s *Session) BeginOnline(clientID string) {
	if s.Online == nil {
		s.Online = map[string]int{}
	}
	if turn := s.Online[clientID]; turn <= 0 {
		s.Online[clientID] = 1 - turn
	}
}

// EndOnline ends the turn that goes on, and tells whether it is known that there were any.
func (s *Session) EndOnline(clientID string) (known bool) {
	turn := s.OnlineTurn(clientID)
	if known = s.Online[clientID] > 0; turn > 0 {
		if s.Online == nil {
			s.Online = map[string]int{}
		}
		s.Online[clientID] = -turn
	}
	return known
}

// Participant is what a client of SAML 2.0 was told of a session: by that name it is told when the session ends (SAML core section 3.7.1).
type Participant struct {
	NameID string
	Format string `json:",omitempty"` // of the NameID
	Index  string // of the session
	Issuer string // who we are to the client
	Name   string `json:",omitempty"` // what it calls itself
}

// CameBy is what an identity provider of SAML calls a person's session there: to end it here or there it must be named just so (SAML core
// section 3.7.1).
type CameBy struct {
	Connection      string // id of the connection
	NameID          string
	Format          string `json:",omitempty"` // of the NameID
	NameQualifier   string `json:",omitempty"`
	SPNameQualifier string `json:",omitempty"`
	SessionIndex    string `json:",omitempty"` // empty: the provider has none
}

// Has tells whether the session's person gave a proof: pwd, mfa …
func (s *Session) Has(method string) bool {
	return slices.ContainsFunc(s.Methods, func(m AuthMethod) bool { return m.Name == method })
}

// AuthMethod is one proof that the person gave; Timestamp is in milliseconds.
type AuthMethod struct {
	Name      string `json:"name"` // pwd, federated, mfa …
	Timestamp int64  `json:"timestamp"`
	Type      string `json:"type,omitempty"` // of mfa: otp, recovery-code
}

// FactorDemand is what scripts say of the second factor of a login.
type FactorDemand struct {
	None     bool     `json:",omitempty"` // nobody is asked, whatever the tenant's policy says
	Remember bool     `json:",omitempty"` // a remembered browser will do
	Always   bool     `json:",omitempty"` // also where the tenant has the factor switched off: google-authenticator, which rules bring along
	Issuer   string   `json:",omitempty"` // what apps call the account's server; empty: the tenant's name
	Enroll   bool     `json:",omitempty"` // another factor is to be enrolled, rather than one to be given
	Types    []string `json:",omitempty"` // nothing else will do: otp, recovery-code; nil: anything
	Duo      bool     `json:",omitempty"` // Duo is to be asked, and nothing else will do
	Keys     string   `json:",omitempty"` // of Duo: under which handle they are kept, sealed
	Own      bool     `json:",omitempty"` // by the tenant's policy: a code goes to the person's own address, for they have nothing else and the login looks risky
}

// Takes tells whether a type of factor will do.
func (d *FactorDemand) Takes(kind string) bool {
	return d == nil || d.Types == nil || slices.Contains(d.Types, kind)
}

// AuthorizationRequest is what a client asked for at /authorize, after checks.
type AuthorizationRequest struct {
	ClientID      string
	ResponseType  string   // words sorted: "code", "code id_token" …
	ResponseMode  string   // query, fragment, form_post, web_message
	RedirectURI   string   // as sent
	RedirectGiven bool     // whether the client sent it, or the first callback was used
	Scope         []string // as asked for
	Audience      string   // "" means userinfo only
	State         string
	Nonce         string
	Prompt        []string
	MaxAge        *int // seconds
	CodeChallenge string
	CodeMethod    string // S256 or plain
	LoginHint     string
	Subject       string `json:",omitempty"` // id of the user that id_token_hint names; nobody else will do
	ScreenHint    string
	Connection    string
	Organization  string `json:",omitempty"` // id of the organization that the login is for
	Invitation    string `json:",omitempty"` // id of the invitation to it that the person follows
	UILocales     string
	Details       json.RawMessage     `json:",omitempty"` // authorization_details (RFC 9396), checked
	DPoPJKT       string              `json:",omitempty"` // the thumbprint of the key that the code is bound to (RFC 9449 section 10)
	Approval      bool                `json:",omitempty"` // the device code is a client's that waits for an approval
	Device        string              `json:",omitempty"` // id of the device code that the login is for
	Issuer        string              // https://domain/ of the request
	Conformant    bool                // the new pipeline: conformant client, or an audience
	Query         map[string][]string // everything, for rules
	Unseen        bool                `json:",omitempty"` // what is asked for did not stand in the address, and no address of ours shows it

	Anonymous *AnonymousSession `json:",omitempty"` // the session that the person had as a visitor, if the client brings it along

	Federation *FederationRequest `json:",omitempty"` // the client speaks SAML 2.0 or WS-Federation; nil: OAuth 2.0
}

// The protocols of clients that do not speak OAuth 2.0, as scripts know them.
const (
	ProtocolSAML  = "samlp"
	ProtocolWSFed = "wsfed"
)

// FederationRequest is what a client of SAML 2.0 or WS-Federation asked for, after checks. The answer goes to the RedirectURI of the
// authorization request around it, with its State beside it.
type FederationRequest struct {
	Protocol string
	ID       string `json:",omitempty"` // of the request; empty: nobody asked
	Issuer   string `json:",omitempty"` // what the client calls itself
	Subject  string `json:",omitempty"` // the NameID of whom the client expects; empty: anybody
}

// Words are the members of a list on the wire: scopes, response types, prompts. Spaces part them, and nothing else does (RFC 6749 sections 3.1.1
// and 3.3, OpenID Connect Core 3.1.2.1).
func Words(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ' ' })
}

// Has tells whether the response type contains the word: code, token, id_token.
func (r *AuthorizationRequest) Has(word string) bool {
	return slices.Contains(Words(r.ResponseType), word)
}

// HasPrompt tells whether prompt contains the word: none, login, consent, select_account.
func (r *AuthorizationRequest) HasPrompt(word string) bool { return slices.Contains(r.Prompt, word) }

// HasScope tells whether the scope was asked for.
func (r *AuthorizationRequest) HasScope(s string) bool { return slices.Contains(r.Scope, s) }

// Protocol returns context.protocol of rules (extensibility fact sheet 1.8).
func (r *AuthorizationRequest) Protocol() string {
	switch {
	case r.Federation != nil:
		return r.Federation.Protocol
	case r.Approval:
		return "oidc-ciba"
	case r.Device != "":
		return "oauth2-device-code"
	case r.ResponseType == "code":
		return "oidc-basic-profile"
	case r.Has("code"):
		return "oidc-hybrid-profile"
	}
	return "oidc-implicit-profile"
}

// Authorization is what a login ended in: who, for whom, what, with which claims. It is
// stored with a code and with a refresh token, and tokens are made from it.
type Authorization struct {
	ClientID    string
	UserID      string
	SessionID   string
	Audience    string
	Scope       []string                   // granted
	ScopeSet    bool                       `json:",omitempty"` // a script chose the scope: roles do not narrow it
	Nonce       string                     `json:",omitempty"`
	AuthTime    int64                      `json:",omitempty"` // seconds; 0 leaves auth_time out
	Conformant  bool                       // false: claims by the legacy rules
	Profile     json.RawMessage            `json:",omitempty"` // the user as it stands after rules
	IDClaims    map[string]json.RawMessage `json:",omitempty"` // set by scripts
	TokenClaims map[string]json.RawMessage `json:",omitempty"` // set by scripts
	GrantType   string                     `json:",omitempty"` // gty
	Issuer      string
	AMR         []string `json:",omitempty"` // of the ID token that the login ends in, no later one: mfa
	ACR         string   `json:",omitempty"`
	Factor      bool     `json:",omitempty"` // the person gave a second factor for it
	OrgID       string   `json:",omitempty"` // the organization that the tokens are for
	OrgName     string   `json:",omitempty"` // its name, where tokens show it
	OrgSet      bool     `json:",omitempty"` // a script chose the organization, whatever the client's settings are
	Connection  string   `json:",omitempty"` // by which the person proved themselves; empty: that is not known

	Details json.RawMessage `json:",omitempty"` // what the person has let the client do, beyond scopes (RFC 9396)

	ExpiresAt time.Time `json:"-"` // of the opaque access token that was read; else zero

	JKT string `json:",omitempty"` // the thumbprint of the key that the access token is bound to by DPoP
	X5T string `json:",omitempty"` // that of the certificate

	Assertion map[string]json.RawMessage `json:",omitempty"` // what scripts want of the answer to a client of SAML 2.0 or WS-Federation

	Transfer *Transferred `json:",omitempty"` // as of its session

	Online bool `json:",omitempty"` // the client asked for an online refresh token, and may have one
	Agreed bool `json:",omitempty"` // it rests on the person's consent

	Actor      json.RawMessage `json:",omitempty"` // who acts for the person: the claim act
	Refreshing *AccessChange   `json:",omitempty"` // what scripts change of the refresh tokens

	AccessEnded int64 `json:"-"` // of the user, when that was looked at which it comes from
}

// HasScope tells whether the scope was granted.
func (a *Authorization) HasScope(s string) bool { return slices.Contains(a.Scope, s) }

// Code is an authorization code: one use, a few minutes.
type Code struct {
	Authorization
	RedirectURI   string
	RedirectGiven bool
	CodeChallenge string
	CodeMethod    string
	DPoPJKT       string   `json:",omitempty"` // of the key that whoever redeems it must have
	Asked         []string `json:",omitempty"` // the scopes that the client asked for: others of Scope are a script's word
	ExpiresAt     time.Time
}

// RefreshToken is one token of a family (Authentication API fact sheet 4.3).
type RefreshToken struct {
	ID         string
	FamilyID   string
	Counter    int // position in the family
	ClientID   string
	UserID     string
	SessionID  string
	Audience   string
	Consent    string `json:",omitempty"` // the audience of the consent that it rests on, if another than Audience
	Scope      []string
	Beyond     []string `json:",omitempty"` // of Scope, what the API did not define when it was given: a script's word
	Conformant bool
	Rotating   bool
	AuthTime   int64
	GrantType  string
	OrgID      string    `json:",omitempty"` // the organization that its tokens are for
	OrgSet     bool      `json:",omitempty"` // as of its Authorization
	Connection string    `json:",omitempty"` // as of its Authorization
	CreatedAt  time.Time // of the family
	LastUsedAt time.Time
	ExpiresAt  time.Time      // absolute; zero = never
	IdleExpiry time.Time      // zero = never
	Metadata   map[string]any `json:",omitempty"`

	Details json.RawMessage `json:",omitempty"` // as of its Authorization

	Transfer *Transferred `json:",omitempty"` // as of its Authorization

	JKT string `json:",omitempty"` // of a public client: the thumbprint of the key that the family is bound to by DPoP
	X5T string `json:",omitempty"` // that of its certificate

	Online bool `json:",omitempty"` // it lies in no table, and ends with its session
	Agreed bool `json:",omitempty"` // of an online one: as of its Authorization
	Turn   int  `json:",omitempty"` // of an online one: see Session.OnlineTurn

	Agreement string `json:",omitempty"` // of one that rests on the person's consent: the id of that

	InitialIP        string `json:",omitempty"` // of who redeemed the code
	InitialUserAgent string `json:",omitempty"`

	AccessEnded int64 `json:"-"` // of a new family: as of its Authorization
}

// Transaction is a login under way (Authentication API fact sheet 8). Only the pipeline
// changes it.
type Transaction struct {
	ID        string
	Browser   string // hash of the cookie of the browser that began it; no other may go on
	Request   AuthorizationRequest
	Step      string // what the browser was last asked for: login, consent
	Nonce     string // bound to the step; a form that does not carry it is refused
	UserID    string // set once the person is known
	SessionID string
	Fresh     bool                  // the person proved themselves in this transaction
	By        string                `json:",omitempty"` // how, until they were offered a passkey
	Scripted  bool                  // the scripts have run; Result is what came of it
	Result    *Authorization        // what will be granted once consent is there
	Consented bool                  // the person agreed in this transaction
	Denied    bool                  // the person did not agree
	Organized bool                  // the person said which organization the login is for, or that it is for none
	Chosen    bool                  // they did so after they had proved themselves: the next person chooses anew
	Factor    *FactorDemand         `json:",omitempty"` // what scripts want of a second factor; nil: the tenant's policy decides
	Proof     string                `json:",omitempty"` // the second factor that the person gave in this login: otp, recovery-code
	Noting    bool                  `json:",omitempty"` // they have a new recovery code to note down
	Remember  bool                  `json:",omitempty"` // once Duo has let the person pass, the browser is remembered
	Twin      string                `json:",omitempty"` // id of another user of the same verified address, whom the person is asked to link
	Alone     bool                  `json:",omitempty"` // they have answered that
	Upstream  *Upstream             `json:",omitempty"` // the way to a provider and back, of a login that waits for it
	Code      *CodeState            `json:",omitempty"` // where a code was sent by which the person may sign in
	Refused   *Refusal              `json:",omitempty"` // why the provider did not let the person in: the login ends with it
	Script    *ScriptState          `json:",omitempty"` // how far scripts have come, where they sent the person elsewhere
	Routed    *string               `json:",omitempty"` // the connection that the request named, where an action has put another one in its place
	Looked    string                `json:",omitempty"` // the identifier that actions have looked at last, as it was typed, and have not sent elsewhere
	Transfer  *SessionTransferToken `json:",omitempty"` // the session transfer token by which the person is known
	Reset     *ResetState           `json:",omitempty"` // nil: this is a login, and not somebody with the link of a mail about their password
	SignOut   *SignOut              `json:",omitempty"` // nil: this is a login, and not somebody on the way out

	Connecting json.RawMessage `json:",omitempty"` // of somebody who connects an account at a provider, as the pipeline keeps it

	ExpiresAt time.Time
}

// ResetState is how far somebody has come, in one browser, who opened the link of a mail to choose a new password and whom scripts look at
// before they may.
type ResetState struct {
	ID        string // of the transaction while it is at a page of ours
	Passed    bool   // scripts have nothing more to ask
	Refused   string // why the person may not, to be shown to them once; empty: they were not refused
	ResultURL string // where scripts want the browser in the end; empty: as the ticket says
}

// SignOut is the way of somebody whose session has ended past the clients of SAML 2.0 that are told of it, one after the other.
type SignOut struct {
	Left    map[string]Participant `json:",omitempty"` // who is still to be told, by client id
	Session string                 // its id
	To      string                 // where the browser goes in the end; empty: to the page that says so
	Form    map[string]string      `json:",omitempty"` // what is posted there; nil: the address says all
}

// Upstream is a person's way to a provider. It has a transaction of its own, a copy of the login's, whose id is the state that the
// provider gets; the login itself stays as it was, for a person who changes their mind.
type Upstream struct {
	ConnectionID string
	Verifier     string // of the code challenge that the provider got; empty if it got none
	RedirectURI  string
	Nonce        string            `json:",omitempty"` // that the ID token must hold; empty: none was sent
	RequestID    string            `json:",omitempty"` // of a SAML request, which the answer must name
	Posted       map[string]string `json:",omitempty"` // the answer, where it came by a form; it waits for the browser's own request
}

// Refusal is an error that a login ends with.
type Refusal struct {
	Kind          Kind
	Code, Message string
	Why           string // for the tenant's log
	Connection    string // name
}

// ScriptState is what scripts that wait for a person to come back left behind.
type ScriptState struct {
	Waits      string                     `json:",omitempty"` // for what: redirect, factor, prompt
	Redirected bool                       `json:",omitempty"` // a rule sent the person elsewhere, which rules do once in a login
	Properties map[string]json.RawMessage `json:",omitempty"` // of the user, invented by rules; seen when rules run again
	Binding    string                     `json:",omitempty"` // the action that waits; empty: rules do
	Passed     bool                       `json:",omitempty"` // … and is done: those behind it wait
	Factor     *FactorDemand              `json:",omitempty"` // what the person has to give before; nil: they did
	Form       string                     `json:",omitempty"` // under which handle the state of the form is kept, sealed, that the person fills in
	Metadata   map[string]json.RawMessage `json:",omitempty"` // of the transaction, set by actions
	Executions []string                   `json:",omitempty"` // ids of the records of actions' runs
	Console    []map[string]any           `json:",omitempty"` // lines of the console
}

// Ticket is a one-time link sent by mail: password reset or e-mail verification.
type Ticket struct {
	Kind           string // reset_password, verify_email
	UserID         string
	ClientID       string
	OrganizationID string // that the person comes from and goes back to
	ResultURL      string // where the browser goes in the end, with what came of it
	Email          string
	To             string `json:",omitempty"` // where a code went that was given for it; empty: it was sent to Email
	ExpiresAt      time.Time

	IncludeEmail bool // in the ResultURL
	MarkVerified bool // a new password proves the address too

	Another    bool   `json:",omitempty"` // a factor may be set up beside those that there are
	Factor     string `json:",omitempty"` // the kind of factor that is to be set up; empty: the person chooses
	Session    string `json:",omitempty"` // the session in which alone the ticket works; empty: it is sent to somebody
	Connection string `json:",omitempty"` // through which the person of a login ticket proved themselves
	Browser    string `json:",omitempty"` // hash of the cookie of the browser in which they did: no other may log in with it

	Lang  string `json:",omitempty"` // of the pages behind the link
	Login string `json:",omitempty"` // hash of the id of the login under way that a login ticket is for; empty: one begins with it

	Risk *RiskAssessment `json:",omitempty"` // of the login of a login ticket; nil: it was not measured

	AccessEnded int64 `json:"-"` // of the user: of a new login ticket when they proved themselves, else when it was read or used up
}

// The kinds of tickets.
const (
	TicketReset        = "reset_password"
	TicketVerification = "verify_email"
	TicketUnblock      = "blocked_account"
	TicketEnrollment   = "enrollment"
	TicketLogin        = "login"
)

// SigningKey is a tenant's key for tokens. Private is the PEM of the key and its
// certificate, sealed at rest.
type SigningKey struct {
	KID       string
	Algorithm string // RS256
	State     string // current, next, previous
	Private   []byte
	CertDER   []byte
	CreatedAt time.Time

	CurrentSince, CurrentUntil, RevokedAt time.Time // zero: not yet
}

// Mail is one message in the development inbox.
type Mail struct {
	ID      string
	To      string // of a message to a phone its number
	From    string
	Subject string // empty in messages to phones
	Text    string
	HTML    string
	Kind    string // KindPhone, or what the mail is for
	SentAt  time.Time
}

// CodeState is where a login has sent a code.
type CodeState struct {
	Connection string // id
	Address    string // e-mail address or telephone number
}

// KindPhone is the kind of what the development inbox keeps instead of sending it to a phone.
const KindPhone = "phone"
