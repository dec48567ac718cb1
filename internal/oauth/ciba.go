package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Client-initiated backchannel authentication (OpenID Connect CIBA Core 1.0, poll mode; Authentication API fact sheets 4.9 and 6.13): a client asks for the approval of a
// person who is not at it. They get a mail whose link leads to a page of ours.
const (
	grantCIBA        = "urn:openid:params:grant-type:ciba"
	cibaLife         = 300     // seconds
	longestCIBA      = 259_200 // seconds
	cibaInterval     = 5 * time.Second
	cibaPatience     = 10 // seconds that a client is told to wait that polls too fast
	maxApprovalWords = 64
)

// asksOf is how often one person is asked for approvals: ten times, and then once a minute.
var asksOf = stagedoor.Throttle{MaxAttempts: 10, Rate: 60_000}

var approvalWords = regexp.MustCompile(`^[A-Za-z0-9 +\-_.,:#]+$`)

// bcAuthorize takes a request for somebody's approval.
func (d *Door) bcAuthorize(w http.ResponseWriter, r *http.Request, st *store.Store) {
	event := web.LogEvent(r, stagedoor.LogEvent{Type: "ciba_start_failed"})
	params, err := readParams(w, r)
	var out map[string]any
	if err == nil {
		out, err = d.askApproval(r, st, params, &event)
	}
	if err == nil {
		event.Type = "ciba_start_succeeded"
	}
	logToken(st, &event, err)
	if err != nil {
		refuse(w, r, st, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

func (d *Door) askApproval(r *http.Request, st *store.Store, params map[string]string, event *stagedoor.LogEvent) (map[string]any, error) {
	ctx := r.Context()
	client, asked, err := waiting(r, st, params, grantCIBA, event)
	if err != nil {
		return nil, err
	}
	switch words := params["binding_message"]; {
	case !slices.Contains(asked.scope, "openid"):
		return nil, invalid("openid scope must be requested")
	case words == "":
		return nil, missing("binding_message")
	case len(words) > maxApprovalWords || !approvalWords.MatchString(words):
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_binding_message", "binding_message must be up to %d letters, digits, spaces and + - _ . , : #", maxApprovalWords)
	case params["id_token_hint"] != "" || params["login_hint_token"] != "":
		return nil, invalid("login_hint is the only hint that is supported")
	}
	life, err := approvalLife(params)
	if err != nil {
		return nil, err
	}
	details, err := authorizationDetails(ctx, st, client, asked.api, params["authorization_details"])
	if err != nil {
		return nil, err
	}
	user, err := hinted(ctx, st, client, asked.organization, params["login_hint"])
	if err != nil {
		return nil, err
	}
	event.UserID, event.UserName = user.ID, user.Shown()
	switch room, err := st.TakeAttempt(ctx, "ciba-user", user.ID, asksOf); {
	case err != nil:
		return nil, err
	case !room:
		return nil, stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "The user has been asked too often.")
	}
	request, link := stagedoor.NewToken(), stagedoor.NewToken()
	err = st.CreateDeviceCode(ctx, request, link, &stagedoor.DeviceCode{
		ClientID: client.ID, Audience: asked.audience, Scope: asked.scope, Details: details, Organization: asked.organization,
		Approval: &stagedoor.Approval{UserID: user.ID, Message: params["binding_message"]}, ExpiresAt: st.Clock().Now().Add(time.Duration(life) * time.Second),
	})
	if err != nil {
		return nil, err
	}
	err = d.SendApproval(ctx, st, user, client, web.Issuer(r)+"u/approve?ticket="+link, page.Language(r, st), time.Duration(life)*time.Second)
	return map[string]any{"auth_req_id": request, "expires_in": life, "interval": int(cibaInterval.Seconds())}, err
}

// approvalLife is how long the person has, in seconds. SDKs write the parameter in two ways.
func approvalLife(params map[string]string) (int, error) {
	for _, name := range []string{"requested_expiry", "request_expiry"} {
		if params[name] == "" {
			continue
		}
		n, err := strconv.Atoi(params[name])
		if err != nil || n < 1 || n > longestCIBA {
			return 0, invalid("%s must be a number of seconds from 1 to %d", name, longestCIBA)
		}
		return n, nil
	}
	return cibaLife, nil
}

// hinted is the person whom a hint names: {"format":"iss_sub","iss":…,"sub":…}. Whom the client could not sign in otherwise, to the organization if one is meant, it cannot ask either.
func hinted(ctx context.Context, st *store.Store, client *stagedoor.Client, organization, hint string) (*stagedoor.User, error) {
	unknown := stagedoor.Errorf(stagedoor.Invalid, "unknown_user_id", "User ID is malformed or unknown")
	if hint == "" {
		return nil, missing("login_hint")
	}
	var named struct {
		Format string `json:"format"`
		Issuer string `json:"iss"`
		Sub    string `json:"sub"`
	}
	if json.Unmarshal([]byte(hint), &named) != nil || named.Format != "iss_sub" || !token.IsIssuer(st.Tenant(), named.Issuer) || named.Sub == "" || unreadable(named.Sub) {
		return nil, unknown
	}
	var u *stagedoor.User
	var err error
	if organization == "" {
		u, err = token.Reachable(ctx, st, client, named.Sub)
	} else {
		u, err = token.ReachableIn(ctx, st, organization, named.Sub)
	}
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, unknown
	case err == nil && u.Email == "":
		return nil, invalid("The user cannot be reached: there is no e-mail address.")
	}
	return u, err
}

// redeemCIBA answers a client that asks whether the person has approved.
func redeemCIBA(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	if t.params["auth_req_id"] == "" {
		return nil, missing("auth_req_id")
	}
	p, err := t.st.PollDevice(ctx, t.params["auth_req_id"], t.client.ID, cibaInterval)
	unknown := stagedoor.Errorf(stagedoor.Invalid, "invalid_grant", "Unknown or invalid auth_req_id.")
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && p.Device.Approval == nil:
		return nil, unknown
	case err != nil:
		return nil, err
	case p.TooFast && !p.Expired:
		e := stagedoor.Errorf(stagedoor.Invalid, "slow_down", "You are polling faster than allowed. Try again in %d seconds.", cibaPatience)
		e.Extra = map[string]any{web.Patience: cibaPatience}
		return nil, e
	case p.Pending && !p.Expired:
		return nil, stagedoor.Errorf(stagedoor.Invalid, "authorization_pending", "The end-user authorization is pending")
	case p.Expired, p.Device.Authorization == nil:
		return nil, stagedoor.Errorf(stagedoor.Invalid, "access_denied", "The end-user denied the authorization request or it has been expired")
	}
	if err := t.targeted("approval", p.Device.Authorization.Audience); err != nil {
		return nil, err
	}
	user, err := t.person(ctx, p.Device.Authorization)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	if err := t.stillGranted(ctx, p.Device.Authorization, p.Device.Scope); err != nil {
		return nil, err
	}
	return t.issue(ctx, user, p.Device.Authorization, stagedoor.NewToken())
}
