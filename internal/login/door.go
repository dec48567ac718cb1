package login

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// Deps are what the door works with.
type Deps struct {
	DB       *store.DB
	Pipeline *pipeline.Pipeline
	Send     func(ctx context.Context, st *store.Store, m mail.Message) error // see Deliver
	Log      *slog.Logger

	// Posted takes forms at the address to which providers send people back that are not theirs: those of a client's own login page. Nil takes
	// none.
	Posted func(http.ResponseWriter, *http.Request, *store.Store)
}

// Door serves the hosted pages and the sign-up endpoints.
type Door struct {
	Deps
	sameOrigin *http.CrossOriginProtection
	unwaited   sync.WaitGroup
	slots      sync.Map          // of tenants by their ids: what nobody waits for, as *slots
	above      map[string]string // see pagesAbove
}

// How much work nobody waits for may be under way at once for a tenant, and how much of it may wait for that. A tenant whose mail server hangs fills its own
// slots, and nobody else's; its pages go on, and what is too much is not done.
const (
	maxUnwaited = 32
	maxWaiting  = 1000
)

// New returns the door.
func New(d Deps) *Door {
	return &Door{Deps: d, sameOrigin: http.NewCrossOriginProtection()}
}

// Wait returns when all mails that the door has to send are on their way, or ctx ends. The
// server calls it after the last request and before it closes the database.
func (d *Door) Wait(ctx context.Context) error { return stagedoor.Await(ctx, &d.unwaited) }

// handler answers a request, or returns an error and has written nothing.
type handler func(*Door, http.ResponseWriter, *http.Request, *store.Store) error

type route struct {
	web.Route
	serve handler
}

// pages are for people. Their errors are pages too.
var pages = []route{
	{web.Route{Method: "GET", Pattern: "/{$}", Title: "Welcome page"}, (*Door).welcome},
	{web.Route{Method: "GET", Pattern: "/u/login", Title: "Login page"}, (*Door).showLogin},
	{web.Route{Method: "POST", Pattern: "/u/login", Title: "Login page, form"}, (*Door).logIn},
	{web.Route{Method: "GET", Pattern: ownLoginPath, Title: "Login page of the tenant's own"}, (*Door).showOwnLogin},
	{web.Route{Method: "GET", Pattern: "/u/login/with", Title: "Sends somebody to the provider of a connection"}, (*Door).leave},
	{web.Route{Method: "GET", Pattern: callbackPath, Title: "The way back from a provider"}, (*Door).arrive},
	{web.Route{Method: "POST", Pattern: callbackPath, Title: "The way back from a provider, form"}, (*Door).posted},
	{web.Route{Method: "GET", Pattern: "/" + pipeline.ConnectPath, Title: "Sends somebody to the provider of an account that they connect"}, (*Door).connectAccount},
	{web.Route{Method: "GET", Pattern: codeWishPath, Title: "Page that sends a code to sign in with"}, (*Door).showCodeWish},
	{web.Route{Method: "POST", Pattern: codeWishPath, Title: "Page that sends a code to sign in with, form"}, (*Door).wishCode},
	{web.Route{Method: "GET", Pattern: codePath, Title: "Page for the code that was sent"}, (*Door).showLoginCode},
	{web.Route{Method: "POST", Pattern: codePath, Title: "Page for the code that was sent, form"}, (*Door).giveLoginCode},
	{web.Route{Method: "GET", Pattern: "/samlp/metadata", Title: "Metadata for the identity provider of a connection"}, (*Door).metadata},
	{web.Route{Method: "GET", Pattern: "/u/signup", Title: "Sign-up page"}, (*Door).showSignup},
	{web.Route{Method: "POST", Pattern: "/u/signup", Title: "Sign-up page, form"}, (*Door).signUp},
	{web.Route{Method: "GET", Pattern: signupCodePath, Title: "Sign-up, page for the code that was sent"}, (*Door).showSignupCode},
	{web.Route{Method: "POST", Pattern: signupCodePath, Title: "Sign-up, page for the code that was sent, form"}, (*Door).giveSignupCode},
	{web.Route{Method: "GET", Pattern: signupPasswordPath, Title: "Sign-up, page for the password"}, (*Door).showSignupPassword},
	{web.Route{Method: "POST", Pattern: signupPasswordPath, Title: "Sign-up, page for the password, form"}, (*Door).signUpProved},
	{web.Route{Method: "POST", Pattern: passkeyPath, Title: "Login page, what a passkey has signed"}, (*Door).logInByPasskey},
	{web.Route{Method: "POST", Pattern: passkeySignup, Title: "Sign-up page, the new passkey"}, (*Door).signUpByPasskey},
	{web.Route{Method: "GET", Pattern: passkeyEnroll, Title: "Page that offers a passkey"}, (*Door).showPasskey},
	{web.Route{Method: "POST", Pattern: passkeyEnroll, Title: "Page that offers a passkey, form"}, (*Door).takePasskey},
	{web.Route{Method: "GET", Pattern: linkPath, Title: "Page that suggests to link another account"}, (*Door).showLink},
	{web.Route{Method: "POST", Pattern: linkPath, Title: "Page that suggests to link another account, form"}, (*Door).linkAccount},
	{web.Route{Method: "GET", Pattern: "/u/consent", Title: "Consent page"}, (*Door).showConsent},
	{web.Route{Method: "POST", Pattern: "/u/consent", Title: "Consent page, form"}, (*Door).decide},
	{web.Route{Method: "GET", Pattern: "/u/mfa-otp-challenge", Title: "Page for a code of an authenticator app"}, (*Door).showOTP},
	{web.Route{Method: "POST", Pattern: "/u/mfa-otp-challenge", Title: "Page for a code of an authenticator app, form"}, (*Door).giveCode},
	{web.Route{Method: "GET", Pattern: "/u/mfa-recovery-code-challenge", Title: "Page for the recovery code"}, (*Door).showRecovery},
	{web.Route{Method: "POST", Pattern: "/u/mfa-recovery-code-challenge", Title: "Page for the recovery code, form"}, (*Door).giveRecoveryCode},
	{web.Route{Method: "GET", Pattern: "/u/mfa-otp-enrollment", Title: "Page to set up an authenticator app"}, (*Door).showEnroll},
	{web.Route{Method: "POST", Pattern: "/u/mfa-otp-enrollment", Title: "Page to set up an authenticator app, form"}, (*Door).enroll},
	{web.Route{Method: "GET", Pattern: "/u/mfa-recovery-code-enrollment", Title: "Page that shows a new recovery code"}, (*Door).showNote},
	{web.Route{Method: "POST", Pattern: "/u/mfa-recovery-code-enrollment", Title: "Page that shows a new recovery code, form"}, (*Door).noted},
	{web.Route{Method: "GET", Pattern: choicePath, Title: "Page to choose a second factor"}, listFactors(pipeline.AskFactor)},
	{web.Route{Method: "POST", Pattern: choicePath, Title: "Page to choose a second factor, form of a front end"}, listFactors(pipeline.AskFactor)},
	{web.Route{Method: "GET", Pattern: enrollList, Title: "Page to choose what to set up"}, listFactors(pipeline.AskEnroll)},
	{web.Route{Method: "POST", Pattern: enrollList, Title: "Page to choose what to set up, form of a front end"}, listFactors(pipeline.AskEnroll)},
	{web.Route{Method: "GET", Pattern: "/u/mfa-webauthn-roaming-challenge", Title: "Page for a security key"}, showKey(pipeline.AskFactor, mfa.Roaming)},
	{web.Route{Method: "POST", Pattern: "/u/mfa-webauthn-roaming-challenge", Title: "Page for a security key, form"}, giveKey(pipeline.AskFactor, mfa.Roaming)},
	{web.Route{Method: "GET", Pattern: "/u/mfa-webauthn-platform-challenge", Title: "Page for the key of the device"}, showKey(pipeline.AskFactor, mfa.Platform)},
	{web.Route{Method: "POST", Pattern: "/u/mfa-webauthn-platform-challenge", Title: "Page for the key of the device, form"}, giveKey(pipeline.AskFactor, mfa.Platform)},
	{web.Route{Method: "GET", Pattern: "/u/mfa-webauthn-roaming-enrollment", Title: "Page to set up a security key"}, showKey(pipeline.AskEnroll, mfa.Roaming)},
	{web.Route{Method: "POST", Pattern: "/u/mfa-webauthn-roaming-enrollment", Title: "Page to set up a security key, form"}, giveKey(pipeline.AskEnroll, mfa.Roaming)},
	{web.Route{Method: "GET", Pattern: "/u/mfa-webauthn-platform-enrollment", Title: "Page to set up the key of the device"}, showKey(pipeline.AskEnroll, mfa.Platform)},
	{web.Route{Method: "POST", Pattern: "/u/mfa-webauthn-platform-enrollment", Title: "Page to set up the key of the device, form"}, giveKey(pipeline.AskEnroll, mfa.Platform)},
	{web.Route{Method: "POST", Pattern: "/u/mfa-webauthn-challenge", Title: "Page for a key, form of a front end"}, misposted},
	{web.Route{Method: "POST", Pattern: "/u/mfa-webauthn-enrollment", Title: "Page to set up a key, form of a front end"}, misposted},
	{web.Route{Method: "GET", Pattern: "/u/mfa-sms-challenge", Title: "Page for a code that was sent to a phone"}, showSent(mfa.Phone)},
	{web.Route{Method: "POST", Pattern: "/u/mfa-sms-challenge", Title: "Page for a code that was sent to a phone, form"}, giveSent(mfa.Phone)},
	{web.Route{Method: "GET", Pattern: "/u/mfa-email-challenge", Title: "Page for a code of a mail"}, showSent(mfa.Email)},
	{web.Route{Method: "POST", Pattern: "/u/mfa-email-challenge", Title: "Page for a code of a mail, form"}, giveSent(mfa.Email)},
	{web.Route{Method: "GET", Pattern: "/u/mfa-sms-enrollment", Title: "Page to set up codes by phone"}, showAddress(mfa.Phone)},
	{web.Route{Method: "POST", Pattern: "/u/mfa-sms-enrollment", Title: "Page to set up codes by phone, form"}, takeAddress(mfa.Phone)},
	{web.Route{Method: "GET", Pattern: "/u/mfa-email-enrollment", Title: "Page to set up codes by mail"}, showAddress(mfa.Email)},
	{web.Route{Method: "POST", Pattern: "/u/mfa-email-enrollment", Title: "Page to set up codes by mail, form"}, takeAddress(mfa.Email)},
	{web.Route{Method: "GET", Pattern: pushPath, Title: "Page that waits for a device's approval"}, showPush},
	{web.Route{Method: "POST", Pattern: pushPath, Title: "Page that waits for a device's approval, form"}, givePush},
	{web.Route{Method: "GET", Pattern: pushEnrollPath, Title: "Page to set up a device that approves logins"}, showPushEnroll},
	{web.Route{Method: "POST", Pattern: pushEnrollPath, Title: "Page to set up a device that approves logins, form"}, showPushEnroll},
	{web.Route{Method: "GET", Pattern: duoPath, Title: "Page that leads to Duo"}, showDuo},
	{web.Route{Method: "POST", Pattern: duoPath, Title: "Page that leads to Duo, form"}, leaveForDuo},
	{web.Route{Method: "GET", Pattern: duoBackPath, Title: "The way back from Duo"}, backFromDuo},
	{web.Route{Method: "GET", Pattern: inboxDevicePath, Title: "Development inbox, played device"}, (*Door).showInboxDevice},
	{web.Route{Method: "POST", Pattern: inboxDevicePath, Title: "Development inbox, played device, form"}, (*Door).answerInboxDevice},
	{web.Route{Method: "GET", Pattern: "/u/mfa-enroll", Title: "Link of the mail about a second factor"}, (*Door).showTicketEnroll},
	{web.Route{Method: "POST", Pattern: "/u/mfa-enroll", Title: "Link of the mail about a second factor, form"}, (*Door).ticketEnroll},
	{web.Route{Method: "GET", Pattern: formPath, Title: "Form of the tenant's own"}, (*Door).showForm},
	{web.Route{Method: "POST", Pattern: formPath, Title: "Form of the tenant's own, form"}, (*Door).fillIn},
	{web.Route{Method: "GET", Pattern: "/u/organization", Title: "Page to choose an organization"}, (*Door).showOrganization},
	{web.Route{Method: "POST", Pattern: "/u/organization", Title: "Page to choose an organization, form"}, (*Door).choose},
	{web.Route{Method: "GET", Pattern: "/u/forgot", Title: "Page for a forgotten password"}, (*Door).showForgot},
	{web.Route{Method: "POST", Pattern: "/u/forgot", Title: "Page for a forgotten password, form"}, (*Door).forgot},
	{web.Route{Method: "POST", Pattern: forgotCodePath, Title: "Page for the code by which a new password can be chosen, form"}, (*Door).giveForgotCode},
	{web.Route{Method: "GET", Pattern: "/u/reset-password", Title: "Page for a new password"}, (*Door).showReset},
	{web.Route{Method: "POST", Pattern: "/u/reset-password", Title: "Page for a new password, form"}, (*Door).reset},
	{web.Route{Method: "GET", Pattern: ownResetPath, Title: "Page of the tenant's own for a new password"}, (*Door).showReset},
	{web.Route{Method: "POST", Pattern: ownResetPath, Title: "Page of the tenant's own for a new password, what it sends"}, (*Door).takeOwnReset},
	{web.Route{Method: "GET", Pattern: "/u/email-verification", Title: "Link of the verification mail"}, (*Door).verifyEmail},
	{web.Route{Method: "GET", Pattern: unblockPath, Title: "Link of the mail about a blocked account"}, (*Door).showUnblock},
	{web.Route{Method: "POST", Pattern: unblockPath, Title: "Link of the mail about a blocked account, form"}, (*Door).unblock},
	{web.Route{Method: "GET", Pattern: "/activate", Title: "Page for the code that a device shows"}, (*Door).showActivate},
	{web.Route{Method: "POST", Pattern: "/activate", Title: "Page for the code that a device shows, form"}, (*Door).activate},
	{web.Route{Method: "GET", Pattern: "/device/success", Title: "Page after a device is signed in"}, (*Door).deviceDone},
	{web.Route{Method: "POST", Pattern: page.LanguagePath, Title: "Takes the language that somebody chose on a page"}, (*Door).chooseLanguage},
	{web.Route{Method: "GET", Pattern: approvePath, Title: "Page for what a client asks somebody to approve"}, (*Door).showApproval},
	{web.Route{Method: "POST", Pattern: approvePath, Title: "Page for what a client asks somebody to approve, form"}, (*Door).approve},
	{web.Route{Method: "GET", Pattern: approvePath + "/done", Title: "Page after an approval"}, (*Door).approved},
	{web.Route{Method: "GET", Pattern: "/u/inbox", Title: "Development inbox"}, (*Door).inbox},
	{web.Route{Method: "GET", Pattern: "/u/inbox/{id}", Title: "Development inbox, one mail"}, (*Door).inboxMail},
	{web.Route{Method: "GET", Pattern: "/u/inbox/{id}/html", Title: "Development inbox, HTML part of a mail"}, (*Door).inboxHTML},
	{web.Route{Method: "GET", Pattern: ui.BrandPath, Title: "Colours of the tenant"}, (*Door).brand},
}

// endpoints are for clients. Their errors are JSON.
var endpoints = []route{
	{web.Route{Method: "POST", Pattern: "/dbconnections/signup", Title: "Signs a user up"}, (*Door).signUpByClient},
	{web.Route{Method: "POST", Pattern: "/dbconnections/change_password", Title: "Sends a mail to choose a new password"}, (*Door).changePassword},
}

var assets = web.Route{Method: "GET", Pattern: ui.AssetPrefix, Title: "Files of the pages"}

// Routes lists what the door serves.
func (d *Door) Routes() []web.Route {
	var out []web.Route
	for _, r := range slices.Concat(pages, accountPages(), endpoints) {
		out = append(out, r.Route)
	}
	return append(out, assets)
}

// Register puts the door's routes on a mux. The server in front has set the request's host, scheme
// and client address (see web.Issuer).
func (d *Door) Register(mux *http.ServeMux) {
	all := slices.Concat(pages, accountPages())
	d.above = pagesAbove(all)
	for _, r := range all {
		mux.HandleFunc(r.Method+" "+r.Pattern, func(w http.ResponseWriter, req *http.Request) { d.page(w, req, r.serve) })
	}
	for _, r := range endpoints {
		mux.HandleFunc(r.Method+" "+r.Pattern, func(w http.ResponseWriter, req *http.Request) { d.endpoint(w, req, r.serve) })
		mux.HandleFunc("OPTIONS "+r.Pattern, func(w http.ResponseWriter, req *http.Request) { d.endpoint(w, req, (*Door).preflight) })
	}
	mux.Handle(assets.Method+" "+assets.Pattern, ui.Assets())
}

// page serves one of pages.
func (d *Door) page(w http.ResponseWriter, r *http.Request, serve handler) {
	st, err := d.DB.TenantByDomain(r.Context(), r.Host)
	if err != nil {
		d.noTenant(w, r, err)
		return
	}
	st = st.Once()
	if r.Method == http.MethodPost && r.URL.Path != callbackPath && r.URL.Path != ownResetPath { // which other sites post to, and scripts, of JSON
		answered := false
		if err = d.readForm(w, r); err == nil {
			answered, err = page.Submission(w, r, st)
		}
		if answered && err == nil {
			return
		}
	}
	if err == nil {
		err = serve(d, w, r, st)
	}
	if ended := (*over)(nil); errors.As(err, &ended) {
		redirect(w, r, ended.to)
		return
	}
	if err != nil {
		page.Error(w, r, st, status(stagedoor.AsError(err).Kind), err, nil)
	}
}

// noTenant answers where there is nobody whose page could be shown.
func (d *Door) noTenant(w http.ResponseWriter, r *http.Request, err error) {
	e := stagedoor.AsError(err)
	if e.Kind == stagedoor.Internal {
		d.Log.ErrorContext(r.Context(), "the tenant could not be read", "host", r.Host, "error", err)
	}
	if page.Wanted(r) {
		page.NoTenant(w, r, err)
		return
	}
	web.RetryAfter(w.Header(), err)
	http.Error(w, e.Message, status(e.Kind))
}

// statuses are the HTTP statuses of errors, on pages and endpoints alike; any other kind is 500.
var statuses = map[stagedoor.Kind]int{
	stagedoor.Invalid: 400, stagedoor.Unauthorized: 401, stagedoor.Forbidden: 403, stagedoor.NotFound: 404, stagedoor.Conflict: 400,
	stagedoor.TooLarge: 413, stagedoor.UnsupportedMedia: 415, stagedoor.TooMany: 429, stagedoor.Unavailable: 503, stagedoor.Scripted: 400,
}

func status(k stagedoor.Kind) int {
	if s, known := statuses[k]; known {
		return s
	}
	return http.StatusInternalServerError
}
