package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/form"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// transactionLife is how long a login may take (Authentication API fact sheet 2.3).
const transactionLife = time.Hour

// The pages that a step may ask for.
const (
	AskLogin        = "login"
	AskConsent      = "consent"
	AskOrganization = "organization"
	AskFactor       = "mfa-otp-challenge" // or the page for the recovery code, which belongs to the same step
	AskEnroll       = "mfa-otp-enrollment"
	AskDuo          = "mfa-duo-challenge"
	AskAtDuo        = "at-duo" // no page of ours: the person is at Duo, see [Pipeline.BackFromDuo]
	AskNote         = "mfa-recovery-code-enrollment"
	AskPasskey      = "passkey-enrollment"
	AskLink         = "link-account"
	AskUpstream     = "upstream" // no page of ours: the person is at a provider, see [Pipeline.Arrive]
	AskForm         = "form"     // of the tenant's own, which an action wants to be filled in; see [Pipeline.FormStep]
	AskRedirect     = "redirect" // no page of ours: a script sends the person to another site, see [Pipeline.Return]
)

// Pipeline runs logins.
type Pipeline struct {
	Database *connection.Database
	Upstream *connection.Upstream // nil: nobody can go to a provider
	Scripts  *script.Host
	Minter   *token.Minter
	HTTP     *http.Client // brings messages to phones, and asks Duo; nil: only tenants' own code sends messages

	// Requests is the client of tenants' flows: like that of their scripts it reaches the server itself. Nil: flows make no requests.
	Requests *http.Client

	// MailFlow sends a mail of a flow, if it is not nil.
	MailFlow func(ctx context.Context, v Visit, u *stagedoor.User, m form.Mail) error

	RetryAfter time.Duration // how long a message waits that a script wants to be tried again, doubled each time; 0: a second

	Networks guard.Networks // how often they do what nobody has proved anything for

	unwaited sync.WaitGroup // scripts that run in the background
	noted    noted

	// MailFactorCode mails a code of a second factor.
	MailFactorCode func(ctx context.Context, v Visit, m FactorMail) error

	// AskToVerify mails somebody who is new, if it is not nil, to prove that their address is theirs. It does not wait until the mail is sent.
	AskToVerify func(ctx context.Context, v Visit, u *stagedoor.User, client *stagedoor.Client)

	// TellFactor tells a person by mail, if it is not nil, what has changed about their second factors: factor, removed, recovery_used, passkey. It does
	// not wait until the mail is sent.
	TellFactor func(ctx context.Context, v Visit, u *stagedoor.User, change string)

	// Blocked tells a person, if it is not nil, that too many wrong passwords have blocked their account.
	Blocked func(ctx context.Context, v Visit, conn *stagedoor.Connection, u *stagedoor.User, clientID string)

	Leaks guard.Leaks // passwords that have become public; nil: none are known but those for tests

	// WarnLeaked tells a person, if it is not nil, that their password has become public.
	WarnLeaked func(ctx context.Context, v Visit, u *stagedoor.User, clientID string)

	// TellAdmin sends a mail to the tenant's support, if it is not nil and there is one.
	TellAdmin func(ctx context.Context, v Visit, subject, text string)

	// MailProof mails a code to somebody who signs up, or wants another password, if it is not nil. Of a sign-up it does not wait until the mail
	// is sent.
	MailProof func(ctx context.Context, v Visit, out Proof) error

	// MailCode sends a mail with a code or a link, if it is not nil. It does not wait until the mail is sent.
	MailCode func(ctx context.Context, v Visit, m CodeMail)
}

// Visit is one request of a browser or client, as the pipeline needs it.
type Visit struct {
	Store      *store.Store
	Issuer     string // https://domain/ of the request
	Hostname   string
	IP         string
	UserAgent  string
	Language   string         // of the pages; may be empty
	Session    string         // the session cookie's value
	Browser    string         // the browser cookie's value
	Remembered string         // the value of the cookie by which a browser is remembered for the second factor
	Body       map[string]any // what scripts see as context.request.body
	Transfer   Transfer       // only a request that begins a login has one

	Fingerprints *stagedoor.Fingerprints // of the program that asks; nil: not known

	Login *stagedoor.AuthorizationRequest // what the login asks for that the visit goes on with, where scripts are told; nil: there is none
}

// VisitOf is a request of a browser, whose pages are in the language.
func VisitOf(r *http.Request, st *store.Store, language string) Visit {
	v := CallOf(r, st)
	v.Session, v.Browser, v.Remembered, v.Language = session.Handle(r), session.Browser(r), session.Remembered(r), language
	return v
}

// CallOf is a request of a program. Cookies that came along are nobody's.
func CallOf(r *http.Request, st *store.Store) Visit {
	return Visit{
		Store: st, Issuer: web.Issuer(r), Hostname: web.Hostname(r.Host), IP: r.RemoteAddr, UserAgent: stagedoor.Clip(r.UserAgent(), stagedoor.MaxAgent), Fingerprints: web.FingerprintsOf(r.Context()),
	}
}

// Outcome is how far a login has come.
type Outcome struct {
	Transaction *stagedoor.Transaction   // nil if the request was answered without one
	Ask         string                   // the page to show; empty when the login is over
	Result      *stagedoor.Authorization // what is granted when the login is over
	Request     stagedoor.AuthorizationRequest
	User        *stagedoor.User
	Client      *stagedoor.Client
	API         *stagedoor.ResourceServer // nil: for /userinfo only
	Elsewhere   string                    // where AskRedirect sends the browser
	Page        string                    // the page of ours where the browser goes on if this is no login, but somebody on the way to a new password

	Opened      *Opened // the session that a session transfer token has opened, which the door gives to the browser whatever else comes; nil: none
	Transferred bool    // a session transfer token was used up

	Recookie *stagedoor.Session // the session whose cookie the door sets again, whatever else comes; nil: it stays as it is
}

// Begin starts a login for a checked request. The outcome is never nil: also beside an
// error it tells the door where the answer belongs.
func (p *Pipeline) Begin(ctx context.Context, v Visit, client *stagedoor.Client, api *stagedoor.ResourceServer, req stagedoor.AuthorizationRequest) (*Outcome, error) {
	return p.run(ctx, &login{Pipeline: p, visit: v, st: v.Store, tx: begun(v, req), client: client, api: api})
}

// begun is a login that begins in the browser of the visit.
func begun(v Visit, req stagedoor.AuthorizationRequest) *stagedoor.Transaction {
	return &stagedoor.Transaction{Browser: hash(v.Browser), Request: req, ExpiresAt: v.Store.Clock().Now().Add(transactionLife)}
}

// Continue goes on with a stored login after a page. When it is over the transaction is used up:
// of two callers one gets the result. The outcome is nil when the login is lost.
func (p *Pipeline) Continue(ctx context.Context, v Visit, id string) (*Outcome, error) {
	tx, err := p.transaction(ctx, v, id)
	if err == nil && (tx.Step == AskRedirect || tx.Step == AskUpstream || tx.Step == AskAtDuo || tx.Reset != nil) { // only the way back from there goes on
		err = lost()
	}
	if err != nil {
		return nil, err
	}
	return p.goOn(ctx, v, tx, nil)
}

func (p *Pipeline) goOn(ctx context.Context, v Visit, tx *stagedoor.Transaction, back *way) (_ *Outcome, err error) {
	l := &login{Pipeline: p, visit: v, st: v.Store, tx: tx, back: back}
	if l.client, err = v.Store.Client(ctx, tx.Request.ClientID); err != nil {
		return nil, gone(err)
	}
	if audience := tx.Request.Audience; !token.IsUserInfo(v.Store.Tenant(), audience) {
		if l.api, err = token.ResourceServer(ctx, v.Store, audience); err != nil {
			return nil, gone(err)
		}
	}
	return p.run(ctx, l)
}

// Page returns the login under way for which page is to be shown. A login that waits for another
// page, or none, is lost, and so is one whose person this browser's session is not of.
func (p *Pipeline) Page(ctx context.Context, v Visit, id, page string) (*stagedoor.Transaction, error) {
	tx, err := p.transaction(ctx, v, id)
	if err != nil {
		return nil, err
	}
	if tx.Step != page {
		return nil, lost()
	}
	if tx.UserID == "" || tx.Reset != nil {
		return tx, nil
	}
	s, err := session.Live(ctx, v.Store, v.Session)
	if err != nil {
		return nil, err
	}
	if !sameSession(tx, s) {
		return nil, lost()
	}
	return tx, nil
}

func (p *Pipeline) transaction(ctx context.Context, v Visit, id string) (*stagedoor.Transaction, error) {
	if id == "" {
		return nil, lost()
	}
	tx, err := v.Store.Transaction(ctx, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, lost()
	}
	if err != nil {
		return nil, err
	}
	if tx.Browser != hash(v.Browser) {
		return nil, lost()
	}
	tx.ID = id
	return tx, nil
}

// take takes a transaction that waits at one of some steps: of two who come with its state one gets it.
func (p *Pipeline) take(ctx context.Context, v Visit, state string, steps ...string) (*stagedoor.Transaction, error) {
	tx, err := p.transaction(ctx, v, state)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(steps, tx.Step) {
		return nil, lost()
	}
	if tx, err = v.Store.TakeTransaction(ctx, state); stagedoor.IsKind(err, stagedoor.NotFound) {
		err = lost()
	}
	return tx, err
}

// gone is the answer for a login for which something is missing that was there when it began. That the database does not answer is no such
// thing: the login goes on when it does.
func gone(err error) error {
	if kind := stagedoor.AsError(err).Kind; kind == stagedoor.Internal || kind == stagedoor.Unavailable {
		return err
	}
	return lost()
}

// lost is the answer for a login that cannot go on (Authentication API fact sheet 2.2).
func lost() error {
	return stagedoor.Errorf(stagedoor.Invalid, "lost_transaction", stagedoor.LostTransaction)
}

// hash is what a transaction keeps of a browser cookie.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func (v Visit) who() session.Visit { return session.Visit{IP: v.IP, UserAgent: v.UserAgent} }
