package me

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// enrollLife is how long somebody may take to set something up.
const enrollLife = 10 * time.Minute

// The ids of what has none until it is set up.
const (
	newPasskey  = typePasskey + "|new"
	newPassword = typePassword + "|new"
)

// enrolling is what an auth_session stands for: somebody on the way to a method. It is good for the person and the client that began.
type enrolling struct {
	User, Client string
	Type         string
	ID           string // of the method, for the wire
	Recovery     string `json:",omitempty"` // the code that was told
}

func sessionKey(session string) string { return "my account enrolment/" + session }

// of is what secrets, codes and challenges of an enrolment are kept under.
func of(session string) string { return "my account/" + session }

// begun is the enrolment that an auth_session stands for.
func (c *call) begun(session string) (*enrolling, error) {
	refused := bad("The auth_session is unknown, or it has expired.")
	if session == "" || len(session) > 100 || strings.ContainsRune(session, 0) {
		return nil, refused
	}
	state, err := c.Store.Ceremony(c.Ctx(), sessionKey(session))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, refused
	}
	var e enrolling
	if err == nil {
		err = json.Unmarshal([]byte(state), &e)
	}
	if err == nil && (e.User != c.User.ID || e.Client != c.Client.ID || e.ID != c.R.PathValue("id")) {
		err = refused
	}
	return &e, err
}

// claim uses an auth_session up: of many requests with it one goes on.
func (c *call) claim(ctx context.Context, session string) error {
	_, err := c.Store.TakeCeremony(ctx, sessionKey(session))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = bad("The auth_session is unknown, or it has expired.")
	}
	return err
}

// enrollment is the way to a second factor, as mfa knows it. No recovery code comes with it: here it is a method that people set up by itself.
func (c *call) enrollment(session string, e *enrolling) mfa.Enrollment {
	return mfa.Enrollment{
		Store: c.Store, UserID: c.User.ID, Key: of(session), Bare: true, ID: keptID(e.ID),
		Claim: func(ctx context.Context) error { return c.claim(ctx, session) },
	}
}

type beginIn struct {
	Type       string          `json:"type" schema:"required,enum=passkey|totp|phone|email|push-notification|recovery-code|password|webauthn-platform|webauthn-roaming" doc:"What is to be set up"`
	Connection web.Opt[string] `json:"connection" schema:"notnull,min=1,max=128" doc:"The database of the identity that it is for"`
	Identity   web.Opt[string] `json:"identity_user_id" schema:"notnull,min=1,max=255,format=nospace" doc:"The identity that it is for"`
	Exclude    web.Opt[bool]   `json:"use_exclude_credentials" schema:"notnull" doc:"Whether the authenticators that are there make no second passkey; here they never do"`
	Email      web.Opt[string] `json:"email" schema:"notnull,format=email" doc:"Where codes go"`
	Phone      web.Opt[string] `json:"phone_number" schema:"notnull,min=2,max=30" doc:"Where codes go"`
	Preferred  web.Opt[string] `json:"preferred_authentication_method" schema:"notnull,enum=sms|voice" doc:"How codes come"`
}

// check refuses what does not belong to the type.
func (in *beginIn) check() error {
	for _, m := range []struct {
		name  string
		set   bool
		types []string
	}{
		{"connection", in.Connection.Set, []string{typePasskey, typePassword}},
		{"identity_user_id", in.Identity.Set, []string{typePasskey, typePassword}},
		{"use_exclude_credentials", in.Exclude.Set, []string{typePasskey}},
		{"email", in.Email.Set, []string{typeEmail}},
		{"phone_number", in.Phone.Set, []string{typePhone}},
		{"preferred_authentication_method", in.Preferred.Set, []string{typePhone}},
	} {
		if m.set && !slices.Contains(m.types, in.Type) {
			return wrong(m.name, "Applies to %s alone.", strings.Join(m.types, ", "))
		}
	}
	switch {
	case in.Type == typeEmail && !in.Email.Set:
		return wrong("email", "Missing required property: email")
	case in.Type == typePhone && !in.Phone.Set:
		return wrong("phone_number", "Missing required property: phone_number")
	}
	return nil
}

// begin lets the person set something up. What they get shows how; what they give back ends it.
func (d *Door) begin(c *call, in beginIn) (any, error) {
	c.kind = in.Type
	if err := in.check(); err != nil {
		return nil, err
	}
	if err := c.notOlder(); err != nil {
		return nil, err
	}
	session, until := stagedoor.NewToken(), c.Now().Add(enrollLife)
	e := &enrolling{User: c.User.ID, Client: c.Client.ID, Type: in.Type, ID: in.Type + "|" + stagedoor.NewID("dev_")}
	out := map[string]any{"auth_session": session}
	var err error
	switch in.Type {
	case typePassword:
		e.ID = newPassword
		err = d.beginPassword(c, in, out)
	case typePasskey:
		e.ID = newPasskey
		err = d.beginPasskey(c, in, session, until, out)
	default:
		err = d.beginFactor(c, in, session, until, e, out)
	}
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	if err := c.Store.SaveCeremony(c.Ctx(), sessionKey(session), string(state), until); err != nil {
		return nil, err
	}
	c.device = e.ID
	if in.Type != typePasskey { // whose id comes at the end
		out["id"] = e.ID
	}
	if kindOf(in.Type) != "" {
		c.Store.Log(c.Event("gd_start_enroll", ""))
	}
	c.W.Header().Set("Location", c.location(e.ID))
	return out, nil
}

func errOff(name string) error {
	return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The factor %s is not enabled.", name)
}

// beginFactor begins with a second factor.
func (d *Door) beginFactor(c *call, in beginIn, session string, until time.Time, e *enrolling, out map[string]any) (err error) {
	settings, err := mfa.SettingsOf(c.Ctx(), c.Store)
	if err != nil {
		return err
	}
	kind := kindOf(in.Type)
	if !settings.Has(kind) {
		return errOff(in.Type)
	}
	enroll := c.enrollment(session, e)
	switch kind {
	case mfa.OTP:
		var secret string
		secret, err = enroll.Begin(c.Ctx(), until)
		out["manual_input_code"], out["barcode_uri"] = secret, mfa.URI(secret, page.TenantName(c.Store), c.User.Shown())
	case mfa.Push:
		out["barcode_uri"], err = d.Pipeline.BeginPush(c.Ctx(), c.visit(), enroll, c.User, "", until)
	case mfa.Phone:
		err = d.sendCode(c, session, kind, in.Preferred.Value, in.Phone.Value, "phone_number")
	case mfa.Email:
		err = d.sendCode(c, session, kind, "", in.Email.Value, "email")
	case mfa.Recovery:
		e.Recovery, err = c.recovery(settings)
		out["recovery_code"] = e.Recovery
	default:
		var party mfa.Party
		if party, err = c.party(kind); err == nil {
			out["authn_params_public_key"], err = enroll.BeginKey(c.Ctx(), party, c.User, kind, until)
		}
	}
	return err
}

// sendCode has a code sent to where the person wants to get codes.
func (d *Door) sendCode(c *call, session, kind, channel, to, member string) error {
	if _, err := pipeline.NewTarget(kind, channel, to); err != nil {
		return wrong(member, "%s", stagedoor.AsError(err).Message)
	}
	_, err := d.Pipeline.EnrollCode(c.Ctx(), c.visit(), c.User, c.Client, of(session), kind, channel, to, false)
	return err
}

// recovery is a new recovery code. It stands in for another factor, which the person must have.
func (c *call) recovery(settings mfa.Settings) (string, error) {
	methods, err := mfa.MethodsOf(c.Ctx(), c.Store, c.User.ID)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(mfa.Enrollable(methods.Have), settings.Has) {
		return "", stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A recovery code stands in for another factor: set one up first.")
	}
	return stagedoor.NewRecoveryCode(), nil
}

// party is who asks for keys of a kind: our pages, and those of the client.
func (c *call) party(kind string) (mfa.Party, error) {
	p, err := c.visit().Party(c.Ctx(), kind)
	p.Origins = append(p.Origins, pipeline.PasskeyOrigins(c.Client)...)
	return p, err
}

func (d *Door) beginPasskey(c *call, in beginIn, session string, until time.Time, out map[string]any) error {
	conn, err := c.identity(in)
	switch {
	case err != nil:
		return err
	case conn == nil || !conn.Passkeys().On:
		return errOff(typePasskey)
	}
	out["authn_params_public_key"], err = d.Pipeline.BeginPasskey(c.Ctx(), c.visit(), c.User, of(session), until, pipeline.PasskeyOrigins(c.Client)...)
	return err
}

// identity is the database of the person's own identity, which is the one that passwords and passkeys belong to. One that is named must be it.
func (c *call) identity(in beginIn) (*stagedoor.Connection, error) {
	conn, err := c.database()
	if err != nil || conn == nil {
		return nil, err
	}
	if in.Connection.Set && in.Connection.Value != conn.Name {
		return nil, wrong("connection", "The user's own identity is not of this connection.")
	}
	if _, id, _ := strings.Cut(c.User.ID, "|"); in.Identity.Set && in.Identity.Value != c.User.ID && in.Identity.Value != id {
		return nil, wrong("identity_user_id", "This is not the user's own identity.")
	}
	return conn, nil
}

type verifyIn struct {
	Session  string                   `json:"auth_session" schema:"required,min=1" doc:"What the beginning answered"`
	Code     web.Opt[string]          `json:"otp_code" schema:"notnull,max=64" doc:"The code of an app, or one that was sent"`
	Password web.Opt[string]          `json:"new_password" schema:"notnull,min=1,max=256" doc:"The password"`
	Key      web.Opt[json.RawMessage] `json:"authn_response" schema:"notnull" doc:"What an authenticator made"`
}

// proofs are the members by which types are confirmed; the others take none.
var proofs = map[string]string{
	typeTOTP: "otp_code", typePhone: "otp_code", typeEmail: "otp_code", typePassword: "new_password",
	typePasskey: "authn_response", store.TypePlatform: "authn_response", store.TypeRoaming: "authn_response",
}

func (in *verifyIn) check(kind string) error {
	for name, set := range map[string]bool{"otp_code": in.Code.Set, "new_password": in.Password.Set, "authn_response": in.Key.Set} {
		switch needs := proofs[kind] == name; {
		case needs && !set:
			return wrong(name, "Missing required property: %s", name)
		case set && !needs:
			return wrong(name, "Does not apply to %s.", kind)
		}
	}
	return nil
}

// verify takes the proof that the person has what they set up. One that is wrong can be given again.
func (d *Door) verify(c *call, in verifyIn) (any, error) {
	e, err := c.begun(in.Session)
	if err != nil {
		return nil, err
	}
	c.kind, c.device = e.Type, e.ID
	if err := in.check(e.Type); err != nil {
		return nil, err
	}
	if err := c.notOlder(); err != nil {
		return nil, err
	}
	if e.Type == typePassword {
		return d.verifyPassword(c, in)
	}
	m, err := d.confirm(c, in, e)
	if err != nil {
		return nil, err
	}
	if err := c.made(m); err != nil {
		return nil, err
	}
	c.device = wireID(m)
	c.W.Header().Set("Location", c.location(c.device))
	return c.show(m), nil
}

// confirm makes what the person has proved one of their methods.
func (d *Door) confirm(c *call, in verifyIn, e *enrolling) (m *stagedoor.AuthenticationMethod, err error) {
	kind := kindOf(e.Type)
	switch {
	case e.Type == typePasskey:
		return d.confirmPasskey(c, in)
	case kind == mfa.Recovery:
		return d.confirmRecovery(c, in, e)
	}
	settings, err := mfa.SettingsOf(c.Ctx(), c.Store)
	if err == nil && !settings.Has(kind) { // switched off since it began
		err = errOff(e.Type)
	}
	if err != nil {
		return nil, err
	}
	enroll := c.enrollment(in.Session, e)
	enroll.Made = func(made *stagedoor.AuthenticationMethod) { m = made }
	switch {
	case kind == mfa.OTP:
		_, err = enroll.Confirm(c.Ctx(), in.Code.Value)
	case kind == mfa.Push:
		_, err = enroll.ConfirmDevice(c.Ctx())
	case mfa.IsSent(kind):
		_, err = enroll.ConfirmCode(c.Ctx(), kind, in.Code.Value)
	default:
		var party mfa.Party
		if party, err = c.party(kind); err == nil {
			_, err = enroll.ConfirmKey(c.Ctx(), party, c.User, kind, in.Key.Value)
		}
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) { // what was pending is gone
		err = bad("The auth_session is unknown, or it has expired.")
	}
	if !mfa.IsPending(err) {
		d.Pipeline.FactorEnrolled(c.Ctx(), c.visit(), kind, c.Event("", ""), err)
	}
	return m, err
}

func (d *Door) confirmPasskey(c *call, in verifyIn) (*stagedoor.AuthenticationMethod, error) {
	if err := c.claim(c.Ctx(), in.Session); err != nil { // the challenge is used up, too
		return nil, err
	}
	return d.Pipeline.AddPasskey(c.Ctx(), c.visit(), c.User, of(in.Session), in.Key.Value, c.Event("", ""), pipeline.PasskeyOrigins(c.Client)...)
}

func (d *Door) confirmRecovery(c *call, in verifyIn, e *enrolling) (*stagedoor.AuthenticationMethod, error) {
	if err := c.claim(c.Ctx(), in.Session); err != nil {
		return nil, err
	}
	if err := mfa.KeepRecovery(c.Ctx(), c.Store, c.User.ID, e.Recovery); err != nil {
		return nil, err
	}
	c.Store.Log(c.Event("gd_recovery_code_new", "The person made a new recovery code through the My Account API."))
	d.Pipeline.Tell(c.Ctx(), c.visit(), c.User, "recovery")
	all, err := c.Store.AuthenticationMethods(c.Ctx(), c.User.ID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(m stagedoor.AuthenticationMethod) bool { return m.Type == store.TypeRecovery })
	if i < 0 { // taken away at once
		return nil, errNoMethod()
	}
	return &all[i], nil
}
