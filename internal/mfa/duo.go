package mfa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Duo is what is given at Duo, on pages of theirs (Duo OIDC Auth API, "Universal Prompt"). Nobody is enrolled with it here: Duo knows the people and
// their devices.
const Duo = "duo"

// SettingDuo is where the Management API keeps the tenant's keys of Duo.
const SettingDuo = "guardian/duo"

// DuoKeys are those of an application of the type "Web SDK" at Duo.
type DuoKeys struct {
	Host string `json:"host"` // API hostname: api-xxxxxxxx.duosecurity.com
	IKey string `json:"ikey"` // client id
	SKey string `json:"skey"` // client secret, with which both sides sign
	User string `json:"username,omitempty"`
}

// duoHost is a name or an address, and perhaps a port. What may be reached is for the client that asks.
var duoHost = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?$`)

// The lengths of Duo's keys, as Duo's own SDKs check them.
const (
	duoIKey = 20
	duoSKey = 40
)

// Check tells what is wrong with the keys; nil if nothing is.
func (k DuoKeys) Check() error {
	switch {
	case !duoHost.MatchString(k.Host):
		return errors.New("host is not the name of a host")
	case len(k.IKey) != duoIKey:
		return fmt.Errorf("ikey does not have %d characters", duoIKey)
	case len(k.SKey) != duoSKey:
		return fmt.Errorf("skey does not have %d characters", duoSKey)
	}
	return nil
}

// DuoKeysOf are the tenant's keys; there are none if they do not pass their Check.
func DuoKeysOf(ctx context.Context, st *store.Store) (DuoKeys, bool, error) {
	var k DuoKeys
	err := st.Setting(ctx, SettingDuo, &k)
	k.Host = strings.ToLower(k.Host)
	return k, err == nil && k.Check() == nil, err
}

// DuoClient asks Duo about one person.
type DuoClient struct {
	DuoKeys
	HTTP *http.Client // of room outbound
	Back string       // where Duo sends people back to
	Now  func() time.Time
}

// Of what goes to Duo and comes from it.
const (
	duoLife     = 5 * time.Minute  // of what we sign; Duo takes no more
	duoLeeway   = time.Minute      // between the clocks
	duoPatience = 10 * time.Second // for an answer
	maxDuo      = 64 << 10         // bytes of an answer
)

func (d DuoClient) at(path string) string { return "https://" + d.Host + path }

// Healthy asks whether Duo can be asked at all, and takes the keys.
func (d DuoClient) Healthy(ctx context.Context) error {
	var answer struct {
		Stat string `json:"stat"`
	}
	err := d.post(ctx, "/oauth/v1/health_check", url.Values{}, &answer)
	if err == nil && answer.Stat != "OK" {
		err = errors.New("the health check is not OK")
	}
	return duoFailed(err)
}

// Address is where the person is sent, with a state that brings them back.
func (d DuoClient) Address(state string) (string, error) {
	request, err := d.sign(map[string]any{
		"response_type": "code", "scope": "openid", "client_id": d.IKey, "redirect_uri": d.Back, "state": state, "duo_uname": d.User,
		"iss": d.IKey, "aud": d.at(""), "use_duo_code_attribute": true,
	})
	q := url.Values{"response_type": {"code"}, "client_id": {d.IKey}, "request": {request}}
	return d.at("/oauth/v1/authorize?" + q.Encode()), err
}

// Result is nil if what the code of somebody who came back stands for is that Duo lets this very person pass. It is duo_denied where Duo does not, and
// duo_failed where nobody can tell.
func (d DuoClient) Result(ctx context.Context, code string) error {
	var answer struct {
		IDToken string `json:"id_token"`
	}
	err := d.post(ctx, "/oauth/v1/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {d.Back}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}, &answer)
	if err != nil {
		return duoFailed(err)
	}
	claims, err := d.verify(answer.IDToken)
	if err != nil {
		return duoFailed(err)
	}
	if result, _ := claims.Raw["auth_result"].(map[string]any); result["result"] != "allow" {
		return ErrDuoDenied()
	}
	return nil
}

// verify takes an ID token of Duo's about the person.
func (d DuoClient) verify(idToken string) (jose.Claims, error) {
	now := d.Now()
	claims, err := jose.Parse(idToken, now.Add(-duoLeeway), func(jose.Header) (string, any, error) { return jose.HS512, jose.HS512Secret(d.SKey), nil })
	latest := now.Add(duoLeeway)
	if errors.Is(err, jose.ErrNotYetValid) && !claims.NotBefore.After(latest) {
		err = nil
	}
	name, _ := claims.Raw["preferred_username"].(string)
	switch {
	case err != nil:
	case claims.Issuer != d.at("/oauth/v1/token"):
		err = errors.New("the ID token is of another issuer")
	case !slices.Equal(claims.Audience, []string{d.IKey}):
		err = errors.New("the ID token is for another client")
	case claims.IssuedAt.IsZero() || claims.IssuedAt.After(latest):
		err = errors.New("the ID token was issued in the future, or nobody knows when")
	case name == "" || name != d.User:
		err = errors.New("the ID token is about somebody else")
	}
	return claims, err
}

// sign signs claims that are good for some minutes.
func (d DuoClient) sign(claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.HS512, "", jose.HS512Secret(d.SKey), "JWT")
	if err != nil {
		return "", err
	}
	now := d.Now()
	claims["iat"], claims["exp"] = now.Unix(), now.Add(duoLife).Unix()
	return signer.Sign(claims)
}

// post sends a form by which we prove who we are (RFC 7523 section 2.2). A redirect is not followed: it would take the proof elsewhere.
func (d DuoClient) post(ctx context.Context, path string, form url.Values, into any) error {
	assertion, err := d.sign(map[string]any{"iss": d.IKey, "sub": d.IKey, "aud": d.at(path), "jti": stagedoor.NewToken()})
	if err != nil {
		return err
	}
	form.Set("client_id", d.IKey)
	form.Set("client_assertion", assertion)
	ctx, cancel := context.WithTimeout(ctx, duoPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.at(path), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	direct := *d.HTTP
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := direct.Do(r)
	if err != nil {
		return outbound.Bare(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %d", answer.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxDuo)).Decode(into); err != nil {
		return errors.New("it answers something else than JSON")
	}
	return nil
}

// duoFailed is for who cannot be asked at Duo, or came back with something that proves nothing. Its text is for the log; it holds no secret.
func duoFailed(why error) error {
	if why == nil {
		return nil
	}
	return stagedoor.Errorf(stagedoor.Unavailable, "duo_failed", "Duo could not be asked, or did not answer as it should: %v.", why)
}

// ErrDuoDenied is for whom Duo does not let pass.
func ErrDuoDenied() error {
	return stagedoor.Errorf(stagedoor.Forbidden, "duo_denied", "Duo did not let the user pass.")
}

// IsDuo tells whether an error is what came of asking Duo: the person may try again.
func IsDuo(err error) bool {
	return stagedoor.HasCode(err, "duo_failed") || stagedoor.HasCode(err, "duo_denied")
}
