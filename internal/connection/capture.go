package connection

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// captureTimeout bounds how long a login waits for the server that users come from.
const captureTimeout = 10 * time.Second

// CheckCapture tells what is wrong with the server that users come from: passwords go there, so it must be https, or this machine.
func CheckCapture(c stagedoor.Capture) error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return stagedoor.Errorf(stagedoor.Invalid, "", "The address of the server that passwords are captured from must be like https://TENANT.auth0.com.")
	case u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())):
		return stagedoor.Errorf(stagedoor.Invalid, "", "Passwords are captured over https only.")
	case c.ClientID == "":
		return stagedoor.Errorf(stagedoor.Invalid, "", "Passwords are captured as a client of the other server: its client_id is missing.")
	}
	return nil
}

// IsLoopback tells whether the host is this machine itself: what is sent there in the clear nobody else reads.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// capture asks the server that a user came from whether the password is theirs, once: if it is, its hash is kept. asked is false for users
// who have nothing to be captured.
func (l local) capture(ctx context.Context, u *stagedoor.User, identifier, secret string) (asked bool, err error) {
	if secret == "" || l.Outside == nil {
		return false, nil
	}
	marked, err := l.st.Captured(ctx, u.ID)
	if err != nil || !marked {
		return false, err
	}
	var from stagedoor.Capture
	if err := l.st.Setting(ctx, stagedoor.SettingCapture, &from); err != nil || from.URL == "" {
		return false, err
	}
	if err := l.askFormer(ctx, from, u, identifier, secret); err != nil {
		return true, err
	}
	hash, err := l.Hasher.Hash(ctx, secret)
	if err != nil {
		return true, err
	}
	return true, l.st.Capture(ctx, u.ID, hash)
}

func errFormer(err error) error {
	return &stagedoor.Error{
		Kind: stagedoor.Unavailable, Code: "temporarily_unavailable", Err: err,
		Message: "The password cannot be checked at the moment. Try again later, or choose a new one by \"Forgot your password?\".",
	}
}

// askFormer returns nil if the password is the user's there, ErrWrongCredentials if it is not, and another error if nobody knows.
func (l local) askFormer(ctx context.Context, from stagedoor.Capture, u *stagedoor.User, identifier, secret string) error {
	if err := CheckCapture(from); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, captureTimeout)
	defer cancel()
	asked := map[string]string{
		"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": l.conn.Name, "username": identifier, "password": secret,
		"client_id": from.ClientID, "scope": "openid",
	}
	if from.ClientSecret != "" {
		asked["client_secret"] = from.ClientSecret
	}
	body, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(from.URL, "/")+"/oauth/token", bytes.NewReader(body))
	if err != nil {
		return errFormer(errors.New("the address is not valid"))
	}
	r.Header.Set("Content-Type", "application/json")
	client := *l.Outside
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // nobody else gets the password
	resp, err := client.Do(r)
	if err != nil {
		return errFormer(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return errFormer(err)
	}
	var answer struct {
		Error   string `json:"error"`
		IDToken string `json:"id_token"`
	}
	if json.Unmarshal(raw, &answer) != nil {
		return errFormer(errors.New("the answer is not JSON: " + resp.Status))
	}
	switch {
	case resp.StatusCode == http.StatusOK && subjectOf(answer.IDToken) == u.ID:
		return nil
	case resp.StatusCode == http.StatusOK:
		return errFormer(errors.New("the answer is about another user"))
	case answer.Error == "mfa_required": // comes after the password
		return nil
	case answer.Error == "invalid_grant" || answer.Error == "invalid_user_password":
		return ErrWrongCredentials()
	}
	return errFormer(errors.New("the answer is " + resp.Status + " " + stagedoor.Shorten(strings.ToValidUTF8(answer.Error, ""), 100)))
}

// subjectOf is whom an ID token is about that came from the server itself: the connection to it stands for its signature.
func subjectOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	return claims.Subject
}
