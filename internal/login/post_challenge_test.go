package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// challenges makes code the actions of a password reset; each may end in a continue handler.
func (w *world) challenges(code string) {
	w.Helper()
	w.action(script.PasswordResetPostChallenge, `exports.onExecutePostChallenge = async (event, api) => {`+code+`};`)
}

func TestResetAsksScripts(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		link := b.forget()
		w.challenges(`
			const told = JSON.stringify(event);
			if (told.includes('` + strings.Split(link, "ticket=")[1] + `')) throw new Error('the ticket is told');
			if (event.user.email !== 'ada@example.com' || event.connection.name !== 'Users' || event.authentication.methods[0].name !== 'email') throw new Error(told);
			if (!Array.isArray(event.authorization.roles) || event.client.client_id !== '' || event.stats.logins_count !== 0 || event.transaction.locale !== 'en') throw new Error(told);
			console.log('asked from ' + event.request.ip);
			if (event.request.user_agent === 'Scanner') api.access.deny('not ' + event.request.user_agent);`)
		// A program that looks into mails is refused; that says nothing about the person, nor the other way round.
		w.browser().do("GET", link, "", "User-Agent", "Scanner").want(http.StatusBadRequest).says("not Scanner")
		w.logs(`"type":"fcp"`, "not Scanner", "asked from 192.0.2.7")
		form := b.get(link).want(http.StatusOK).says("This will be the password of ada@example.com")
		w.browser().do("GET", link, "", "User-Agent", "Scanner").want(http.StatusBadRequest)
		before := strings.Count(w.logged(), "actions_execution_failed")
		w.challenges(`throw new Error('twice')`)
		b.get(link).want(http.StatusOK) // is not asked again
		// A browser that has not passed cannot send the form either.
		other := w.browser()
		if to := other.submit(form, "password", "Another-Horse-2").want(http.StatusSeeOther).to(); to != link {
			w.Errorf("sent to %s", to)
		}
		other.get(link).want(http.StatusBadRequest).says("twice")
		if w.signsIn("Another-Horse-2") {
			w.Fatal("the password was changed by a browser that had not passed")
		}
		if got := strings.Count(w.logged(), "actions_execution_failed"); got != before+1 {
			w.Errorf("%d failures, had %d", got, before)
		}
		b.submit(form, "password", "Another-Horse-2").want(http.StatusOK).says("Your password is changed")
		if !w.signsIn("Another-Horse-2") {
			w.Error("the password was not changed")
		}
		w.logs(`"type":"scp"`)
		// What cannot be followed is no reason to let people pass.
		link = b.forget()
		for code, want := range map[string]string{
			`api.prompt.render('form')`: "not there", `api.access.deny()`: "", `api.authentication.challengeWith({type: 'email'})`: "second factor",
			`api.redirect.sendUserTo('ftp://x')`: "http or https", `api.authentication.challengeWith({type: 'otp'})`: "second factor",
		} {
			w.challenges(code)
			b.get(link).want(http.StatusBadRequest).says(want)
		}
	})
}

func TestResetIsSentElsewhereAndBack(t *testing.T) {
	each(t, func(w *world) {
		w.action(script.PasswordResetPostChallenge, `
			exports.onExecutePostChallenge = async (event, api) => {
				api.transaction.setResultUrl('https://app.example/done?a=1', {query: {b: '2 3'}});
				api.redirect.sendUserTo('https://other.example/check', {query: {token: api.redirect.encodeToken({secret: 's3cret', payload: {seen: 1}})}});
			};
			exports.onContinuePostChallenge = async (event, api) => {
				console.log('back by ' + event.request.method + ' with ' + event.request.body.answer);
				if (event.request.body.answer !== 'yes') api.access.deny('you said ' + event.request.body.answer);
			};`)
		b := w.browser()
		link := b.forget()
		away := func() string {
			w.Helper()
			to, err := url.Parse(b.get(link).want(http.StatusSeeOther).to())
			w.ok(err)
			if to.Host != "other.example" || to.Query().Get("token") == "" || to.Query().Get("state") == "" || strings.Contains(to.String(), "ticket") {
				w.Fatalf("sent to %s", to)
			}
			return to.Query().Get("state")
		}
		state := away()
		b.get("/authorize/resume?state=" + state).want(http.StatusBadRequest)
		b.get("/u/reset-password?state=" + state).want(http.StatusBadRequest)
		w.browser().post("/continue", url.Values{"state": {state}, "answer": {"yes"}}).want(http.StatusBadRequest)
		// Refused: the page says so once, the next time everything begins anew.
		refused := b.post("/continue", url.Values{"state": {state}, "answer": {"no"}}).want(http.StatusFound)
		b.follow(refused).want(http.StatusBadRequest).says("you said no")
		b.post("/continue", url.Values{"state": {state}, "answer": {"yes"}}).want(http.StatusBadRequest)
		state = away()
		form := b.follow(b.post("/continue", url.Values{"state": {state}, "answer": {"yes"}})).want(http.StatusOK).says("This will be the password")
		b.get(link).want(http.StatusOK)
		to, err := url.Parse(b.submit(form, "password", "Another-Horse-2").want(http.StatusSeeOther).to())
		w.ok(err)
		if q := to.Query(); to.Host != "app.example" || q.Get("a") != "1" || q.Get("b") != "2 3" || q.Get("success") != "true" {
			w.Errorf("in the end at %s", to)
		}
		w.logs("back by POST with yes", "you said no")
		if !w.signsIn("Another-Horse-2") {
			w.Error("the password was not changed")
		}
	})
}

// A ticket with an address of its own gets refusals there.
func TestRefusedResetGoesBackToItsAddress(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.challenges(`api.access.deny('not today')`)
	w.ok(w.st.CreateTicket(w.Context(), "abc", &stagedoor.Ticket{
		Kind: stagedoor.TicketReset, UserID: w.found("ada@example.com").ID, ResultURL: "https://app.example/done", ExpiresAt: w.clock().Add(1e12), ClientID: "app",
	}))
	to, err := url.Parse(w.browser().get("/u/reset-password?ticket=abc").want(http.StatusFound).to())
	w.ok(err)
	if q := to.Query(); to.Host != "app.example" || q.Get("success") != "false" || q.Get("code") != "access_denied" || q.Get("message") != "not today" {
		t.Errorf("sent to %s", to)
	}
}

func TestResetWithSecondFactor(t *testing.T) {
	each(t, func(w *world) {
		secret, recovery := w.enrolled()
		w.factors(nil, "otp")
		w.challenges(`api.authentication.challengeWithAny([{type: 'otp'}, {type: 'recovery-code'}]);`)
		b := w.browser()
		link := b.forget()
		page := b.follow(b.get(link)).want(http.StatusOK).says("Verify that it is you")
		b.get(link).want(http.StatusSeeOther) // the way back to the page
		page = b.submit(page, "code", "000000").want(http.StatusBadRequest)
		w.browser().submit(page, "code", w.code(secret)).want(http.StatusBadRequest) // another browser's
		form := b.follow(b.submit(page, "code", w.code(secret)).want(http.StatusSeeOther)).want(http.StatusOK).says("This will be the password")
		if s, err := w.st.UserSessions(w.Context(), w.found("ada@example.com").ID); err != nil || len(s) != 0 {
			w.Errorf("sessions %v %v", s, err)
		}
		b.submit(form, "password", "Another-Horse-2").want(http.StatusOK)

		// The recovery code is used up: the person notes another one down before they go on.
		w.challenges(`api.authentication.challengeWith({type: 'recovery-code'});`)
		link = b.forget()
		page = b.follow(b.get(link)).want(http.StatusOK)
		note := b.follow(b.submit(page, "code", recovery)).want(http.StatusOK).says("Your recovery code")
		b.get(link).want(http.StatusSeeOther)
		form = b.follow(b.submit(note, "noted", "1")).want(http.StatusOK).says("This will be the password")
		b.submit(form, "password", "Third-Horse-3").want(http.StatusOK)
		if !w.signsIn("Third-Horse-3") {
			w.Error("the password was not changed")
		}
	})
}
