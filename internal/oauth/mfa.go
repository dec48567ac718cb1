package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// The MFA API (Authentication API fact sheet 6.11), as far as codes of apps, codes that are sent, devices that approve and recovery codes reach. Who
// holds an mfa_token has proved the first factor; an access token for the API tells by its scopes what it is good for.

// bearerMFA finds the mfa_token of a request's Authorization header, and whose it is.
func bearerMFA(r *http.Request, st *store.Store) (*stagedoor.MFAToken, string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" { // RFC 9110 section 11.1
		return nil, "", stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "Missing authorization header")
	}
	t, err := mfaToken(r.Context(), st, token, "")
	if err != nil && !stagedoor.IsKind(err, stagedoor.Internal) {
		e := *stagedoor.AsError(err)
		if e.Kind = stagedoor.Unauthorized; e.Code == "invalid_grant" {
			e.Code = "invalid_token"
		}
		err = &e
	}
	return t, token, err
}

// association is the enrolment that belongs to an mfa_token: of a first factor, also when another one was set up since it began. Who gave a factor for
// an access token may add another one.
func association(st *store.Store, t *stagedoor.MFAToken, token string) mfa.Enrollment {
	return mfa.Enrollment{Store: st, UserID: t.UserID, Key: "token/" + token, First: !t.Beside}
}

// challengeFactor says what the person of an mfa_token is to give.
func (d *Door) challengeFactor(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := d.challengeOf(w, r, st)
	if err != nil {
		refuse(w, r, st, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

func (d *Door) challengeOf(w http.ResponseWriter, r *http.Request, st *store.Store) (any, error) {
	params, err := readParams(w, r)
	if err != nil {
		return nil, err
	}
	if params["mfa_token"] == "" {
		return nil, missing("mfa_token")
	}
	client, err := authenticateClient(r.Context(), r, st, params)
	if err != nil {
		return nil, err
	}
	t, err := mfaToken(r.Context(), st, params["mfa_token"], client.ID)
	if err != nil {
		return nil, err
	}
	if t.Enroll {
		return nil, errForEnrolment()
	}
	return d.challenge(r, st, client, t, params)
}

// challenge chooses the method that the person is asked for: the one that is named, else an app, else one to which a code can be sent.
func (d *Door) challenge(r *http.Request, st *store.Store, client *stagedoor.Client, t *stagedoor.MFAToken, params map[string]string) (any, error) {
	ctx := r.Context()
	all, methods, err := factorsOf(ctx, st, t.UserID)
	if err != nil {
		return nil, err
	}
	settings, err := mfa.SettingsOf(ctx, st)
	if err != nil {
		return nil, err
	}
	asked, named := stagedoor.Words(params["challenge_type"]), params["authenticator_id"]
	may := func(kind string) bool { return len(asked) == 0 || slices.Contains(asked, kind) }
	if !slices.ContainsFunc(apiKinds(methods.Have), func(k string) bool { return k == mfa.OTP || k == mfa.Push || mfa.IsSent(k) }) {
		return nil, errNotEnrolled()
	}
	if named != "" {
		all = slices.DeleteFunc(all, func(m stagedoor.AuthenticationMethod) bool { return named != authenticatorID(&m) && named != m.ID })
	}
	if may("otp") && settings.Has(mfa.OTP) && slices.ContainsFunc(all, func(m stagedoor.AuthenticationMethod) bool { return m.Type == store.TypeTOTP }) {
		return map[string]string{"challenge_type": "otp"}, nil
	}
	for i := range all {
		m := &all[i]
		if m.Type == store.TypePush && m.Push != nil && may("oob") && settings.Has(mfa.Push) {
			oob, err := d.askDevice(r, st, t, params["mfa_token"], client, m)
			if err != nil {
				return nil, err
			}
			return map[string]string{"challenge_type": "oob", "oob_code": oob}, nil
		}
		if !mfa.IsSent(m.Type) || !may("oob") || !settings.Has(m.Type) {
			continue
		}
		oob, err := d.sendOOB(ctx, visit(r, st), t, params["mfa_token"], client, mfa.TargetOf(m))
		if err != nil {
			return nil, err
		}
		return map[string]string{"challenge_type": "oob", "oob_code": oob, "binding_method": "prompt"}, nil
	}
	if named != "" && len(all) == 0 {
		return nil, errNoAuthenticator()
	}
	return nil, stagedoor.Errorf(stagedoor.Invalid, "unsupported_challenge_type", "The challenge type is not one that the user is enrolled with.")
}

// associate lets the person of an mfa_token set up their first factor, and that of an access token for it another one. The first grant by a code of it
// makes it theirs.
func (d *Door) associate(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := d.startAssociation(w, r, st)
	if err != nil {
		answerError(w, r, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

// associating is what somebody who sets a factor up has sent.
type associating struct {
	Types    []string `json:"authenticator_types"`
	Channels []string `json:"oob_channels"`
	Phone    string   `json:"phone_number"`
	Email    string   `json:"email"`
	ClientID string   `json:"client_id"`
}

func (d *Door) startAssociation(w http.ResponseWriter, r *http.Request, st *store.Store) (any, error) {
	ctx := r.Context()
	t, token, err := d.mayEnroll(r, st)
	if err != nil {
		return nil, err
	}
	var in associating
	if err := readJSON(w, r, &in); err != nil {
		return nil, err
	}
	client, err := st.Client(ctx, t.ClientID)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !st.Tenant().Serves(client) {
		err = errClient()
	}
	if err != nil {
		return nil, err
	}
	settings, err := mfa.SettingsOf(ctx, st)
	if err != nil {
		return nil, err
	}
	m, err := mfa.MethodsOf(ctx, st, t.UserID)
	if err != nil {
		return nil, err
	}
	kind, err := in.kind(t, client, m, settings)
	if err != nil {
		return nil, err
	}
	u, err := st.User(ctx, t.UserID)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	switch kind {
	case mfa.OTP:
		var secret string
		secret, err = association(st, t, token).Begin(ctx, t.ExpiresAt)
		out = map[string]any{"authenticator_type": "otp", "secret": secret, "barcode_uri": mfa.URI(secret, page.TenantName(st), u.Shown())}
	case mfa.Push:
		out, err = d.associateDevice(r, st, t, token, u)
	default:
		out, err = d.associateSent(r, st, t, token, client, u, settings, in)
	}
	if err != nil {
		return nil, err
	}
	st.Log(web.LogEvent(r, stagedoor.LogEvent{Type: "gd_start_enroll", ClientID: client.ID, ClientName: client.Name, UserID: u.ID, UserName: u.Shown(), Connection: u.Connection}))
	if settings.Has(mfa.Recovery) && !m.Has(mfa.Recovery) {
		code, err := association(st, t, token).Recovery(ctx, t.ExpiresAt)
		if err != nil {
			return nil, err
		}
		out["recovery_codes"] = []string{code}
	}
	return out, nil
}

// kind is the factor that is to be set up: an app, a device, or whatever codes are sent to, "oob".
func (in associating) kind(t *stagedoor.MFAToken, client *stagedoor.Client, m mfa.Methods, settings mfa.Settings) (string, error) {
	otp, oob := slices.Contains(in.Types, "otp"), slices.Contains(in.Types, "oob")
	switch {
	case in.ClientID != "" && in.ClientID != t.ClientID:
		return "", invalid("mfa_token not issued to this client")
	case len(in.Types) == 0:
		return "", missing("authenticator_types")
	case otp && !client.Allows(grantOTP):
		return "", errGrant(grantOTP)
	case !otp && oob && !client.Allows(grantOOB):
		return "", errGrant(grantOOB)
	case !m.None() && !t.Beside:
		return "", stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "User is already enrolled.")
	case !settings.Any():
		return "", mfa.ErrOff()
	case otp && settings.Has(mfa.OTP):
		return mfa.OTP, nil
	case !oob:
		return "", errNoneOfThese()
	case !client.Allows(grantOOB): // the tenant has no apps
		return "", errGrant(grantOOB)
	case settings.Has(mfa.Push) && firstAmong(in.Channels, "auth0", "email", "sms", "voice") == "auth0":
		return mfa.Push, nil
	}
	return "oob", nil
}

func errNoneOfThese() error {
	return stagedoor.Errorf(stagedoor.Invalid, "unsupported_challenge_type", "The tenant has none of these authenticators enabled.")
}

// firstAmong is the first of a list that is among some; "" if none is.
func firstAmong(list []string, among ...string) string {
	for _, one := range list {
		if slices.Contains(among, one) {
			return one
		}
	}
	return ""
}

// associateSent has a code sent to the number or the address that the person wants to get codes at.
func (d *Door) associateSent(r *http.Request, st *store.Store, t *stagedoor.MFAToken, token string, client *stagedoor.Client, u *stagedoor.User, settings mfa.Settings, in associating) (map[string]any, error) {
	ctx, kind, channel, to := r.Context(), "", "", ""
	for _, c := range in.Channels {
		switch {
		case kind != "":
		case c == "email" && settings.Has(mfa.Email):
			kind, channel, to = mfa.Email, c, in.Email
			if to == "" {
				to = u.Email
			}
		case (c == "sms" || c == "voice") && settings.Has(mfa.Phone):
			kind, channel, to = mfa.Phone, c, in.Phone
		}
	}
	switch {
	case kind == "":
		return nil, errNoneOfThese()
	case kind == mfa.Phone && to == "":
		return nil, missing("phone_number")
	}
	c, err := pipeline.NewTarget(kind, channel, to)
	if err != nil {
		return nil, invalid("%s", stagedoor.AsError(err).Message)
	}
	oob, err := d.sendOOB(ctx, visit(r, st), t, token, client, c)
	return map[string]any{"authenticator_type": "oob", "binding_method": "prompt", "oob_channel": channel, "oob_code": oob}, err
}

// authenticators lists what the person of an mfa_token, or of an access token, has, and what they are setting up.
func (d *Door) authenticators(w http.ResponseWriter, r *http.Request, st *store.Store) {
	var out []map[string]any
	userID, key, err := d.mayRead(r, st)
	if err == nil {
		out, err = listAuthenticators(r.Context(), st, userID, key)
	}
	if err != nil {
		answerError(w, r, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

func listAuthenticators(ctx context.Context, st *store.Store, userID, token string) ([]map[string]any, error) {
	all, _, err := factorsOf(ctx, st, userID)
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for i := range all {
		m := &all[i]
		kind := mfa.KindOf(m.Type)
		if kind == "" || mfa.IsKey(kind) {
			continue
		}
		one := map[string]any{"id": authenticatorID(m), "authenticator_type": kind, "active": true, "type": kind}
		if mfa.IsSent(kind) {
			one["authenticator_type"], one["oob_channel"], one["name"] = "oob", mfa.TargetOf(m).Channel, mfa.Mask(m.Type, mfa.TargetOf(m).To)
		}
		if kind == mfa.Push {
			one["authenticator_type"], one["oob_channel"] = "oob", "auth0"
		}
		if m.Name != "" {
			one["name"] = m.Name
		}
		out = append(out, one)
	}
	switch begun, err := association(st, &stagedoor.MFAToken{UserID: userID}, token).Begun(ctx); {
	case err != nil:
		return nil, err
	case begun:
		out = append(out, map[string]any{"id": madeID("totp", token), "authenticator_type": "otp", "active": false, "type": "otp"})
	}
	return out, nil
}
