package form_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/form"
)

var now = time.Date(2024, 5, 17, 20, 15, 3, 0, time.UTC)

func env() *form.Env {
	return &form.Env{
		Context: map[string]any{"user": map[string]any{"email": "ada@example.com", "user_metadata": map[string]any{"a b": true}, "identities": []any{map[string]any{"provider": "auth0"}}}},
		Fields:  map[string]any{"n": 5.0, "list": []any{"x", "y"}, "html": "<b>"}, Vars: map[string]any{"id": "7"}, Custom: map[string]string{"hello": "Hallo"}, Now: now,
	}
}

func TestTemplates(t *testing.T) {
	for text, want := range map[string]any{
		"plain": "plain", "{{fields.n}}": 5.0, " {{ fields.n }} ": 5.0, "n={{fields.n}}!": "n=5!", "{{fields.list}}": []any{"x", "y"}, "{{fields.list[1]}}": "y",
		"{{fields.list.0}}": "x", "{{fields.none}}": nil, "a{{fields.none.deep}}b": "ab", "{{context.user.user_metadata['a b']}}": true,
		"{{context.user.identities[0].provider}}": "auth0", "{{fields.none ?? vars.id}}": "7", "{{ fields.none ?? 'x}}y' }}": "x}}y", "{{t('hello')}} {{vars.id}}": "Hallo 7",
		"{{functions.toString(fields.n)}}": "5", "{{functions.length('auth0')}}": 5.0, "{{functions.slice('example', 3, 5)}}": "mp", "{{functions.toNumber('123')}}": 123.0,
		"{{functions.split('2021-04-30', '-')}}": []any{"2021", "04", "30"}, "{{functions.replaceAll('2021-04-30', '-', '/')}}": "2021/04/30",
		"{{functions.replace('2021-04-30', '-', '/')}}": "2021/04-30", "{{functions.now()}}": "2024-05-17T20:15:03.000Z", "{{functions.toTimestamp()}}": 1715976903.0,
		"{{functions.includes(['a', 'b'], 'b')}}": true, "{{functions.indexOf(['a', 'b'], 'c')}}": -1.0, "{{functions.toArray('a')}}": []any{"a"},
		"{{functions.merge(['a'], ['b'])}}": []any{"a", "b"}, "{{functions.encodeURIComponent('auth0|1 2')}}": "auth0%7C1%202", "{{functions.md5('auth0')}}": "7bbb59770ba3cf6e020790ba5b77e75a",
		"{{functions.toBoolean(0)}}": false, "{{functions.substring('example', 5, 3)}}": "mp",
		// What is no expression stays as it is, and nothing is ever evaluated.
		"{{": "{{", "{{}}": "{{}}", "{{ 1 + 1 }}": "{{ 1 + 1 }}", "{{fields.n": "{{fields.n", "{{constructor('x')}}": "{{constructor('x')}}", "{{fields.constructor}}": nil,
		"{{process.env}}": nil, "{{context.user.email}}{{": "ada@example.com{{",
	} {
		got, err := env().Expand(text, nil)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, %v; want %#v", text, got, err, want)
		}
	}
	if got, err := env().Words("<p>{{fields.html}}</p>{{context.user.email}}", strings.ToUpper); err != nil || got != "<p><B></p>ADA@EXAMPLE.COM" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := env().Words("{{fields.html}}", func(s string) string { return "(" + s + ")" }); err != nil || got != "(<b>)" {
		t.Errorf("one template alone is not escaped: %q, %v", got, err)
	}
	if _, err := env().Expand("{{functions.eval('1')}}", nil); !stagedoor.IsKind(err, stagedoor.Scripted) || !strings.Contains(err.Error(), "functions.eval") {
		t.Errorf("an unknown function is no error: %v", err)
	}
}

func condition(t *testing.T, text string) *form.Condition {
	t.Helper()
	c := new(form.Condition)
	if err := json.Unmarshal([]byte(text), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConditions(t *testing.T) {
	for text, want := range map[string]bool{
		`{"operator":"EQ","operands":["{{fields.n}}","5"]}`: true, `{"operator":"NEQ","operands":["{{fields.n}}",5]}`: false, `{"operator":"GT","operands":["{{fields.n}}","40"]}`: false,
		`{"operator":"LTE","operands":["5.0","{{fields.n}}"]}`: true, `{"operator":"CONTAINS","operands":["{{fields.list}}","y"]}`: true,
		`{"operator":"NOT_CONTAINS","operands":["{{context.user.email}}","@example"]}`: false, `{"operator":"STARTS_WITH","operands":["{{context.user.email}}","ada"]}`: true,
		`{"operator":"ENDS_WITH","operands":["{{context.user.none}}",""]}`: false, `{"operator":"EXISTS","operands":["{{fields.n}}"]}`: true,
		`{"operator":"EXISTS","operands":["{{fields.none}}"]}`: false, `{"operator":"NOT_EXISTS","operands":["{{fields.none}}"]}`: true, `{"operator":"IS_NULL","operands":["{{fields.none}}"]}`: true,
		`{"operator":"HAS_NOT_VALUE","operands":[""]}`: true, `{"operator":"IS_TRUE","operands":["{{context.user.user_metadata['a b']}}"]}`: true, `{"operator":"IS_FALSE","operands":["{{fields.none}}"]}`: false,
		`{"operator":"AND","operands":[{"operator":"EQ","operands":[1,1]},{"operator":"OR","operands":[{"operator":"EQ","operands":[1,2]},{"operator":"equals","operands":["a","a"]}]}]}`: true,
		`{"operator":"NOT","operands":[{"operator":"EQ","operands":[1,1]}]}`: false,
	} {
		if got, err := condition(t, text).Holds(env()); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	deep := `{"operator":"EQ","operands":[1,1]}`
	for range 30 {
		deep = `{"operator":"AND","operands":[` + deep + `]}`
	}
	for _, text := range []string{`{"operator":"MATCHES","operands":["a","(a+)+$"]}`, `{"operator":"EQ","operands":[1]}`, `{"operator":"AND","operands":[]}`, `{"operator":"AND","operands":["x"]}`, deep} {
		if _, err := condition(t, text).Holds(env()); !stagedoor.IsKind(err, stagedoor.Scripted) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestClean(t *testing.T) {
	for source, want := range map[string]string{
		`<h1>Hi</h1><p>a &amp; b<br>c</p>`: `<h2>Hi</h2><p>a &amp; b<br>c</p>`, `<script>alert(1)</script>x`: `x`, `<img src=x onerror=alert(1)>`: `<img alt="" referrerpolicy="no-referrer">`,
		`<a href="javascript:alert(1)" onclick=x>y</a>`: `<a>y</a>`, `<a href="JaVa&#10;Script:alert(1)">y</a>`: `<a>y</a>`,
		`<svg><script>x</script><a href="https://x"></svg>z`: `z`, `<p>open<b>bold`: `<p>open<b>bold</b></p>`, `</div></main><p>x`: `<p>x</p>`, `<form action=/x><input name=a></form>t`: `t`,
		`<a href="https://x.example/?a=1&b=2">y</a>`:                    `<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">y</a>`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`: `<img alt="" referrerpolicy="no-referrer">&#34;&gt;`, `<style>p{}</style><p style="x" class=y id=z>t</p>`: `<p>t</p>`,
		`<img src="https://x.example/a.png" alt="A">`: `<img src="https://x.example/a.png" alt="A" referrerpolicy="no-referrer">`, `<textarea><p>x</textarea><base href=//x>`: ``, `a < b`: `a &lt; b`,
	} {
		if got := form.Clean(source); got != want {
			t.Errorf("%s became %s, want %s", source, got, want)
		}
	}
}

const kyc = `{"name":"KYC","languages":{"primary":"en"},"messages":{"errors":{"ERR_REQUIRED_PROPERTY":"Needed","ERR_TOO_SHORT_STRING":"At least {{minLength}}"},"custom":{"hi":"Hello"}},
 "translations":{"de":{"components":{"full_name":{"label":"Dein Name"},"plan":{"config":{"options":[{"label":"Klein"},{"label":"Groß"}]}}},"messages":{"errors":{"ERR_REQUIRED_PROPERTY":"Fehlt"},"custom":{"hi":"Hallo"}}}},
 "start":{"hidden_fields":[{"key":"source","value":"{{context.client.name}}"},{"key":"campaign"}],"next_node":"one"},
 "nodes":[
  {"id":"one","type":"STEP","config":{"components":[
    {"id":"full_name","category":"FIELD","type":"TEXT","label":"Your Name","required":true,"config":{"min_length":2,"max_length":50}},
    {"id":"age","category":"FIELD","type":"NUMBER","config":{"min_value":18,"max_value":120}},
    {"id":"plan","category":"FIELD","type":"CHOICE","config":{"options":[{"value":"s","label":"Small"},{"value":"l","label":"Large"}],"allow_other":{"enabled":true}}},
    {"id":"news","category":"FIELD","type":"DROPDOWN","config":{"multiple":true,"options":[{"value":"a","label":"A"},{"value":"b","label":"B"}]}},
    {"id":"go","category":"BLOCK","type":"NEXT_BUTTON","config":{"text":"Go"}},{"id":"skip","category":"BLOCK","type":"JUMP_BUTTON","config":{"text":"Skip","next_node":"$ending"}}],"next_node":"fork"}},
  {"id":"fork","type":"ROUTER","config":{"rules":[{"id":"r","condition":{"operator":"EQ","operands":["{{fields.plan}}","l"]},"next_node":"two"}],"fallback":"$ending"}},
  {"id":"two","type":"STEP","config":{"components":[{"id":"terms","category":"FIELD","type":"LEGAL","required":true,"config":{"text":"I agree"}},
    {"id":"back","category":"BLOCK","type":"PREVIOUS_BUTTON","config":{"text":"Back"}},{"id":"again","category":"BLOCK","type":"RESEND_BUTTON","config":{"flow_id":"f","max_attempts":2,"waiting_time":30}},{"id":"n2","type":"NEXT_BUTTON"}],"next_node":"work"}},
  {"id":"work","type":"FLOW","config":{"flow_id":"f","next_node":"$ending"}}],
 "ending":{"resume_flow":true}}`

func walk(t *testing.T, document string, flows map[string]string, languages ...string) *form.Walk {
	t.Helper()
	f, err := form.Parse("ap_1", document, languages)
	if err != nil {
		t.Fatal(err)
	}
	return &form.Walk{Form: f, Now: now, Context: map[string]any{"client": map[string]any{"name": "Mixtape"}}, Powers: form.Powers{
		Flow: func(_ context.Context, id string) (*form.Flow, error) {
			text, there := flows[id]
			if !there {
				return nil, stagedoor.Errorf(stagedoor.NotFound, "", "none")
			}
			return form.ParseFlow(id, text)
		},
	}}
}

func posted(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(form.FieldName(pairs[i]), pairs[i+1])
	}
	return v
}

// answer is what a door does with a form.
func answer(t *testing.T, w *form.Walk, press string, posted url.Values) ([]form.Problem, error) {
	problems, err := w.Check(press, posted)
	if err == nil && problems == nil {
		err = w.Answer(t.Context(), press, posted)
	}
	return problems, err
}

func TestWalk(t *testing.T) {
	flow := `{"name":"F","actions":[{"id":"s","type":"FLOW","action":"STORE_VARS","params":{"vars":{"who":"{{fields.full_name}}","at":"{{fields.source}}"}}}]}`
	w := walk(t, kyc, map[string]string{"f": flow})
	if err := w.Begin(t.Context(), map[string]any{"full_name": "Jane", "campaign": "may", "unknown": 1}, map[string]any{"crm": "9"}); err != nil {
		t.Fatal(err)
	}
	if w.State.At != "one" || !reflect.DeepEqual(w.State.Fields, map[string]any{"source": "Mixtape", "full_name": "Jane", "campaign": "may"}) {
		t.Fatalf("%+v", w.State)
	}
	problems, err := answer(t, w, form.PressNext, posted("full_name", "J", "age", "17", "plan", "9"))
	if err != nil || len(problems) != 3 || problems[0].Text != "At least 2" || problems[1].Code != "too_small" || problems[2].Code != "choice" || w.State.At != "one" {
		t.Fatalf("%+v %v %+v", problems, err, w.State)
	}
	if problems, _ := answer(t, w, form.PressNext, posted()); len(problems) != 1 || problems[0].Text != "Needed" {
		t.Fatalf("%+v", problems)
	}
	good := posted("full_name", " Jane D ", "age", "18", "plan", "1")
	good.Set(form.FieldName("news", 1), "1")
	if problems, err := answer(t, w, form.PressNext, good); err != nil || problems != nil || w.State.At != "two" {
		t.Fatalf("%+v %v %+v", problems, err, w.State)
	}
	// Pressing what the step does not have changes nothing.
	for _, press := range []string{form.PressJump + "skip", form.PressResend + "back", form.PressJump + "again"} {
		if _, err := answer(t, w, press, nil); err != nil || w.State.At != "two" || w.State.Done {
			t.Fatalf("%s: %v %+v", press, err, w.State)
		}
	}
	if _, err := answer(t, w, form.PressBack, nil); err != nil || w.State.At != "one" || len(w.State.Path) != 0 {
		t.Fatalf("%v %+v", err, w.State)
	}
	if _, err := answer(t, w, form.PressBack, nil); err != nil || w.State.At != "one" {
		t.Fatalf("%v %+v", err, w.State)
	}
	if _, err := answer(t, w, form.PressNext, good); err != nil || w.State.At != "two" {
		t.Fatal(err)
	}
	if problems, _ := answer(t, w, form.PressNext, posted()); len(problems) != 1 {
		t.Fatalf("%+v", problems)
	}
	for i, want := range []int{1, 1, 2, 2} { // not before the time, and no more often than the form says
		if _, err := answer(t, w, form.PressResend+"again", nil); err != nil || w.State.Resent["again"].Times != want {
			t.Fatalf("%d: %v %+v", i, err, w.State.Resent["again"])
		}
		if i > 0 {
			w.Now = w.Now.Add(31 * time.Second)
		}
	}
	if _, err := answer(t, w, form.PressNext, posted("terms", "on")); err != nil || !w.State.Done {
		t.Fatalf("%v %+v", err, w.State)
	}
	want := map[string]any{"source": "Mixtape", "full_name": "Jane D", "campaign": "may", "age": 18.0, "plan": "l", "news": []any{"b"}, "terms": true}
	if !reflect.DeepEqual(w.State.Fields, want) || !reflect.DeepEqual(w.State.Vars, map[string]any{"crm": "9", "who": "Jane D", "at": "Mixtape"}) {
		t.Errorf("%v %v", w.State.Fields, w.State.Vars)
	}
}

// TestFields: what is taken of each type of field, and what is not. Nothing that people send is read as a template.
func TestFields(t *testing.T) {
	type try struct {
		component, sent string
		want            any // an answer, or the code of a problem behind "!"
	}
	for _, one := range []try{
		{`"type":"TEXT"`, " {{context.client.name}} ", "{{context.client.name}}"},
		{`"type":"TEXT"`, "a\x00\nb", "ab"},
		{`"type":"TEXT"`, strings.Repeat("x", 1001), "!too_long"},
		{`"type":"TEXT","config":{"multiline":true}`, "a\nb", "a\nb"},
		{`"type":"EMAIL"`, "ada@example.com", "ada@example.com"},
		{`"type":"EMAIL"`, "Ada <ada@example.com>", "!email"},
		{`"type":"EMAIL"`, "ada@localhost", "!email"},
		{`"type":"URL"`, "https://x.example/a", "https://x.example/a"},
		{`"type":"URL"`, "javascript:alert(1)", "!url"},
		{`"type":"NUMBER"`, "1e3", 1000.0},
		{`"type":"NUMBER"`, "NaN", "!number"},
		{`"type":"NUMBER","config":{"max_value":9}`, "10", "!too_big"},
		{`"type":"TEL"`, "(0151) 23-45", "01512345"},
		{`"type":"TEL"`, "call me", "!phone"},
		{`"type":"TEL","config":{"country_picker":true}`, "0151", "!international"},
		{`"type":"TEL","config":{"country_picker":true}`, "+49 151 23", map[string]any{"international_number": "+4915123", "international_format": "+49 151 23"}},
		{`"type":"DATE"`, "2024-02-30", "!date"},
		{`"type":"DATE"`, "2024-02-29", "2024-02-29"},
		{`"type":"DATE","config":{"format":"TIME"}`, "9:05", "09:05"},
		{`"type":"DATE","config":{"format":"TIME"}`, "23:15:00", "23:15"},
		{`"type":"DATE","config":{"format":"TIME"}`, "24:15", "!time"},
		{`"type":"BOOLEAN"`, "true", true},
		{`"type":"BOOLEAN"`, "x", false},
		{`"type":"BOOLEAN","required":true`, "", "!required"},
		{`"type":"LEGAL"`, "on", true},
		{`"type":"PASSWORD","config":{"complexity":true}`, "Aa1", "!complex"},
		{`"type":"PASSWORD","config":{"nist":true}`, "aaaaaaaa", "!repetitive"},
		{`"type":"PASSWORD","config":{"hash":"SHA256"}`, "a", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
		{`"type":"CHOICE","config":{"options":[{"value":"v"}]}`, "0", "v"},
		{`"type":"CHOICE","config":{"options":[{"value":"v"}]}`, "v", "!choice"},
		{`"type":"CARDS","config":{"options":[{"value":"v"}]}`, "-1", "!choice"},
		{`"type":"DROPDOWN","required":true,"config":{"options":[{"value":"v"}]}`, "", "!required"},
	} {
		w := walk(t, `{"start":{"next_node":"a"},"nodes":[{"id":"a","type":"STEP","config":{"next_node":"$ending","components":[{"id":"x",`+one.component+`},{"id":"n","type":"NEXT_BUTTON"}]}}]}`, nil)
		if err := w.Begin(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		problems, err := answer(t, w, form.PressNext, posted("x", one.sent))
		if code, is := one.want.(string); is && strings.HasPrefix(code, "!") {
			if len(problems) != 1 || "!"+problems[0].Code != code || w.State.Done {
				t.Errorf("%s %q: %+v, want %s", one.component, one.sent, problems, code)
			}
		} else if err != nil || !reflect.DeepEqual(w.State.Fields["x"], one.want) {
			t.Errorf("%s %q: %#v %v %v, want %#v", one.component, one.sent, w.State.Fields["x"], problems, err, one.want)
		}
	}
}

// TestKeysDoNotFollowRedirects: what a connection holds is for the host that the flow names.
func TestKeysDoNotFollowRedirects(t *testing.T) {
	told := ""
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told = r.Header.Get("X-Key") + r.URL.String() }))
	defer thief.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	w, err := run(t, `{"id":"a","type":"HTTP","action":"SEND_REQUEST","params":{"url":"`+server.URL+`","connection_id":"key"}},{"id":"k","type":"FLOW","action":"STORE_VARS","params":{"vars":{"s":"{{actions.a.status}}"}}}`, func(w *form.Walk) {
		w.Powers.HTTP = server.Client()
		w.Powers.Vault = func(context.Context, string) (*form.Vault, error) {
			return &form.Vault{Setup: map[string]any{"type": "API_KEY", "in": "HEADER", "name": "X-Key", "value": "s3cret"}}, nil
		}
	})
	if err != nil || told != "" || w.State.Vars["s"] != 307.0 {
		t.Errorf("%v, %q was told, %v", err, told, w.State.Vars)
	}
}

// Of what a flow asks for it takes so much, and it asks whom its address names.
func TestRequestsAreBounded(t *testing.T) {
	size, host := 256<<10, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host = r.Host
		w.Write([]byte(strings.Repeat("x", size))) //nolint:errcheck // a test
	}))
	defer server.Close()
	ask := func() (*form.Walk, error) {
		return run(t, `{"id":"a","type":"HTTP","action":"SEND_REQUEST","params":{"url":"`+server.URL+`","headers":{"host":"elsewhere.test"}}},
			{"id":"k","type":"FLOW","action":"STORE_VARS","params":{"vars":{"s":"{{actions.a.status}}"}}}`, func(w *form.Walk) { w.Powers.HTTP = server.Client() })
	}
	if w, err := ask(); err != nil || w.State.Vars["s"] != 200.0 || host != strings.TrimPrefix(server.URL, "http://") {
		t.Errorf("%v, %v of %s", err, w.State.Vars, host)
	}
	size++
	if w, err := ask(); err == nil && w.State.Vars["s"] == 200.0 {
		t.Error("an answer that is too long was taken")
	}
}

func TestLanguages(t *testing.T) {
	for lang, want := range map[string]string{"de-AT": "Dein Name", "de": "Dein Name", "en": "Your Name", "fr": "Your Name"} {
		f := walk(t, kyc, nil, lang).Form
		if got := f.Nodes[0].Config.Components[0].Label; got != want {
			t.Errorf("%s: %s", lang, got)
		}
		if c := f.Nodes[0].Config.Components[2].Choices(); c[0].Value != "s" || (c[0].Label == "Klein") != (want == "Dein Name") {
			t.Errorf("%s: %+v", lang, c)
		}
	}
}

// TestWhatIsNotHere: what cannot be followed is named before anybody has filled in anything.
func TestWhatIsNotHere(t *testing.T) {
	step := func(component string) string {
		return `{"start":{"next_node":"a"},"nodes":[{"id":"a","type":"STEP","config":{"components":[` + component + `],"next_node":"$ending"}}]}`
	}
	for document, want := range map[string]string{
		step(`{"id":"p","type":"PAYMENT"}`): "PAYMENT", step(`{"id":"p","type":"FILE"}`): "FILE", step(`{"id":"p","type":"CUSTOM"}`): "CUSTOM", step(`{"id":"p","type":"PASSWORD","config":{"hash":"BCRYPT"}}`): "BCRYPT",
		`{"start":{"next_node":"a"},"nodes":[{"id":"a","type":"LOOP"}]}`: "LOOP", `{"nodes":{}}`: "cannot be read", `[]`: "cannot be read",
		`{"start":{"next_node":"a"},"nodes":[{"id":"a","type":"ROUTER","config":{"rules":[{"condition":{"operator":"MATCHES","operands":[]}}]}}]}`: "MATCHES",
	} {
		if _, err := form.Parse("ap_1", document, nil); !stagedoor.IsKind(err, stagedoor.Scripted) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", document, err)
		}
	}
	flow := func(actions string) map[string]string {
		return map[string]string{"f": `{"name":"F","actions":[` + actions + `]}`}
	}
	for want, flows := range map[string]map[string]string{
		"STRIPE ADD_TAX_ID": flow(`{"id":"x","type":"FLOW","action":"BOOLEAN_CONDITION","params":{"if":{"operator":"EQ","operands":[1,1]},"then":[{"id":"s","type":"STRIPE","action":"ADD_TAX_ID"}]}}`),
		"not there":         nil, "TWILIO MAKE_CALL": flow(`{"id":"x","type":"TWILIO","action":"MAKE_CALL"}`),
	} {
		if err := walk(t, kyc, flows).Begin(t.Context(), nil, nil); !stagedoor.IsKind(err, stagedoor.Scripted) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for document, want := range map[string]string{
		`{"start":{}}`: "nowhere", `{"start":{"next_node":"b"}}`: "does not have",
		`{"start":{"next_node":"a"},"nodes":[{"id":"a","type":"ROUTER","config":{"fallback":"a"}}]}`:                                                                                       "circles",
		`{"start":{"next_node":"$ending"},"ending":{"redirection":{"target":"javascript:alert(1)"}}}`:                                                                                      "http or https",
		`{"start":{"next_node":"a"},"nodes":[{"id":"a","type":"STEP","config":{"components":[{"id":"n","type":"NEXT_BUTTON"}]}}],"ending":{"redirection":{"target":"https://x.example"}}}`: "",
	} {
		w := walk(t, document, nil)
		err := w.Begin(t.Context(), nil, nil)
		if want == "" {
			if err != nil {
				t.Fatal(err)
			}
			_, err = answer(t, w, form.PressNext, nil)
		}
		if !stagedoor.IsKind(err, stagedoor.Scripted) || !strings.Contains(err.Error(), want) || want == "" && !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("%s: %v", document, err)
		}
	}
}

// run runs a flow alone, behind the start of a form.
func run(t *testing.T, actions string, change func(*form.Walk)) (*form.Walk, error) {
	t.Helper()
	w := walk(t, `{"start":{"next_node":"f"},"nodes":[{"id":"f","type":"FLOW","config":{"flow_id":"f","next_node":"$ending"}}]}`, map[string]string{"f": `{"name":"F","actions":[` + actions + `]}`})
	if change != nil {
		change(w)
	}
	return w, w.Begin(t.Context(), nil, map[string]any{"in": `{"a":[1]}`})
}

func TestFlowActions(t *testing.T) {
	store := func(name, value string) string {
		return `{"id":"keep_` + name + `","type":"FLOW","action":"STORE_VARS","params":{"vars":{"` + name + `":"` + value + `"}}}`
	}
	w, err := run(t, strings.Join([]string{
		`{"id":"p","type":"JSON","action":"PARSE_JSON","params":{"json":"{{vars.in}}"}}`, store("parsed", "{{actions.p.object.a[0]}}"),
		`{"id":"s","type":"JSON","action":"SERIALIZE_JSON","params":{"object":{"b":"{{vars.parsed}}"}}}`, store("text", "{{actions.s.json}}"),
		`{"id":"m","type":"FLOW","action":"MAP_VALUE","params":{"input":"{{vars.parsed}}","cases":{"1":"one"},"fallback":"none"}}`, store("mapped", "{{actions.m.result}}"),
		`{"id":"c","type":"FLOW","action":"BOOLEAN_CONDITION","params":{"if":{"operator":"EQ","operands":["{{vars.mapped}}","one"]},"then":[` + store("branch", "then") + `],"else":[` + store("branch", "else") + `]}}`,
		`{"id":"g","type":"OTP","action":"GENERATE_CODE","params":{"reference":"ada","length":6}}`,
		`{"id":"v0","type":"OTP","action":"VERIFY_CODE","params":{"reference":"ada","code":"x"}}`, store("wrong", "{{actions.v0.result}}"),
		`{"id":"v1","type":"OTP","action":"VERIFY_CODE","params":{"reference":"ada","code":"{{actions.g.code}}"}}`, store("right", "{{actions.v1.valid}}"),
		`{"id":"v2","type":"OTP","action":"VERIFY_CODE","params":{"reference":"ada","code":"{{actions.g.code}}"}}`, store("twice", "{{actions.v2.result}}"),
		`{"id":"e","type":"EMAIL","action":"VERIFY_EMAIL","params":{"email":"a@spam.example","rules":{"blocklist":["spam.example"]}}}`, store("mail", "{{actions.e.cause}}"),
		`{"id":"r","type":"FLOW","action":"RETURN_JSON","params":{"payload":{}}}`, store("never", "x"),
	}, ","), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"in": `{"a":[1]}`, "parsed": 1.0, "text": `{"b":1}`, "mapped": "one", "branch": "then", "wrong": "UNEQUAL", "right": true, "twice": "MISSING", "mail": "BLOCKLISTED"}
	if !reflect.DeepEqual(w.State.Vars, want) || !w.State.Done {
		t.Errorf("%v", w.State.Vars)
	}
	if _, err := run(t, `{"id":"x","type":"FLOW","action":"ERROR_MESSAGE","params":{"message":"Not today, {{context.client.name}}"}}`, nil); err == nil || !strings.Contains(err.Error(), "Not today, Mixtape") {
		t.Errorf("%v", err)
	}
}

func TestFlowRequests(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 500)
		n, _ := r.Body.Read(body)
		seen = append(seen, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type")+" "+string(body[:n]))
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/token":
			w.Write([]byte(`{"access_token":"t0ken"}`))
		case "/bad":
			w.WriteHeader(418)
			w.Write([]byte(`{"why":"teapot"}`))
		default:
			w.Write([]byte(`{"id":7}`))
		}
	}))
	defer server.Close()
	var told []string
	powers := func(w *form.Walk) {
		w.Powers.HTTP = server.Client()
		w.Powers.Vault = func(_ context.Context, id string) (*form.Vault, error) {
			setups := map[string]map[string]any{
				"bearer": {"type": "BEARER", "token": "s3cret"}, "basic": {"type": "BASIC_AUTH", "username": "u", "password": "p"}, "key": {"type": "API_KEY", "in": "QUERY", "name": "k", "value": "v"},
				"oauth": {"type": "OAUTH_CLIENT_CREDENTIALS", "client_id": "c", "client_secret": "s", "token_endpoint": server.URL + "/token"}, "stripe": {"type": "KEY_PAIR"},
			}
			if setups[id] == nil {
				return nil, stagedoor.Errorf(stagedoor.NotFound, "", "none")
			}
			return &form.Vault{Setup: maps.Clone(setups[id])}, nil
		}
		w.Powers.Ran = func(_ context.Context, r form.Run) error {
			told = append(told, r.Flow.Name+": "+r.Failure)
			return nil
		}
	}
	send := func(id, more string) string {
		return `{"id":"` + id + `","type":"HTTP","action":"SEND_REQUEST",` + more + `}`
	}
	w, err := run(t, strings.Join([]string{
		send("a", `"params":{"method":"POST","url":"`+server.URL+`/a?x=1","params":{"y":"2"},"headers":{"X-A":"b","Bad":"a\r\nb"},"payload":{"n":"{{vars.in}}"},"connection_id":"bearer"}`),
		send("b", `"params":{"method":"POST","content_type":"FORM","url":"`+server.URL+`/b","payload":{"q":"1 2"},"connection_id":"key"}`),
		send("c", `"params":{"url":"`+server.URL+`/c","connection_id":"oauth"}`), send("d", `"allow_failure":true,"params":{"url":"`+server.URL+`/bad","connection_id":"basic"}`),
		`{"id":"k","type":"FLOW","action":"STORE_VARS","params":{"vars":{"id":"{{actions.a.body.id}}","status":"{{actions.d.status}}","why":"{{actions.d.body.why}}","in":null}}}`,
	}, ","), powers)
	if err != nil || !reflect.DeepEqual(w.State.Vars, map[string]any{"id": 7.0, "status": 418.0, "why": "teapot", "in": nil}) {
		t.Errorf("%v %v", w.State.Vars, err)
	}
	for i, want := range []string{
		`POST /a?x=1&y=2 Bearer s3cret application/json {"n":"{\"a\":[1]}"}`, `POST /b?k=v  application/x-www-form-urlencoded q=1+2`,
		`POST /token  application/x-www-form-urlencoded client_id=c&client_secret=s&grant_type=client_credentials`, `GET /c Bearer t0ken  `, `GET /bad Basic dTpw  `,
	} {
		if i >= len(seen) || seen[i] != want {
			t.Errorf("request %d: %v, want %s", i, seen, want)
		}
	}
	for more, want := range map[string]string{
		`"params":{"url":"` + server.URL + `/bad"}`: "the answer was 418", `"params":{"url":"file:///etc/passwd"}`: "http or https", `"params":{"url":"` + server.URL + `","connection_id":"gone"}`: "not there",
		`"params":{"url":"` + server.URL + `","connection_id":"stripe"}`: "KEY_PAIR", `"params":{"method":"TRACE","url":"` + server.URL + `"}`: "method",
	} {
		told = nil
		_, err := run(t, send("a", more), powers)
		if all := strings.Join(told, " "); err == nil || !strings.Contains(all+err.Error(), want) || strings.Contains(all, server.URL) || strings.Contains(all, "s3cret") {
			t.Errorf("%s: %v, told %s", more, err, all)
		}
	}
}

// TestGuessedCodes: five wrong guesses end a code, and the sixth does not tell that it was right.
func TestGuessedCodes(t *testing.T) {
	actions := []string{`{"id":"g","type":"OTP","action":"GENERATE_CODE","params":{"reference":"ada","length":4}}`}
	for i := range 5 {
		actions = append(actions, `{"id":"w`+string(rune('0'+i))+`","type":"OTP","action":"VERIFY_CODE","params":{"reference":"ada","code":"x"}}`)
	}
	actions = append(actions, `{"id":"v","type":"OTP","action":"VERIFY_CODE","params":{"reference":"ada","code":"{{actions.g.code}}"}}`, `{"id":"k","type":"FLOW","action":"STORE_VARS","params":{"vars":{"r":"{{actions.v.result}}"}}}`)
	if w, err := run(t, strings.Join(actions, ","), nil); err != nil || w.State.Vars["r"] != "UNEQUAL" {
		t.Errorf("%v %v", w.State.Vars, err)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{fields.n}}", "{{a ?? b['x']}} {{", "{{functions.split('a,b', ',')[0]}}", "{{'\\'}}", "{{[[[[1]]]]}}", "{{functions.merge(fields.list, vars)}}", "{{-1e5}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := env().Expand(text, nil)
		if err != nil && !stagedoor.IsKind(err, stagedoor.Scripted) {
			t.Fatal(err)
		}
		if !strings.Contains(text, "{{") && v != text {
			t.Errorf("%q became %v", text, v)
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, s := range []string{`{"operator":"AND","operands":[{"operator":"EQ","operands":["{{fields.n}}",1]}]}`, `{"operator":"NOT","operands":[{}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := new(form.Condition)
		if json.Unmarshal([]byte(text), c) != nil {
			return
		}
		if _, err := c.Holds(env()); err != nil && !stagedoor.IsKind(err, stagedoor.Scripted) {
			t.Fatal(err)
		}
	})
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{`<p onclick=x>`, `<svg/onload=alert(1)>`, `<a href=" javascript:x">`, `<!--><script>-->`, `<p title="`, `<<script>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		once := form.Clean(source)
		for _, bad := range []string{"<script", "<style", "<svg", "<iframe", "javascript:", "<form", "<input"} {
			if i := strings.Index(strings.ToLower(once), bad); i >= 0 && strings.Contains(bad, "<") {
				t.Errorf("%q became %q", source, once)
			}
		}
		if twice := form.Clean(once); twice != once {
			t.Errorf("%q became %q, then %q", source, once, twice)
		}
	})
}
