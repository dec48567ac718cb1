package login

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// changeProfile takes name, nickname and picture.
func (a *account) changeProfile() error {
	name, nickname, picture := a.field(ui.FieldName), a.field(ui.FieldNickname), a.field(ui.FieldPicture)
	var problems ui.Problems
	if u, err := url.Parse(picture); picture != "" && (err != nil || u.Scheme != "https" || u.Host == "" || len(picture) > 2000) {
		problems = append(problems, ui.Problem{Code: "invalid_picture", Field: ui.FieldPicture})
	}
	if name == "" || len([]rune(name)) > 300 || len([]rune(nickname)) > 300 || a.profileIsTheirs() {
		problems = append(problems, ui.Problem{Code: "invalid_name", Field: ui.FieldName})
	}
	if problems != nil {
		p, err := a.page()
		if err != nil {
			return err
		}
		p.Problems, p.Typed = problems, ui.AccountProfile{Name: name, Nickname: nickname, Picture: picture}
		page.Render(a.w, http.StatusBadRequest, p)
		return nil
	}
	_, err := a.st.UpdateUser(a.r.Context(), a.user.ID, func(u *stagedoor.User) error {
		u.Name, u.Nickname, u.Picture = name, nickname, picture
		return nil
	})
	if err != nil {
		return err
	}
	a.st.Log(a.event("w", "The person changed their profile on the account page."))
	return a.done("profile")
}

// showMetadata shows what of the metadata the person may change: simple values in fields, all of it as JSON.
func (a *account) showMetadata() error { return a.metadataForm(http.StatusOK, "", nil) }

func (a *account) metadataForm(status int, typed string, problems ui.Problems) error {
	if len(a.set.MetadataKeys) == 0 {
		return errNoAccountPage()
	}
	p := ui.AccountFormPage{Frame: a.frame, Form: a.form("/metadata"), Problems: problems, Kind: "metadata", BackURL: accountPath, JSON: typed}
	mine := map[string]json.RawMessage{}
	simple := map[string]bool{}
	for key, raw := range a.user.UserMetadata {
		if !a.set.MayChange(key) {
			continue
		}
		mine[key] = raw
		if text := string(bytes.TrimSpace(raw)); !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
			simple[key] = true
		}
	}
	for _, v := range a.metadata(true) {
		if simple[v.Name] {
			p.Values = append(p.Values, v)
		}
	}
	for _, key := range a.set.MetadataKeys {
		if _, there := a.user.UserMetadata[key]; !there && key != "*" {
			p.Values = append(p.Values, ui.AccountValue{Name: key})
		}
	}
	if typed == "" {
		text, err := json.MarshalIndent(mine, "", "  ")
		if err != nil {
			return err
		}
		p.JSON = string(text)
	}
	page.Render(a.w, status, p)
	return nil
}

// changeMetadata takes one of the two forms. What the person may not change stays, whatever the form says.
func (a *account) changeMetadata() error {
	if len(a.set.MetadataKeys) == 0 {
		return errNoAccountPage()
	}
	patch := stagedoor.Metadata{}
	typed := a.r.PostFormValue(ui.FieldMetadata)
	if a.r.PostForm.Has(ui.FieldMetadata) {
		if err := json.Unmarshal([]byte(typed), &patch); err != nil || patch == nil {
			return a.metadataForm(http.StatusBadRequest, typed, ui.Problems{{Code: "invalid_json", Field: ui.FieldMetadata}})
		}
		for key := range a.user.UserMetadata { // what was left out is to go
			if _, stays := patch[key]; !stays && a.set.MayChange(key) {
				patch[key] = json.RawMessage("null")
			}
		}
	}
	for name, values := range a.r.PostForm {
		if key, is := strings.CutPrefix(name, ui.MemberPrefix); is {
			patch[key] = simpleValue(a.user.UserMetadata[key], values[0])
		}
	}
	for key := range patch {
		if !a.set.MayChange(key) {
			return a.metadataForm(http.StatusBadRequest, typed, ui.Problems{{Code: "forbidden_metadata", Field: ui.FieldMetadata}})
		}
	}
	if err := stagedoor.CheckMetadata("user_metadata", patch); err != nil {
		return a.metadataForm(http.StatusBadRequest, typed, ui.Problems{{Code: "invalid_json", Field: ui.FieldMetadata}})
	}
	if len(patch) > 0 {
		_, err := a.st.PatchMetadata(a.r.Context(), a.user.ID, patch, nil, a.st.Tenant().Settings.MetadataLimit())
		if stagedoor.IsKind(err, stagedoor.TooLarge) {
			return a.metadataForm(http.StatusRequestEntityTooLarge, typed, ui.Problems{{Code: "large_metadata", Field: ui.FieldMetadata}})
		}
		if err != nil {
			return err
		}
		a.st.Log(a.event("w", "The person changed their metadata on the account page."))
	}
	return a.done("metadata")
}

// simpleValue is what somebody typed as a value: of the kind that was there before, if it is one, else a text. Nothing typed takes the member away.
func simpleValue(before json.RawMessage, typed string) json.RawMessage {
	if typed == "" {
		return json.RawMessage("null")
	}
	var was, is any
	if json.Unmarshal(before, &was) == nil && json.Unmarshal([]byte(typed), &is) == nil {
		switch was.(type) {
		case float64:
			if _, same := is.(float64); same {
				return json.RawMessage(typed)
			}
		case bool:
			if _, same := is.(bool); same {
				return json.RawMessage(typed)
			}
		}
	}
	text, _ := json.Marshal(typed) //nolint:errchkjson // a text
	return text
}

// own is the person's database, or an error page.
func (a *account) own() (*stagedoor.Connection, error) {
	if a.conn == nil || !a.conn.ForLogin() {
		return nil, errNoAccountPage()
	}
	return a.conn, nil
}

// addressed is the person's database where people have addresses, or an error page.
func (a *account) addressed() (*stagedoor.Connection, error) {
	conn, err := a.own()
	if err == nil && !conn.Options.Attributes().Email.Had() {
		return nil, errNoAccountPage()
	}
	return conn, err
}

// formPage shows one form of the account page.
func (a *account) formPage(status int, kind, path, value string, problems ui.Problems) error {
	if _, err := a.own(); err != nil {
		return err
	}
	page.Render(a.w, status, ui.AccountFormPage{Frame: a.frame, Form: a.form(path), Problems: problems, Kind: kind, Value: value, BackURL: accountPath})
	return nil
}

func (a *account) showEmail() error {
	if _, err := a.addressed(); err != nil {
		return err
	}
	return a.formPage(http.StatusOK, "email", "/email", "", nil)
}

// The code for another address: how long it works, and how many may be tried and asked for.
const (
	emailCodeLife  = 15 * time.Minute
	emailCodeTries = 5 // of one code; the bucket is of the person
	bucketCode     = "account-code"
	bucketSend     = "account-mail"
)

var (
	codeLimit = stagedoor.Throttle{MaxAttempts: 10, Rate: 6 * 60 * 1000}
	sendLimit = stagedoor.Throttle{MaxAttempts: 5, Rate: 10 * 60 * 1000}
)

// purposeEmail is what a code for another address is kept for, by session: nobody else's code counts.
const purposeEmail = "account-email"

// askEmail sends a code to another address. Whether somebody else has the address does not show here: the one who reads its mail may know.
func (a *account) askEmail() error {
	if _, err := a.addressed(); err != nil {
		return err
	}
	typed := text(a.r, ui.FieldEmail)
	email, err := connection.NormalizeEmail(typed)
	switch {
	case typed == "":
		return a.formPage(http.StatusBadRequest, "email", "/email", "", ui.Problems{{Code: "missing_email", Field: ui.FieldEmail}})
	case err != nil:
		return a.formPage(http.StatusBadRequest, "email", "/email", typed, ui.Problems{{Code: "invalid_email", Field: ui.FieldEmail}})
	case email == a.user.Email && a.user.EmailVerified:
		return a.formPage(http.StatusBadRequest, "email", "/email", typed, ui.Problems{{Code: "same_email", Field: ui.FieldEmail}})
	}
	room, err := a.st.TakeAttempt(a.r.Context(), bucketSend, a.user.ID, sendLimit)
	if err != nil {
		return err
	}
	if !room {
		return a.formPage(http.StatusTooManyRequests, "email", "/email", typed, ui.Problems{{Code: "too_many_requests"}})
	}
	code := stagedoor.NewDigits(8)
	err = a.st.SaveOneTimeCode(a.r.Context(), code, &stagedoor.OneTimeCode{
		Purpose: purposeEmail, Subject: a.session.ID, UserID: a.user.ID, To: email, ExpiresAt: a.st.Clock().Now().Add(emailCodeLife),
	})
	if err != nil {
		return err
	}
	a.mail(ui.AccountCode, email, ui.MailData{Code: code, Expires: emailCodeLife})
	redirect(a.w, a.r, accountPath+"/email/code")
	return nil
}

// asked is the address that waits for its code; "" if there is none.
func (a *account) asked() (string, error) {
	c, err := a.st.OneTimeCode(a.r.Context(), purposeEmail, a.session.ID)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && c.UserID != a.user.ID {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return c.To, nil
}

func (a *account) showEmailCode() error {
	if _, err := a.addressed(); err != nil {
		return err
	}
	asked, err := a.asked()
	if err != nil {
		return err
	}
	if asked == "" {
		redirect(a.w, a.r, accountPath+"/email")
		return nil
	}
	return a.codePage(http.StatusOK, asked, nil)
}

func (a *account) codePage(status int, asked string, problems ui.Problems) error {
	page.Render(a.w, status, ui.AccountFormPage{Frame: a.frame, Form: a.form("/email/code"), Problems: problems, Kind: "emailcode", Email: asked, BackURL: accountPath})
	return nil
}

// changeEmail takes the code, and gives the person the address at which they read it. Their sessions end, as with every change of an address, but
// this browser stays signed in.
func (a *account) changeEmail() error {
	conn, err := a.addressed()
	if err != nil {
		return err
	}
	asked, err := a.asked()
	if err != nil {
		return err
	}
	if asked == "" {
		redirect(a.w, a.r, accountPath+"/email")
		return nil
	}
	code := strings.Join(strings.Fields(a.r.PostFormValue(ui.FieldCode)), "")
	if code == "" {
		return a.codePage(http.StatusBadRequest, asked, missingCode(code))
	}
	room, err := a.st.TakeAttempt(a.r.Context(), bucketCode, a.user.ID, codeLimit)
	if err != nil {
		return err
	}
	if !room {
		return a.codePage(http.StatusTooManyRequests, asked, ui.Problems{{Code: "too_many_codes"}})
	}
	tried, err := a.st.TryOneTimeCode(a.r.Context(), purposeEmail, a.session.ID, code, emailCodeTries, false)
	switch {
	case err != nil:
		return err
	case tried.TooMany:
		return a.codePage(http.StatusBadRequest, asked, ui.Problems{{Code: "spent_code", Field: ui.FieldCode}})
	case tried.Code == nil || tried.Code.UserID != a.user.ID:
		return a.codePage(http.StatusBadRequest, asked, ui.Problems{{Code: "wrong_code", Field: ui.FieldCode}})
	}
	asked = tried.Code.To
	before := a.user.Email
	if err := a.rename(conn, connection.Name{Email: asked, Verified: true}); err != nil {
		if problem, ours := renameProblem(err); ours { // the code is used up: another address takes another one
			problem.Field = ui.FieldEmail
			return a.formPage(http.StatusBadRequest, "email", "/email", asked, ui.Problems{problem})
		}
		return err
	}
	if err := a.st.Empty(a.r.Context(), bucketCode, a.user.ID); err != nil {
		return err
	}
	a.st.Log(a.event("sce", "The person changed their e-mail address on the account page."))
	for _, to := range slices.Compact([]string{before, asked}) {
		a.tell("email", to)
	}
	return a.done("email")
}

// rename gives the person another address or username, and keeps this browser signed in.
func (a *account) rename(conn *stagedoor.Connection, to connection.Name) error {
	ctx := context.WithoutCancel(a.r.Context())
	if err := a.Pipeline.Database.On(&connection.Occasion{ClientID: a.set.ClientID}).Renamed(ctx, a.st, conn, a.user, to); err != nil {
		return err
	}
	u, err := a.st.UpdateUser(ctx, a.user.ID, func(u *stagedoor.User) error {
		if err := store.CheckAccessEnded(u, &a.user.AccessEnded); err != nil {
			return err
		}
		if to.Email != "" {
			u.Email, u.EmailVerified = to.Email, to.Verified
		}
		if to.Username != "" {
			u.Username = to.Username
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.user = u
	return a.stay()
}

// stay opens a session anew for a person whose sessions have just ended by what they did here.
func (a *account) stay() error {
	ctx := context.WithoutCancel(a.r.Context())
	if s, err := session.Live(ctx, a.st, session.Handle(a.r)); err != nil || s != nil {
		return err
	}
	conn := &stagedoor.Connection{Name: a.session.Connection, Strategy: a.session.Strategy}
	handle, s, err := session.Open(ctx, a.st, a.user, conn, a.session.Methods, a.session.CameBy, a.session.Risk, session.Visit{IP: a.r.RemoteAddr, UserAgent: a.r.UserAgent()})
	if err != nil {
		return err
	}
	err = a.st.UpdateSession(ctx, s.ID, func(s *stagedoor.Session) {
		s.AuthenticatedAt, s.CreatedAt, s.ExpiresAt = a.session.AuthenticatedAt, a.session.CreatedAt, a.session.ExpiresAt
		s.Clients = []string{a.set.ClientID} // whose login has ended
		s.Settled = a.session.Settled
	})
	if err == nil {
		session.SetCookie(a.w, a.r, handle, s)
	}
	return err
}

// renameProblem is what people read of a name that they cannot have.
func renameProblem(err error) (ui.Problem, bool) {
	switch {
	case stagedoor.HasCode(err, "username_exists"):
		return ui.Problem{Code: "username_exists", Field: ui.FieldUsername}, true
	case stagedoor.IsKind(err, stagedoor.Conflict):
		return ui.Problem{Code: "email_taken"}, true
	case connection.FromScript(err) != nil, stagedoor.IsKind(err, stagedoor.Scripted):
		return ui.Problem{Code: "unknown"}, true
	}
	return ui.Problem{}, false
}

func (a *account) showUsername() error {
	return a.formPage(http.StatusOK, "username", "/username", a.user.Username, nil)
}

// changeUsername takes another username.
func (a *account) changeUsername() error {
	conn, err := a.own()
	if err != nil {
		return err
	}
	typed := text(a.r, ui.FieldUsername)
	wrong := func(code string) error {
		return a.formPage(http.StatusBadRequest, "username", "/username", typed, ui.Problems{{Code: code, Field: ui.FieldUsername}})
	}
	if !conn.Options.Usernames().Have {
		return errNoAccountPage()
	}
	name, err := connection.Username(conn, typed)
	switch {
	case typed == "":
		return wrong("missing_username")
	case err != nil || !conn.Options.Usernames().Takes(name):
		return wrong("invalid_username")
	}
	if name != a.user.Username {
		if err := a.rename(conn, connection.Name{Username: name}); err != nil {
			if problem, ours := renameProblem(err); ours {
				return wrong(problem.Code)
			}
			return err
		}
		a.st.Log(a.event("scu", "The person changed their username on the account page."))
		a.tell("username", a.user.Email)
	}
	return a.done("username")
}

func (a *account) showPassword() error { return a.passwordPage(http.StatusOK, "", nil) }

// ownPassword is the person's database where they have a password there, or an error page.
func (a *account) ownPassword() (*stagedoor.Connection, error) {
	conn, err := a.own()
	if err == nil && !conn.Passwords() {
		return nil, errNoAccountPage()
	}
	return conn, err
}

func (a *account) passwordPage(status int, tried string, problems ui.Problems) error {
	conn, err := a.ownPassword()
	if err != nil {
		return err
	}
	page.Render(a.w, status, ui.AccountFormPage{
		Frame: a.frame, Form: a.form("/password"), Problems: problems, Kind: "password", Policy: policyRules(conn, tried), Value: shown(a.user), BackURL: accountPath,
	})
	return nil
}

// changePassword takes another password. Every other session ends.
func (a *account) changePassword() error {
	conn, err := a.ownPassword()
	if err != nil {
		return err
	}
	secret := a.r.PostFormValue(ui.FieldPassword)
	problems, err := a.newPasswordProblems(a.r, a.st, conn, a.set.ClientID, a.user, secret)
	if err != nil {
		return err
	}
	if problems != nil {
		return a.passwordPage(http.StatusBadRequest, secret, problems)
	}
	if err := a.Pipeline.ChangePassword(a.r.Context(), visit(a.r, a.st), conn, a.user, secret, a.event("scp", "")); err != nil {
		if problem, theirs := passwordScriptProblem(err); theirs {
			return a.passwordPage(http.StatusBadRequest, secret, ui.Problems{problem})
		}
		return err
	}
	ended := a.user.AccessEnded
	if a.user, err = a.st.User(a.r.Context(), a.user.ID); err == nil {
		a.user.AccessEnded = ended + 1 // by this
		err = a.stay()
	}
	if err != nil {
		return err
	}
	a.tell("password", a.user.Email)
	return a.done("password")
}
