package login

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Limits of a sign-up (Authentication API fact sheet 6.7 and 9.3), in characters.
const (
	maxMembers  = 10 // of user_metadata, a number
	maxName     = 100
	maxValue    = 500
	maxFullName = 150
	maxNickname = 350
	maxPicture  = 2048
)

// signedUp is the answer to a sign-up: the bare id, and what was sent.
type signedUp struct {
	ID            string             `json:"_id"`
	EmailVerified *bool              `json:"email_verified,omitempty"` // of who has an address
	Email         string             `json:"email,omitempty"`
	PhoneVerified *bool              `json:"phone_verified,omitempty"`
	PhoneNumber   string             `json:"phone_number,omitempty"`
	Username      string             `json:"username,omitempty"`
	GivenName     string             `json:"given_name,omitempty"`
	FamilyName    string             `json:"family_name,omitempty"`
	Name          string             `json:"name,omitempty"`
	Nickname      string             `json:"nickname,omitempty"`
	Picture       string             `json:"picture,omitempty"`
	UserMetadata  stagedoor.Metadata `json:"user_metadata,omitzero"`
}

// signUpByClient makes a user for a client's own form. It signs nobody in. What the body says of
// app_metadata, or of anything else that is not the person's own to say, is not looked at.
func (d *Door) signUpByClient(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := readParams(w, r)
	if err != nil {
		return err
	}
	a, err := d.addressed(w, r, st, p)
	if err != nil {
		return err
	}
	u, secret, err := p.user()
	if err != nil {
		return err
	}
	if !a.conn.Options.Attributes().Flexible { // it was never looked at
		u.PhoneNumber = ""
	}
	answer := signedUp{
		Username: strings.ToLower(u.Username), GivenName: u.GivenName, FamilyName: u.FamilyName, Name: u.Name,
		Nickname: u.Nickname, Picture: u.Picture, UserMetadata: u.UserMetadata,
	}
	v := visit(r, st)
	v.Body = p.scriptBody()
	if err := d.Pipeline.Register(r.Context(), v, a.conn, occasion(a.client, ""), u, secret); err != nil {
		return signupError(st, err)
	}
	issuer, lang := web.Issuer(r), page.MailLanguage(r)
	d.later(r.Context(), st, func(ctx context.Context) error { return d.askToVerify(ctx, st, u, a.client, issuer, lang) })
	_, answer.ID, _ = strings.Cut(u.ID, "|")
	if answer.Email = u.Email; u.Email != "" {
		answer.EmailVerified = &u.EmailVerified
	}
	if answer.PhoneNumber = u.PhoneNumber; u.PhoneNumber != "" {
		answer.PhoneVerified = &u.PhoneVerified
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.WriteJSON(w, http.StatusOK, answer)
}

// signupError gives an error the wire's words. That an address is known is told only where the tenant wants it.
func signupError(st *store.Store, err error) error {
	switch e := stagedoor.AsError(err); e.Code {
	case "user_exists":
		if !st.Tenant().Settings.Flags[stagedoor.FlagSignupUserExists] {
			return invalid("invalid_signup", "Invalid sign up")
		}
	case "invalid_email", "invalid_username", "invalid_phone_number", "missing_identifier":
		return invalid("invalid_signup", "%s", e.Message)
	}
	return err
}

// user reads the new user and the password.
func (p params) user() (*stagedoor.User, string, error) {
	u, secret := &stagedoor.User{}, ""
	err := p.texts(map[string]*string{
		"email": &u.Email, "username": &u.Username, "phone_number": &u.PhoneNumber, "password": &secret, "given_name": &u.GivenName, "family_name": &u.FamilyName,
		"name": &u.Name, "nickname": &u.Nickname, "picture": &u.Picture,
	})
	if err != nil {
		return nil, "", err
	}
	u.Email, u.Username, u.PhoneNumber = strings.TrimSpace(u.Email), strings.TrimSpace(u.Username), strings.TrimSpace(u.PhoneNumber)
	for _, limit := range []struct {
		name, value string
		most        int
	}{
		{"given_name", u.GivenName, maxFullName},
		{"family_name", u.FamilyName, maxFullName},
		{"name", u.Name, maxFullName},
		{"nickname", u.Nickname, maxNickname},
		{"picture", u.Picture, maxPicture},
	} {
		if utf8.RuneCountInString(limit.value) > limit.most {
			return nil, "", badRequest("%s is longer than %d characters", limit.name, limit.most)
		}
		if strings.ContainsRune(limit.value, 0) {
			return nil, "", badRequest("%s must not contain a NUL character", limit.name)
		}
	}
	if u.Picture != "" {
		if at, err := url.Parse(u.Picture); err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
			return nil, "", badRequest("picture must be an http or https address")
		}
	}
	u.UserMetadata, err = p.userMetadata()
	return u, secret, err
}

// scriptBody is the body as scripts see it.
func (p params) scriptBody() map[string]any {
	body := map[string]any{}
	for name, value := range p {
		if name != "password" && name != "client_secret" {
			body[name] = value
		}
	}
	return body
}

// userMetadata reads user_metadata, which a sign-up bounds more narrowly than the Management API does.
func (p params) userMetadata() (stagedoor.Metadata, error) {
	raw, here := p["user_metadata"]
	if !here || web.TypeOf(raw) == "null" {
		return nil, nil
	}
	var m stagedoor.Metadata
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, badRequest("user_metadata should be an object")
	}
	if len(m) > maxMembers {
		return nil, badRequest("user_metadata has more than %d properties", maxMembers)
	}
	for name, raw := range m {
		var value string
		switch err := json.Unmarshal(raw, &value); {
		case utf8.RuneCountInString(name) > maxName:
			return nil, badRequest("user_metadata has a property whose name is longer than %d characters", maxName)
		case err != nil || web.TypeOf(raw) != "string":
			return nil, badRequest("user_metadata.%s should be a string", name)
		case utf8.RuneCountInString(value) > maxValue:
			return nil, badRequest("user_metadata.%s is longer than %d characters", name, maxValue)
		}
	}
	if err := stagedoor.CheckMetadata("user_metadata", m); err != nil {
		return nil, badRequest("%s", stagedoor.AsError(err).Message)
	}
	return m, nil
}
