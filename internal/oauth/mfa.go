package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// The MFA API (Authentication API fact sheet 6.11), as far as codes of apps and recovery codes reach. Who holds an mfa_token has proved the first
// factor; an access token is not taken.

// bearerMFA finds the mfa_token of a request's Authorization header, and whose it is.
func bearerMFA(r *http.Request, st *store.Store) (*stagedoor.MFAToken, string, error) {
	token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !is || token == "" {
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

// association is the enrolment that belongs to an mfa_token.
func association(st *store.Store, userID, token string) mfa.Enrollment {
	return mfa.Enrollment{Store: st, UserID: userID, Key: "token/" + token, Only: true}
}

// challengeFactor says what the person of an mfa_token is to give.
func (d *Door) challengeFactor(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := challengeOf(w, r, st)
	if err != nil {
		refuse(w, r, st, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

func challengeOf(w http.ResponseWriter, r *http.Request, st *store.Store) (any, error) {
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
	m, err := mfa.MethodsOf(r.Context(), st, t.UserID)
	if err != nil {
		return nil, err
	}
	asked := strings.Fields(params["challenge_type"])
	switch {
	case !m.Has(mfa.OTP):
		return nil, errNotEnrolled()
	case len(asked) > 0 && !slices.Contains(asked, "otp"):
		return nil, stagedoor.Errorf(stagedoor.Invalid, "unsupported_challenge_type", "The challenge type is not one that the user is enrolled with.")
	}
	return map[string]string{"challenge_type": "otp"}, nil
}

// associate lets the person of an mfa_token set up their first factor. The first grant by a code of it makes it theirs.
func (d *Door) associate(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := startAssociation(w, r, st)
	if err != nil {
		answerError(w, r, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

func startAssociation(w http.ResponseWriter, r *http.Request, st *store.Store) (any, error) {
	ctx := r.Context()
	t, token, err := bearerMFA(r, st)
	if err != nil {
		return nil, err
	}
	var in struct {
		Types    []string `json:"authenticator_types"`
		ClientID string   `json:"client_id"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return nil, err
	}
	client, err := st.Client(ctx, t.ClientID)
	if err != nil {
		return nil, err
	}
	settings, err := mfa.SettingsOf(ctx, st)
	if err != nil {
		return nil, err
	}
	m, err := mfa.MethodsOf(ctx, st, t.UserID)
	switch {
	case err != nil:
		return nil, err
	case in.ClientID != "" && in.ClientID != t.ClientID:
		return nil, invalid("mfa_token not issued to this client")
	case !client.Allows(grantOTP):
		return nil, errGrant(grantOTP)
	case len(in.Types) == 0:
		return nil, missing("authenticator_types")
	case !slices.Contains(in.Types, "otp"):
		return nil, stagedoor.Errorf(stagedoor.Invalid, "unsupported_challenge_type", "This server enrolls authenticators of the type otp only.")
	case !m.None():
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "User is already enrolled.")
	case !settings.Has(mfa.OTP):
		return nil, mfa.ErrOff()
	}
	u, err := st.User(ctx, t.UserID)
	if err != nil {
		return nil, err
	}
	secret, err := association(st, u.ID, token).Begin(ctx, t.ExpiresAt)
	if err != nil {
		return nil, err
	}
	st.Log(stagedoor.LogEvent{Type: "gd_start_enroll", ClientID: client.ID, ClientName: client.Name, UserID: u.ID, UserName: u.Email, Connection: u.Connection, IP: r.RemoteAddr, UserAgent: r.UserAgent(), Hostname: r.Host})
	out := map[string]any{"authenticator_type": "otp", "secret": secret, "barcode_uri": mfa.URI(secret, page.TenantName(st), u.Shown())}
	if settings.Has(mfa.Recovery) {
		code, err := association(st, u.ID, token).Recovery(ctx, t.ExpiresAt)
		if err != nil {
			return nil, err
		}
		out["recovery_codes"] = []string{code}
	}
	return out, nil
}

// readJSON reads a body that is a JSON object. Members that nobody asks for are ignored.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return stagedoor.Errorf(stagedoor.TooLarge, "invalid_request", "The request body is larger than %d bytes.", maxForm)
	}
	if err != nil || web.CheckJSON(b) != nil || json.Unmarshal(b, into) != nil {
		return invalid("The request body is not a valid JSON object.")
	}
	return nil
}

// authenticators lists what the person of an mfa_token has, and what they are setting up.
func (d *Door) authenticators(w http.ResponseWriter, r *http.Request, st *store.Store) {
	t, token, err := bearerMFA(r, st)
	var out []map[string]any
	if err == nil {
		out, err = listAuthenticators(r.Context(), st, t.UserID, token)
	}
	if err != nil {
		answerError(w, r, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

func listAuthenticators(ctx context.Context, st *store.Store, userID, token string) ([]map[string]any, error) {
	all, err := st.AuthenticationMethods(ctx, userID)
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, m := range all {
		kind := map[string]string{store.TypeTOTP: "otp", store.TypeRecovery: "recovery-code"}[m.Type]
		if kind == "" {
			continue
		}
		one := map[string]any{"id": m.ID, "authenticator_type": kind, "active": true}
		if m.Name != "" {
			one["name"] = m.Name
		}
		out = append(out, one)
	}
	switch begun, err := association(st, userID, token).Begun(ctx); {
	case err != nil:
		return nil, err
	case begun:
		id := strings.Map(func(r rune) rune { // it has none of its own yet
			if r == '-' || r == '_' {
				return 'x'
			}
			return r
		}, jose.HashToken(token))[:16]
		out = append(out, map[string]any{"id": "totp|dev_" + id, "authenticator_type": "otp", "active": false})
	}
	return out, nil
}
