package login_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// flowDocument keeps a form, a flow or what flows connect to, under an id.
func (w *world) flowDocument(kind store.Kind[stagedoor.Document], id, members string) {
	w.Helper()
	if _, err := kind.Delete(w.Context(), w.st, id); err != nil {
		w.Fatal(err)
	}
	w.ok(kind.Create(w.Context(), w.st, &stagedoor.Document{ID: id, Sealed: members}))
}

const profileForm = `{"name":"Profile","languages":{"primary":"en"},"messages":{"errors":{"ERR_REQUIRED_PROPERTY":"We need this."}},
 "translations":{"de":{"components":{"company":{"label":"Firma"}}}},
 "start":{"hidden_fields":[{"key":"source","value":"{{context.client.name}}"}],"next_node":"one"},
 "nodes":[
  {"id":"one","type":"STEP","config":{"next_node":"fork","components":[
    {"id":"t","category":"BLOCK","type":"RICH_TEXT","config":{"content":"<h2>Hello {{context.user.email}}</h2><p>{{vars.note}}</p><script>alert(1)</script>"}},
    {"id":"company","category":"FIELD","type":"TEXT","label":"Company","required":true,"config":{"max_length":20}},
    {"id":"size","category":"FIELD","type":"NUMBER","label":"People","config":{"min_value":1}},
    {"id":"secret","category":"FIELD","type":"PASSWORD","label":"Secret"},
    {"id":"plan","category":"FIELD","type":"DROPDOWN","label":"Plan","config":{"options":[{"value":"s","label":"Small"},{"value":"l","label":"Large"}]}},
    {"id":"n","category":"BLOCK","type":"NEXT_BUTTON","config":{"text":"Go on"}},
    {"id":"skip","category":"BLOCK","type":"JUMP_BUTTON","config":{"text":"Later","next_node":"$ending"}}]}},
  {"id":"fork","type":"ROUTER","config":{"rules":[{"id":"r","condition":{"operator":"EQ","operands":["{{fields.plan}}","l"]},"next_node":"two"}],"fallback":"$ending"}},
  {"id":"two","type":"STEP","config":{"next_node":"$ending","components":[
    {"id":"terms","category":"FIELD","type":"LEGAL","required":true,"config":{"text":"I agree to the <a href=\"https://x.example\">terms</a> of {{fields.company}}"}},
    {"id":"b","category":"BLOCK","type":"PREVIOUS_BUTTON","config":{"text":"Back"}},
    {"id":"m","category":"BLOCK","type":"NEXT_BUTTON","config":{"text":"Done"}}]}}],
 "ending":{"resume_flow":true}}`

// renders makes an action that renders the form for everybody and writes down what comes of it.
func (w *world) renders(options string) {
	w.Helper()
	w.action(script.PostLogin, `
		exports.onExecutePostLogin = async (event, api) => {
			if (event.prompt) throw new Error('too early');
			api.transaction.setMetadata('kept', 'yes');
			api.prompt.render('ap_one'`+options+`);
		};
		exports.onContinuePostLogin = async (event, api) => {
			console.log('filled in ' + JSON.stringify(event.prompt) + ' ' + event.transaction.metadata.kept);
			api.user.setUserMetadata('company', event.prompt.fields.company);
		};`)
}

// signIn fills in the login page, and follows to the page behind it.
func (b *browser) signIn(params ...string) *reply {
	b.Helper()
	return b.follow(b.submit(b.begin(params...).want(http.StatusOK), "username", "ada@example.com", "password", good))
}

func TestFormIsFilledIn(t *testing.T) {
	each(t, func(w *world) {
		w.flowDocument(store.Forms, "ap_one", profileForm)
		w.renders(`, {fields: {company: '<b>Acme</b>', other: 1}, vars: {note: '<i>5 < 6</i>'}}`)
		b := w.browser()
		page := b.signIn().want(http.StatusOK).says("Hello ada@example.com", "<i>5 < 6</i>", "Company", "People (optional)", "Go on", "Later")
		for _, bad := range []string{"<script>alert", "<i>", `value="<b>`} {
			if strings.Contains(page.body, bad) {
				w.Errorf("the page has %s: %s", bad, page.body)
			}
		}
		if !strings.Contains(page.body, `value="&lt;b&gt;Acme&lt;/b&gt;"`) || !strings.Contains(page.body, `lang="en"`) {
			w.Errorf("not prefilled: %s", page.body)
		}
		// What is wrong is told beside each field, and what was typed stays, but for the secret.
		page = b.submit(page, "press", "next", "field-company", "", "field-size", "0", "field-secret", "s3cret", "field-plan", "1").want(http.StatusBadRequest).says("We need this.", "Enter 1 or more.")
		if strings.Contains(page.body, "s3cret") || !strings.Contains(page.body, `value="1" selected`) || !strings.Contains(page.body, `aria-invalid="true"`) {
			w.Errorf("%s", page.body)
		}
		one := page
		page = b.follow(b.submit(page, "press", "next", "field-company", "Acme", "field-size", "7", "field-secret", "s3cret", "field-plan", "1").want(http.StatusSeeOther)).want(http.StatusOK)
		page.says("I agree to the terms of Acme", "Back", "Done")
		// An answer counts once: the same one again changes nothing, and shows where the person is.
		b.follow(b.submit(one, "press", "next", "field-company", "Evil", "field-plan", "0").want(http.StatusSeeOther)).says("terms of Acme")
		b.follow(b.submit(page, "press", "jump.skip").want(http.StatusSeeOther)).says("terms of Acme") // which the step does not have
		page = b.get(page.path)
		page = b.follow(b.submit(page, "press", "back").want(http.StatusSeeOther)).want(http.StatusOK).says("Company")
		if !strings.Contains(page.body, `value="Acme"`) || strings.Contains(page.body, "s3cret") {
			w.Errorf("%s", page.body)
		}
		page = b.follow(b.submit(page, "press", "next", "field-company", "Acme", "field-size", "7", "field-secret", "s3cret", "field-plan", "1"))
		b.submit(page, "press", "next").want(http.StatusBadRequest).says("We need this.")
		// Nobody goes on without, nor in another browser.
		state := strings.Split(strings.Split(page.path, "state=")[1], "&")[0]
		b.follow(b.get("/authorize/resume?state=" + state)).says("I agree")
		w.browser().get(page.path).want(http.StatusBadRequest)
		b.get("/continue?state=" + state).want(http.StatusBadRequest)
		if q := b.finish(b.submit(page, "press", "next", "field-terms", "true").want(http.StatusSeeOther)); q.Get("code") == "" {
			w.Fatalf("ended with %v", q)
		}
		b.get(page.path).want(http.StatusBadRequest) // over
		w.logs(`filled in {\"fields\":{\"company\":\"Acme\",\"plan\":\"l\",\"secret\":\"~masked~\",\"size\":7,\"source\":\"Mixtape\",\"terms\":true},\"id\":\"ap_one\",\"vars\":{\"note\":\"\u003ci\u003e5 \u003c 6\u003c/i\u003e\"}} yes`,
			"forms_submission_succeeded")
		if got := string(w.found("ada@example.com").UserMetadata["company"]); got != `"Acme"` {
			w.Errorf("company %s", got)
		}
		// Later: nothing of the step is taken.
		b = w.browser()
		if q := b.finish(b.submit(b.signIn(), "press", "jump.skip", "field-company", "X")); q.Get("code") == "" {
			w.Errorf("ended with %v", q)
		}
		w.logs(`\"fields\":{\"company\":\"\u003cb\u003eAcme\u003c/b\u003e\",\"source\":\"Mixtape\"}`)
	})
}

func TestFormSpeaksTheLanguageOfThePage(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de"} })
	w.flowDocument(store.Forms, "ap_one", profileForm)
	w.renders("")
	page := w.browser().signIn("ui_locales", "de").want(http.StatusOK).says("Firma", "People (freiwillig)")
	if !strings.Contains(page.body, `<div lang="de">`) {
		t.Error(page.body)
	}
}

// TestFormThatCannotBeFollowed: what is not here ends the login, and says so, before anybody has filled in anything.
func TestFormThatCannotBeFollowed(t *testing.T) {
	each(t, func(w *world) {
		w.renders("")
		refused := func(want string) {
			w.Helper()
			b := w.browser()
			if q := b.finish(b.submit(b.begin(), "username", "ada@example.com", "password", good)); q.Get("error") != "access_denied" || !strings.Contains(q.Get("error_description"), want) {
				w.Errorf("%v, want %s", q, want)
			}
		}
		refused("ap_one, which is not there")
		w.flowDocument(store.Forms, "ap_one", `{"start":{"next_node":"a"},"nodes":[{"id":"a","type":"STEP","config":{"components":[{"id":"p","type":"PAYMENT"}]}}]}`)
		refused("PAYMENT")
		w.flowDocument(store.Forms, "ap_one", `{"start":{"next_node":"a"},"nodes":[{"id":"a","type":"FLOW","config":{"flow_id":"af_one","next_node":"$ending"}}]}`)
		refused("af_one")
		w.flowDocument(store.Flows, "af_one", `{"actions":[{"id":"x","type":"STRIPE","action":"ADD_TAX_ID"}]}`)
		refused("STRIPE ADD_TAX_ID")
		w.flowDocument(store.Flows, "af_one", `{"actions":[{"id":"x","type":"FLOW","action":"ERROR_MESSAGE","params":{"message":"Not you, {{context.user.email}}"}}]}`)
		refused("Not you, ada@example.com")
		w.flowDocument(store.Forms, "ap_one", profileForm)
		for code, want := range map[string]string{
			`api.prompt.render('ap_one'); api.prompt.render('ap_one')`:                  "one form only",
			`api.prompt.render('ap_one'); api.redirect.sendUserTo('https://x.example')`: "cannot render a form and send",
			`api.redirect.sendUserTo('https://x.example'); api.prompt.render('ap_one')`: "cannot render a form and send",
			`api.prompt.render('ap_one', {fields: {a: 'x'.repeat(30000)}})`:             "larger than 24 KB", `api.prompt.render()`: "needs the id",
		} {
			w.action(script.PostLogin, `exports.onExecutePostLogin = async (event, api) => {`+code+`};`)
			refused(want)
		}
		w.action(script.PostLogin, `exports.onExecutePostLogin = async (event, api) => api.prompt.render('ap_one');
			exports.onContinuePostLogin = async (event, api) => api.prompt.render('ap_one');`)
		b := w.browser()
		if q := b.finish(b.submit(b.signIn(), "press", "jump.skip")); !strings.Contains(q.Get("error_description"), "one form only") {
			w.Errorf("%v", q)
		}
		// A form that was changed meanwhile, and one without a browser that could show it.
		b = w.browser()
		page := b.signIn().says("Company")
		w.flowDocument(store.Forms, "ap_one", `{"start":{"next_node":"x"},"nodes":[{"id":"x","type":"STEP","config":{}}]}`)
		b.get(page.path).want(http.StatusBadRequest).says("changed meanwhile")
		w.flowDocument(store.Forms, "ap_one", `{"start":{"next_node":"f"},"nodes":[{"id":"f","type":"FLOW","config":{"flow_id":"af_one","next_node":"$ending"}}]}`)
		before := strings.Count(w.logged(), "flows_execution")
		if q := b.finish(b.begin("prompt", "none")); q.Get("error") != "interaction_required" || strings.Count(w.logged(), "flows_execution") != before {
			w.Errorf("%v, or a flow ran", q)
		}
	})
}

// TestFormFlows: flows tell people what is wrong, keep shared variables, and run once for each answer.
func TestFormFlows(t *testing.T) {
	each(t, func(w *world) {
		var mu sync.Mutex
		calls := 0
		outside := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			calls++
			time.Sleep(50 * time.Millisecond)
			if r.Header.Get("Authorization") != "Bearer s3cret" {
				rw.WriteHeader(http.StatusUnauthorized)
			}
			rw.Header().Set("Content-Type", "application/json")
			rw.Write([]byte(`{"score":9}`))
		}))
		defer outside.Close()
		server := outside.URL
		w.flowDocument(store.VaultConnections, "ac_one", `{"name":"x","app_id":"HTTP","setup":{"type":"BEARER","token":"s3cret"}}`)
		w.flowDocument(store.Flows, "af_one", `{"name":"Check","actions":[
			{"id":"if","type":"FLOW","action":"BOOLEAN_CONDITION","params":{"if":{"operator":"EQ","operands":["{{fields.code}}","no"]},"then":[{"id":"e","type":"FLOW","action":"ERROR_MESSAGE","params":{"message":"Not {{fields.code}}"}}]}},
			{"id":"call","type":"HTTP","action":"SEND_REQUEST","params":{"method":"POST","url":"`+server+`/{{fields.code}}","connection_id":"ac_one","payload":{"code":"{{fields.code}}"}}},
			{"id":"keep","type":"FLOW","action":"STORE_VARS","params":{"vars":{"score":"{{actions.call.body.score}}"}}}]}`)
		w.flowDocument(store.Flows, "af_mail", `{"name":"Mail","actions":[
			{"id":"otp","type":"OTP","action":"GENERATE_CODE","params":{"reference":"{{context.user.email}}","length":6}},
			{"id":"mail","type":"AUTH0","action":"SEND_EMAIL","params":{"to":"{{context.user.email}}","subject":"Code for {{application.name}}","body":"<p>Your code: {{ custom_vars.code }}</p>","custom_vars":{"code":"{{actions.otp.code}}"}}}]}`)
		w.flowDocument(store.Flows, "af_verify", `{"name":"Verify","actions":[
			{"id":"v","type":"OTP","action":"VERIFY_CODE","params":{"reference":"{{context.user.email}}","code":"{{fields.otp}}"}},
			{"id":"if","type":"FLOW","action":"BOOLEAN_CONDITION","params":{"if":{"operator":"IS_FALSE","operands":["{{actions.v.valid}}"]},"then":[{"id":"e","type":"FLOW","action":"ERROR_MESSAGE","params":{"message":"Wrong code"}}]}}]}`)
		w.flowDocument(store.Forms, "ap_one", `{"start":{"next_node":"one"},"nodes":[
			{"id":"one","type":"STEP","config":{"next_node":"f","components":[{"id":"code","type":"TEXT","label":"Code"},{"id":"n","type":"NEXT_BUTTON","config":{"text":"Go"}}]}},
			{"id":"f","type":"FLOW","config":{"flow_id":"af_one","next_node":"m"}},{"id":"m","type":"FLOW","config":{"flow_id":"af_mail","next_node":"two"}},
			{"id":"two","type":"STEP","config":{"next_node":"v","components":[{"id":"otp","type":"TEXT","label":"From the mail","required":true},{"id":"n","type":"NEXT_BUTTON","config":{"text":"Go"}},
				{"id":"again","type":"RESEND_BUTTON","config":{"active_text":"No mail?","button_text":"Send again","waiting_text":"Wait {{remaining_seconds}} s","flow_id":"af_mail","waiting_time":30}}]}},
			{"id":"v","type":"FLOW","config":{"flow_id":"af_verify","next_node":"$ending"}}],"ending":{"resume_flow":true}}`)
		w.renders("")
		b := w.browser()
		page := b.signIn().says("Code")
		page = b.follow(b.submit(page, "press", "next", "field-code", "no").want(http.StatusSeeOther)).want(http.StatusBadRequest).says("Not no")
		id, err := url.Parse(page.path)
		w.ok(err)
		stale, err := w.st.Transaction(t.Context(), id.Query().Get("state"))
		w.ok(err)
		stale.ID = id.Query().Get("state")
		// Two at once: one does the work, both see where it leads.
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() { b.submit(page, "press", "next", "field-code", "yes").want(http.StatusSeeOther) })
		}
		wait.Wait()
		if calls != 1 {
			w.Errorf("%d calls", calls)
		}
		if walk, err := w.pipe.FormStep(t.Context(), pipeline.Visit{Store: w.st}, stale); err != nil || walk.State.At != "two" { // who has read the login before
			w.Errorf("who was late is at %+v: %v", walk, err)
		}
		page = b.get(page.path).want(http.StatusOK).says("From the mail", "No mail?", "Send again")
		mails := w.mails()
		if len(mails) != 1 || mails[0].Subject != "Code for Mixtape" || !strings.Contains(mails[0].HTML, "Your code: ") || !strings.Contains(mails[0].Text, "Your code: ") {
			w.Fatalf("mails %+v", mails)
		}
		page = b.follow(b.submit(page, "press", "next", "field-otp", "x").want(http.StatusSeeOther)).want(http.StatusBadRequest).says("Wrong code")
		page = b.follow(b.submit(page, "press", "resend.again").want(http.StatusSeeOther)).says("Wait 30 s").hides("Send again")
		mails = w.mails()
		code := strings.Fields(strings.Split(mails[0].Text, "Your code: ")[1])[0]
		if len(mails) != 2 {
			w.Errorf("%d mails", len(mails))
		}
		if newest := mails[len(mails)-1]; newest.SentAt.After(mails[0].SentAt) {
			code = strings.Fields(strings.Split(newest.Text, "Your code: ")[1])[0]
		}
		r := b.submit(page, "press", "next", "field-otp", code).want(http.StatusSeeOther)
		if strings.Contains(r.to(), "/u/form") { // both were sent within the same moment
			other := strings.Fields(strings.Split(mails[1].Text, "Your code: ")[1])[0]
			r = b.submit(b.follow(r), "press", "next", "field-otp", other)
		}
		if q := b.finish(r); q.Get("code") == "" {
			w.Errorf("%v", q)
		}
		w.logs(`\"vars\":{\"score\":9}`, "flows_execution_completed", "forms_submission_succeeded")
		// A flow that fails leaves the person where they are, and tells the operator why without any values.
		w.flowDocument(store.VaultConnections, "ac_one", `{"setup":{"type":"BEARER","token":"other"}}`)
		b = w.browser()
		page = b.signIn()
		b.follow(b.submit(page, "press", "next", "field-code", "yes").want(http.StatusSeeOther)).want(http.StatusBadRequest).says("This did not work")
		w.logs("flows_execution_failed", "The action call failed: the answer was 401")
		runs, total, err := w.st.FlowExecutions(w.Context(), "af_one", store.FlowExecutionQuery{PerPage: 9})
		journeys := map[string]string{} // by what became of their runs
		for _, r := range runs {
			journeys[r.Status] += r.JourneyID
		}
		if first := journeys["COMPLETED"]; err != nil || total != 3 || len(first) != 72 || first[:36] != first[36:] || len(journeys["FAILED"]) != 36 || first[:36] == journeys["FAILED"] {
			w.Errorf("runs %+v, %v", runs, err)
		}
		if text := w.logged(); strings.Contains(text, "s3cret") || strings.Contains(text, server) {
			w.Error("the log has the values of a flow")
		}
	})
}

// TestFormAfterACrash: a server that died in the middle of a step keeps nobody from it for longer than its lease.
func TestFormAfterACrash(t *testing.T) {
	each(t, func(w *world) {
		w.flowDocument(store.Forms, "ap_one", profileForm)
		w.renders("")
		b := w.browser()
		page := b.signIn().says("Company")
		_, values := page.form()
		// What the dead one had begun: a lease of the step, for 15 seconds more.
		if ours, err := w.st.Lease(w.Context(), "form\x00"+values.Get("nonce"), time.Time{}, w.clock().Add(15*time.Second)); err != nil || !ours {
			w.Fatal(ours, err)
		}
		w.wait(15 * time.Second)
		if q := b.finish(b.submit(page, "press", "jump.skip").want(http.StatusSeeOther)); q.Get("code") == "" {
			w.Errorf("%v", q)
		}
	})
}

// TestFlowsAreThrottled: one-time codes cannot be guessed in login after login, and nobody has mails sent without end.
func TestFlowsAreThrottled(t *testing.T) {
	each(t, func(w *world) {
		w.flowDocument(store.Flows, "af_code", `{"name":"Code","actions":[
			{"id":"otp","type":"OTP","action":"GENERATE_CODE","params":{"reference":"x","length":6}},
			{"id":"mail","type":"AUTH0","action":"SEND_EMAIL","params":{"to":"{{context.user.email}}","subject":"Code","body":"Your code: {{ custom_vars.code }}","custom_vars":{"code":"{{actions.otp.code}}"}}}]}`)
		w.flowDocument(store.Flows, "af_verify", `{"name":"Verify","actions":[
			{"id":"try","type":"OTP","action":"VERIFY_CODE","params":{"reference":"x","code":"{{fields.otp}}"},"allow_failure":true},
			{"id":"if","type":"FLOW","action":"BOOLEAN_CONDITION","params":{"if":{"operator":"IS_FALSE","operands":["{{actions.try.valid}}"]},"then":[{"id":"e","type":"FLOW","action":"ERROR_MESSAGE","params":{"message":"Wrong code"}}]}}]}`)
		w.flowDocument(store.Forms, "ap_one", `{"start":{"next_node":"c"},"nodes":[{"id":"c","type":"FLOW","config":{"flow_id":"af_code","next_node":"two"}},
			{"id":"two","type":"STEP","config":{"next_node":"v","components":[{"id":"otp","type":"TEXT","label":"Code"},{"id":"n","type":"NEXT_BUTTON","config":{"text":"Go"}}]}},
			{"id":"v","type":"FLOW","config":{"flow_id":"af_verify","next_node":"$ending"}}],"ending":{"resume_flow":true}}`)
		w.renders("")
		begin := func() (*browser, *reply, string) {
			w.wait(time.Second) // mails are listed by their time
			b := w.browser()
			page := b.signIn().says("Code")
			return b, page, strings.Fields(strings.Split(w.mails()[0].Text, "Your code: ")[1])[0]
		}
		for range 2 {
			b, page, _ := begin()
			for range 5 {
				page = b.follow(b.submit(page, "press", "next", "field-otp", "wrong").want(http.StatusSeeOther)).says("Wrong code")
			}
		}
		b, page, code := begin()
		b.follow(b.submit(page, "press", "next", "field-otp", code).want(http.StatusSeeOther)).says("Wrong code") // one too many
		w.wait(6 * time.Minute)
		for range 3 { // right ones are not counted
			b, page, code = begin()
			if q := b.finish(b.submit(page, "press", "next", "field-otp", code)); q.Get("code") == "" {
				w.Errorf("%v", q)
			}
		}
		mail := `{"id":"m%","type":"AUTH0","action":"SEND_EMAIL","params":{"to":"x@example.com","subject":"S","body":"B"}}`
		var many []string
		for i := range 25 {
			many = append(many, strings.Replace(mail, "%", strconv.Itoa(i), 1))
		}
		w.flowDocument(store.Flows, "af_code", `{"name":"Many","actions":[`+strings.Join(many, ",")+`]}`)
		before := len(w.mails())
		b = w.browser()
		b.finish(b.submit(b.begin(), "username", "ada@example.com", "password", good))
		w.logs("too many messages were sent for this person")
		if sent := len(w.mails()) - before; sent >= 20 || sent < 10 {
			w.Errorf("%d mails", sent)
		}

		// Texts are counted with them.
		w.flowDocument(store.Flows, "af_code", `{"name":"Text","actions":[{"id":"s","type":"AUTH0","action":"SEND_SMS","params":{"to":"+15550100","message":"M"}}]}`)
		text := func() int {
			before := len(w.mails())
			b := w.browser()
			b.follow(b.submit(b.begin(), "username", "ada@example.com", "password", good))
			return len(w.mails()) - before
		}
		if sent := text(); sent != 0 {
			w.Errorf("%d texts", sent)
		}
		w.wait(3 * time.Minute)
		if sent := text(); sent != 1 {
			w.Errorf("%d texts three minutes later", sent)
		}
	})
}

// TestFormEndsElsewhere: a form may lead away from the login, which is over then.
func TestFormEndsElsewhere(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.flowDocument(store.Forms, "ap_one", `{"start":{"next_node":"one"},"nodes":[{"id":"one","type":"STEP","config":{"next_node":"$ending","components":[{"id":"n","type":"NEXT_BUTTON","config":{"text":"Go"}}]}}],
		"ending":{"redirection":{"target":"https://app.example/bye?who={{functions.encodeURIComponent(context.user.email)}}"}}}`)
	w.renders("")
	b := w.browser()
	page := b.signIn()
	if to := b.submit(page, "press", "next").want(http.StatusSeeOther).to(); to != "https://app.example/bye?who=ada%40example.com" {
		t.Errorf("sent to %s", to)
	}
	b.get(page.path).want(http.StatusBadRequest)
}

func TestFormBeforeANewPassword(t *testing.T) {
	each(t, func(w *world) {
		w.flowDocument(store.Forms, "ap_one", profileForm)
		w.action(script.PasswordResetPostChallenge, `
			exports.onExecutePostChallenge = async (event, api) => api.prompt.render('ap_one', {vars: {note: 'first'}});
			exports.onContinuePostChallenge = async (event, api) => {
				console.log('filled in ' + JSON.stringify(event.prompt));
				if (event.prompt.fields.company !== 'Acme') api.access.deny('not of ' + event.prompt.fields.company);
			};`)
		b := w.browser()
		link := b.forget()
		page := b.follow(b.get(link)).want(http.StatusOK).says("Hello ada@example.com", "first")
		b.follow(b.get(link)).says("first") // the way back to the page
		form := b.follow(b.submit(page, "press", "next", "field-company", "Other").want(http.StatusSeeOther)).want(http.StatusBadRequest).says("not of Other")
		_ = form
		page = b.follow(b.get(link)).want(http.StatusOK)
		form = b.follow(b.submit(page, "press", "next", "field-company", "Acme").want(http.StatusSeeOther)).want(http.StatusOK).says("This will be the password")
		b.submit(form, "password", "Another-Horse-2").want(http.StatusOK)
		if !w.signsIn("Another-Horse-2") {
			w.Error("the password was not changed")
		}
	})
}

// TestFormOfAnotherLogin: the answers lie with the login and its browser, whatever a form claims.
func TestFormOfAnotherLogin(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.flowDocument(store.Forms, "ap_one", profileForm)
	w.renders("")
	victim, attacker := w.browser(), w.browser()
	page, own := victim.signIn(), attacker.signIn()
	action, values := own.form("press", "next", "field-company", "Evil")
	victim.post(action, values).want(http.StatusBadRequest) // the attacker's login in the victim's browser
	_, mine := page.form("press", "next", "field-company", "Evil")
	attacker.post(action, url.Values{"nonce": mine["nonce"], "press": {"next"}, "field-company": {"Evil"}}).want(http.StatusSeeOther)
	attacker.get(own.path).says("Company")
	victim.get(page.path).says("Company")
}
