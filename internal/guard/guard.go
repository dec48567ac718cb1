package guard

import (
	"context"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The buckets of an address: of the network that it counts as, see [stagedoor.Network].
const (
	BucketLogin    = "login-ip"
	BucketSignUp   = "signup-ip"
	BucketExchange = "exchange-ip"
	BucketCode     = "code-ip"
	BucketSigner   = "signer-ip"
	BucketReset    = "reset-ip"

	bucketInvited = "invited" // of an organization

	bucketTold  = "told-ip"
	bucketGuess = "code-guess" // of a person
)

// hourly is how often the tenant's support hears of one address.
var hourly = stagedoor.Throttle{MaxAttempts: 1, Rate: 3600000}

// codes is how many codes one address may have sent: 50 an hour (Authentication API fact sheet 10.3).
var codes = stagedoor.Throttle{MaxAttempts: 50, Rate: 72000}

// resets is how many mails, and texts, to choose another password an address may ask for one person: ten at once, and then one a minute (Authentication API fact sheet 6.8).
var resets = stagedoor.Throttle{MaxAttempts: 10, Rate: 60_000}

// resetsOfAll is how many an address may ask for whomever: five hundred at once, and then one every six seconds. It is so many that the machine of a site that asks for its people may go on.
var resetsOfAll = stagedoor.Throttle{MaxAttempts: 500, Rate: 6000}

// invitations is how many invitations the members of an organization may have mailed: a thousand at once, and then one a minute. invitationsTo is how many of them go to one address: ten at
// once, and then one an hour.
var (
	invitations   = stagedoor.Throttle{MaxAttempts: 1000, Rate: 60_000}
	invitationsTo = stagedoor.Throttle{MaxAttempts: 10, Rate: 3_600_000}
)

// guesses is how many wrong codes of one person are looked at, wherever they come from: two hundred, and then one every five minutes. Each network may give ten, and somebody may have enough
// of them to find one of a million. It is so many that it takes twenty networks to keep the owner out.
var guesses = stagedoor.Throttle{MaxAttempts: 200, Rate: 300_000}

// messages is how many messages of providers one address may bring that are not good: thirty, and one more every two seconds.
var messages = stagedoor.Throttle{MaxAttempts: 30, Rate: 2000}

// Attempt is one try to log in.
type Attempt struct {
	Store      *store.Store
	Connection *stagedoor.Connection
	Identifier string // as typed
	IP         string
	Code       bool // by a code that was sent; else by a password
}

// key is what the attempt is counted under. Codes are counted apart from passwords: whoever guesses one does not keep its owner from the other. Nobody types a key of codes,
// because what is typed is in lower case.
func (a Attempt) key() string {
	if a.Code {
		return codeKey(a.Identifier)
	}
	return Identifier(a.Identifier)
}

func codeKey(identifier string) string { return "CODE " + Identifier(identifier) }

// Identifier is how an identifier is counted.
func Identifier(typed string) string {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if len(typed) > 254 {
		typed = typed[:254]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(typed, "\ufffd"), "\x00", "\ufffd")
}

// Login refuses a login before its password is looked at: an identifier that is blocked for the address with too_many_attempts, an
// address that failed too often with too_many_attempts as well, in other words.
func Login(ctx context.Context, a Attempt) error {
	if full, err := full(ctx, a.Store, BucketLogin, a.IP); err != nil {
		return err
	} else if full {
		return errSuspicious()
	}
	brute, err := bruteForce(ctx, a)
	if err != nil || !brute.Blocks() {
		return err
	}
	counts, err := a.counts(ctx, a.key())
	if err != nil {
		return err
	}
	if a.blocked(counts, brute) {
		return ErrBlocked()
	}
	return nil
}

// counts are what has failed under a key that concerns the attempt: never all of it, which grows with each network that somebody guesses from.
func (a Attempt) counts(ctx context.Context, key string) ([]stagedoor.Attempts, error) {
	return a.Store.AttemptsFrom(ctx, key, a.Connection.Name, stagedoor.Network(a.IP))
}

// blocked tells whether so much has failed that the attempt is kept out.
func (a Attempt) blocked(counts []stagedoor.Attempts, b stagedoor.BruteForceProtection) bool {
	return b.Blocks() && slices.ContainsFunc(counts, func(c stagedoor.Attempts) bool {
		return c.Connection == a.Connection.Name && c.IP == b.Place(a.IP) && c.Count >= b.MaxAttempts
	})
}

// Guess refuses a code that was sent before it is looked at, where too many for the person were wrong, whatever the network, and counts the others; see [Guessed].
func Guess(ctx context.Context, a Attempt) error {
	brute, err := bruteForce(ctx, a)
	if err != nil || !brute.Blocks() {
		return err
	}
	free, err := a.Store.TakeAttempt(ctx, bucketGuess, Identifier(a.Identifier), guesses)
	if err == nil && !free {
		err = ErrBlocked()
	}
	return err
}

// Guessed forgets the wrong ones: a code was right. What was no guess, because the code had lapsed, is taken back out of the count alone.
func Guessed(ctx context.Context, a Attempt, right bool) error {
	if right {
		return a.Store.Empty(ctx, bucketGuess, Identifier(a.Identifier))
	}
	if brute, err := bruteForce(ctx, a); err != nil || !brute.Blocks() {
		return err
	}
	return a.Store.ReturnAttempt(ctx, bucketGuess, Identifier(a.Identifier), guesses)
}

// Outcome is what a failed login led to.
type Outcome struct {
	Blocked    bool // the identifier is blocked from now on
	NotifyUser bool // … and its owner is to be told
	Late       bool // it was one too many: others that were looked at in the same moment had failed as often as may be. The answer is [ErrBlocked]
	Throttled  bool // the address may not try again for now
	TellAdmin  bool // … and the tenant's support is to hear of it
}

// Failed counts a login with a wrong password or for an unknown user.
func Failed(ctx context.Context, a Attempt) (Outcome, error) {
	var out Outcome
	address, err := suspiciousIP(ctx, a.Store)
	if err != nil {
		return out, err
	}
	limit, network := address.Stage.PreLogin, stagedoor.Network(a.IP)
	if err := a.Store.Fill(ctx, BucketLogin, network, limit); err != nil { // also where nothing is throttled by it: bot detection looks at it, too
		return out, err
	}
	if address.Enabled && !stagedoor.Listed(address.Allowlist, a.IP) {
		if out.Throttled, err = a.Store.Full(ctx, BucketLogin, network, limit); err != nil {
			return out, err
		}
		if out.Throttled && address.NotifiesAdmin() {
			if out.TellAdmin, err = a.Store.TakeAttempt(ctx, bucketTold, network, hourly); err != nil {
				return out, err
			}
		}
	}
	brute, err := bruteForce(ctx, a)
	if err != nil || !brute.Enabled {
		return out, err
	}
	count, err := a.Store.CountAttempt(ctx, stagedoor.Attempts{
		Connection: a.Connection.Name, Identifier: a.key(), IP: brute.Place(a.IP),
	}, stagedoor.BlockFor)
	if err != nil {
		return out, err
	}
	out.Blocked, out.Late = count == brute.MaxAttempts && brute.Blocks(), count > brute.MaxAttempts && brute.Blocks()
	for _, s := range brute.Shields {
		out.NotifyUser = out.NotifyUser || s == stagedoor.ShieldUserNotification && count == brute.MaxAttempts
	}
	return out, nil
}

// Passed forgets what failed before: the password was right. Where others that were looked at in the same moment have failed as often as may be it came too late, as one that
// is tried after them, and is ErrBlocked.
func Passed(ctx context.Context, a Attempt) error {
	if a.Code {
		return passedCode(ctx, a)
	}
	counts, err := a.counts(ctx, Identifier(a.Identifier))
	if err != nil || len(counts) == 0 {
		return err
	}
	brute, err := bruteForce(ctx, a)
	if err != nil {
		return err
	}
	if a.blocked(counts, brute) {
		return ErrBlocked()
	}
	return a.Store.ForgetAttempts(ctx, a.Connection.Name, stagedoor.Network(a.IP), Identifier(a.Identifier))
}

// passedCode forgets the wrong codes from before, and the wrong passwords: a code helps whoever is kept out for those.
func passedCode(ctx context.Context, a Attempt) error {
	for _, key := range []string{a.key(), Identifier(a.Identifier)} {
		counts, err := a.counts(ctx, key)
		if err == nil && len(counts) > 0 {
			err = a.Store.ForgetAttempts(ctx, a.Connection.Name, stagedoor.Network(a.IP), key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// SignUp refuses a sign-up from an address that signs up too fast, and counts the others.
func SignUp(ctx context.Context, st *store.Store, ip string) error {
	s, err := suspiciousIP(ctx, st)
	if err != nil || !s.Enabled || stagedoor.Listed(s.Allowlist, ip) {
		return err
	}
	network := stagedoor.Network(ip)
	full, err := st.Full(ctx, BucketSignUp, network, s.Stage.PreUserRegistration)
	if err != nil {
		return err
	}
	if full && s.Blocks() {
		return stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many sign-ups. Please wait a moment and try again.")
	}
	return st.Fill(ctx, BucketSignUp, network, s.Stage.PreUserRegistration)
}

// Code refuses to send a code for an address that has had too many sent, and counts the others.
func Code(ctx context.Context, st *store.Store, ip string) error {
	return room(ctx, st, BucketCode, stagedoor.Network(ip), codes)
}

// Reset refuses to send somebody another mail, or text, to choose another password, for an address that has asked for too many for them, or for all whom it named, and counts the others,
// whether or not there is such a user.
func Reset(ctx context.Context, st *store.Store, ip, identifier string) error {
	network := stagedoor.Network(ip)
	if err := room(ctx, st, BucketReset, network, resetsOfAll); err != nil { // before a person is counted: whoever names others without end leaves no row for each
		return err
	}
	return room(ctx, st, BucketReset, network+" "+Identifier(identifier), resets)
}

// Invitation refuses to mail another invitation for a member of an organization, who names the address: the tenant's mails would be theirs to send to anybody. It counts the others.
func Invitation(ctx context.Context, st *store.Store, org, address string) error {
	if err := room(ctx, st, bucketInvited, org+" "+Identifier(address), invitationsTo); err != nil {
		return err
	}
	return room(ctx, st, bucketInvited, org, invitations)
}

// Signer refuses a message whose signature would have to be held to the keys of many connections, from an address that brought too many wrong ones, and counts the
// others; see [Signed].
func Signer(ctx context.Context, st *store.Store, ip string) error {
	return room(ctx, st, BucketSigner, stagedoor.Network(ip), messages)
}

// room puts one more into a subject's bucket: too_many_requests where there is none left.
func room(ctx context.Context, st *store.Store, bucket, subject string, t stagedoor.Throttle) error {
	free, err := st.TakeAttempt(ctx, bucket, subject, t)
	if err == nil && !free {
		err = stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many requests. Please wait a moment and try again.")
	}
	return err
}

// Signed takes a message back out of the count: it was good.
func Signed(ctx context.Context, st *store.Store, ip string) error {
	return st.ReturnAttempt(ctx, BucketSigner, stagedoor.Network(ip), messages)
}

// Exchange refuses the exchange of a token of somebody else's making from an address whose tokens were wrong too often.
func Exchange(ctx context.Context, st *store.Store, ip string) error {
	s, err := suspiciousIP(ctx, st)
	if err != nil || !s.Blocks() || stagedoor.Listed(s.Allowlist, ip) {
		return err
	}
	full, err := st.Full(ctx, BucketExchange, stagedoor.Network(ip), s.Stage.PreCustomTokenExchange)
	if err == nil && full {
		err = errSuspicious()
	}
	return err
}

// WrongToken counts a token that was wrong.
func WrongToken(ctx context.Context, st *store.Store, ip string) error {
	s, err := suspiciousIP(ctx, st)
	if err != nil || !s.Enabled || stagedoor.Listed(s.Allowlist, ip) {
		return err
	}
	return st.Fill(ctx, BucketExchange, stagedoor.Network(ip), s.Stage.PreCustomTokenExchange)
}

// Blocks lists where somebody with one of the identifiers is kept out now: by wrong passwords, by wrong codes, or, without connection and address, by so many wrong codes from all networks
// that no further one is looked at.
func Blocks(ctx context.Context, st *store.Store, identifiers ...string) ([]stagedoor.Attempts, error) {
	blocked := []stagedoor.Attempts{}
	brute := stagedoor.DefaultBruteForceProtection()
	if err := st.Setting(ctx, stagedoor.SettingBruteForce, &brute); err != nil || !brute.Blocks() {
		return blocked, err
	}
	for _, id := range counted(identifiers) {
		counts, err := st.Attempts(ctx, brute.MaxAttempts, id, codeKey(id))
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			c.Identifier = id
			known := func(b stagedoor.Attempts) bool {
				return b.Identifier == id && b.Connection == c.Connection && b.IP == c.IP
			}
			if c.Count >= brute.MaxAttempts && !slices.ContainsFunc(blocked, known) {
				blocked = append(blocked, c)
			}
		}
		everywhere, err := st.Full(ctx, bucketGuess, id, guesses)
		if err != nil {
			return nil, err
		}
		if everywhere {
			blocked = append(blocked, stagedoor.Attempts{Identifier: id})
		}
	}
	return blocked, nil
}

// Unblock lifts every block of the identifiers, those of guessed codes too.
func Unblock(ctx context.Context, st *store.Store, identifiers ...string) error {
	keys := counted(identifiers)
	for _, id := range identifiers {
		keys = append(keys, codeKey(id))
		if err := st.Empty(ctx, bucketGuess, Identifier(id)); err != nil {
			return err
		}
	}
	return st.ForgetAttempts(ctx, "", "", keys...)
}

// BlockedIP tells whether an address may not log anybody in for now.
func BlockedIP(ctx context.Context, st *store.Store, ip string) (bool, error) {
	return full(ctx, st, BucketLogin, ip)
}

// UnblockIP lets an address try again.
func UnblockIP(ctx context.Context, st *store.Store, ip string) error {
	return st.Empty(ctx, BucketLogin, stagedoor.Network(ip))
}

func counted(identifiers []string) []string {
	out := make([]string, len(identifiers))
	for i, id := range identifiers {
		out[i] = Identifier(id)
	}
	return out
}

func full(ctx context.Context, st *store.Store, bucket, ip string) (bool, error) {
	s, err := suspiciousIP(ctx, st)
	if err != nil || !s.Blocks() || stagedoor.Listed(s.Allowlist, ip) {
		return false, err
	}
	return st.Full(ctx, bucket, stagedoor.Network(ip), s.Stage.PreLogin)
}

func suspiciousIP(ctx context.Context, st *store.Store) (stagedoor.SuspiciousIPThrottling, error) {
	s := stagedoor.DefaultSuspiciousIPThrottling()
	err := st.Setting(ctx, stagedoor.SettingSuspiciousIP, &s)
	return s, err
}

// bruteForce returns the settings that hold for an attempt: none for an address that is listed and for a connection without it.
func bruteForce(ctx context.Context, a Attempt) (stagedoor.BruteForceProtection, error) {
	b := stagedoor.DefaultBruteForceProtection()
	if err := a.Store.Setting(ctx, stagedoor.SettingBruteForce, &b); err != nil {
		return b, err
	}
	if !a.Connection.Options.CountsFailures() || stagedoor.Listed(b.Allowlist, a.IP) {
		b.Enabled = false
	}
	return b, nil
}

// ErrBlocked is the answer to who failed too often with an identifier.
func ErrBlocked() error {
	return stagedoor.Errorf(stagedoor.TooMany, "too_many_attempts", "Your account has been blocked after multiple consecutive login attempts. "+
		"We've sent you a notification via your preferred contact method with instructions on how to unblock it.")
}

// suspicious is what an address hears that failed too often (Authentication API fact sheet 6).
const suspicious = "We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator."

func errSuspicious() error {
	return stagedoor.Errorf(stagedoor.TooMany, "too_many_attempts", suspicious)
}

// IsThrottled tells whether a refusal is about the address rather than the account: both have the same code on the wire.
func IsThrottled(err error) bool {
	e := stagedoor.AsError(err)
	return e != nil && e.Message == suspicious
}
