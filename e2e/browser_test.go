package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser may take for one thing that a person does.
const patience = time.Minute

// chromium is the browser of the run. It starts with the first test that needs it; every tab of it has cookies of its own.
var chromium struct {
	once  sync.Once
	ctx   context.Context
	close []context.CancelFunc
	err   error
}

func closeChromium() {
	for _, c := range slices.Backward(chromium.close) {
		c()
	}
}

// executable finds the browser; without one the test skips at home and fails in CI.
func executable(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "chromium")
	return ""
}

// trusting starts a browser that takes any certificate, until the test is over.
func trusting(t *testing.T, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	ctx, closers, err := launch(executable(t), append(options, chromedp.IgnoreCertErrors)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range closers {
		t.Cleanup(c)
	}
	return ctx
}

// launch starts a browser. Options come after the usual ones.
func launch(path string, options ...chromedp.ExecAllocatorOption) (context.Context, []context.CancelFunc, error) {
	all := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("mute-audio", true),
		chromedp.Flag("lang", "en-US"), chromedp.Flag("hide-scrollbars", true))
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), append(all, options...)...)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	closers := []context.CancelFunc{closeAllocator, closeBrowser}
	if err := chromedp.Do(ctx); err != nil {
		closeBrowser()
		closeAllocator()
		return nil, nil, fmt.Errorf("start the browser: %w", err)
	}
	return ctx, closers, nil
}

// A tab is a page of a browser, and what a person does with it. Everything it does waits until it can be
// done; what cannot within a while fails the test.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	pages    []string   // addresses that the tab has shown, in order
	requests []exchange // that the tab has sent, in order
	errors   []string   // that the browser complained about
}

// exchange is a request of a tab.
type exchange struct{ method, url, body string }

// newTab opens a tab that shares no cookies with others, as wide as a phone.
func newTab(t *testing.T) *tab {
	t.Helper()
	path := executable(t)
	chromium.once.Do(func() { chromium.ctx, chromium.close, chromium.err = launch(path) })
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	return tabIn(t, chromium.ctx, chromedp.WithNewBrowserContext())
}

func tabIn(t *testing.T, browser context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	b := &tab{t: t}
	ctx, cancel := chromedp.NewContext(browser, append(options, chromedp.WithListener(b.note))...)
	b.ctx = ctx
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(390, 844), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}) // whatever other tabs there are
		return err
	})); err != nil {
		t.Fatal(err)
	}
	return b
}

// note keeps what the browser tells.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *pages.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			b.pages = append(b.pages, e.Frame.URL)
		}
	case *network.EventRequestWillBeSent:
		r := exchange{method: e.Request.Method, url: e.Request.URL}
		for _, entry := range e.Request.PostDataEntries {
			r.body += string(entry.Bytes)
		}
		b.requests = append(b.requests, r)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.errors = append(b.errors, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, e.ExceptionDetails.Text)
	}
}

// shown returns the addresses that the tab has shown since it opened or forget was called.
func (b *tab) shown() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.pages)
}

func (b *tab) sent() []exchange {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// complaints returns the errors that the browser told of.
func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.errors)
}

// offline takes the network from the page and its service worker, or gives it back.
func (b *tab) offline(on bool) {
	b.t.Helper()
	conditions := network.EmulateNetworkConditionsByRuleParams{EmulateOfflineServiceWorker: &on, MatchedNetworkConditions: []*network.Conditions{}}
	if on {
		conditions.MatchedNetworkConditions = append(conditions.MatchedNetworkConditions, &network.Conditions{Offline: on, DownloadThroughput: -1, UploadThroughput: -1})
	}
	b.do("offline", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, conditions); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: on, DownloadThroughput: -1, UploadThroughput: -1})
		return err
	}))
}

// forget empties what the tab remembers.
func (b *tab) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pages, b.requests, b.errors = nil, nil, nil
}

// hosted tells which pages of the identity server a person has seen.
func (b *tab) hosted() (seen []string) {
	for _, address := range b.shown() {
		if strings.HasPrefix(address, demo.HTTPURL+"/") {
			seen = append(seen, strings.TrimPrefix(address, demo.HTTPURL))
		}
	}
	return seen
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fatalf("%s: %v", what, err)
	}
}

// fatalf ends the test and says what the tab shows.
func (b *tab) fatalf(format string, args ...any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 2000)`))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.t.Fatalf("%s\nthe tab shows %s\nerrors: %q", fmt.Sprintf(format, args...), at, b.errors)
}

func (b *tab) open(address string) {
	b.t.Helper()
	b.do("open "+address, chromedp.Navigate(address))
}

func (b *tab) reload() {
	b.t.Helper()
	b.do("reload", chromedp.Reload())
}

// id is the selector of an element by its test id, with more of a selector behind it.
func id(name string) string {
	name, rest, _ := strings.Cut(name, " ")
	if rest != "" {
		rest = " " + rest
	}
	name, attribute, found := strings.Cut(name, "[")
	if found {
		attribute = "[" + attribute
	}
	return `[data-testid="` + name + `"]` + attribute + rest
}

// click clicks the element when it is there, can be clicked, and has come to rest: fonts and data that arrive move things.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do("click "+selector, chromedp.WaitEnabled(chromedp.CSS(selector)), chromedp.WaitVisible(chromedp.CSS(selector)))
	b.await(selector+" rests", `(async e => {
		await document.fonts.ready;
		e?.scrollIntoView({block: "center", behavior: "instant"});
		const place = () => new Promise(done => requestAnimationFrame(() => done(e?.isConnected && JSON.stringify(e.getBoundingClientRect()))));
		const first = await place();
		return first && first === await place() && first === await place();
	})(document.querySelector(`+quote(selector)+`))`)
	b.do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// fill replaces what an input holds, key by key. It begins again when the focus moved away meanwhile, as it does
// when a screen has just appeared.
func (b *tab) fill(selector, value string) {
	b.t.Helper()
	b.see(selector)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		b.eval(nil, `document.querySelector(`+quote(selector)+`).select()`)
		b.do("fill "+selector, chromedp.SendKeys(chromedp.CSS(selector), value))
		var got string
		if b.eval(&got, `document.querySelector(`+quote(selector)+`).value`); got == value {
			return
		}
	}
	b.fatalf("%s cannot be filled with %q", selector, value)
}

// see waits until the element is visible.
func (b *tab) see(selector string) {
	b.t.Helper()
	b.do("see "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// text returns the visible text of the element.
func (b *tab) text(selector string) (text string) {
	b.t.Helper()
	b.see(selector)
	b.eval(&text, `document.querySelector(`+quote(selector)+`).innerText.trim()`)
	return text
}

// data returns a data attribute of the element.
func (b *tab) data(selector, name string) (value string) {
	b.t.Helper()
	b.see(selector)
	b.eval(&value, `document.querySelector(`+quote(selector)+`).getAttribute(`+quote("data-"+name)+`) ?? ""`)
	return value
}

// has tells whether the element is there now.
func (b *tab) has(selector string) (there bool) {
	b.t.Helper()
	b.eval(&there, `document.querySelector(`+quote(selector)+`) !== null`)
	return there
}

// eval runs JavaScript in the page, waits for it if it is a promise, and decodes its value.
func (b *tab) eval(into any, expression string) {
	b.t.Helper()
	if err := b.try(into, expression); err != nil {
		b.fatalf("%s: %v", expression, err)
	}
}

func (b *tab) try(into any, expression string) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(async () => JSON.stringify(await (`+expression+`)) ?? "null")()`, chromedp.EvalAwaitPromise))
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal([]byte(text), into)
}

// await waits until the expression is true, also across pages.
func (b *tab) await(what, expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(15 * time.Millisecond) {
		var holds bool
		if err := b.try(&holds, `(async () => Boolean(await (`+expression+`)))()`); err == nil && holds {
			return
		}
	}
	b.fatalf("%s: never came true: %s", what, expression)
}

// awaitText waits until the element shows the text.
func (b *tab) awaitText(selector, want string) {
	b.t.Helper()
	b.await(selector+" shows "+want, `document.querySelector(`+quote(selector)+`)?.innerText.includes(`+quote(want)+`)`)
}

// awaitData waits until a data attribute of the element has the value.
func (b *tab) awaitData(selector, name, want string) {
	b.t.Helper()
	b.await(selector+" has "+name+" "+want, `document.querySelector(`+quote(selector)+`)?.getAttribute(`+quote("data-"+name)+`) === `+quote(want))
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// signIn signs a listener in to Mixtape through the hosted login page.
func (b *tab) signIn(who user) {
	b.t.Helper()
	b.open(demo.MixtapeURL)
	b.click(id("sign-in"))
	b.logIn(who)
	b.see(id("greeting"))
}

// logIn fills in the hosted login page.
func (b *tab) logIn(who user) {
	b.t.Helper()
	b.fill(`input[name="username"]`, who.Email)
	b.fill(`input[name="password"]`, who.Password)
	b.click(`button[type="submit"].primary`)
}

// allow presses the first button of the consent page.
func (b *tab) allow() {
	b.t.Helper()
	b.click(`button[name="decision"][value="accept"]`)
}

// choose picks an option of a select.
func (b *tab) choose(selector, value string) {
	b.t.Helper()
	b.see(selector)
	b.eval(nil, `(e => { e.value = `+quote(value)+`; e.dispatchEvent(new Event("change", {bubbles: true})) })(document.querySelector(`+quote(selector)+`))`)
}

// ears keeps the page's audio element, which is in no document, as window.heard.
func (b *tab) ears() {
	b.t.Helper()
	b.do("listen", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, pages.AddScriptToEvaluateOnNewDocument, pages.AddScriptToEvaluateOnNewDocumentParams{
			Source: `{ const play = HTMLMediaElement.prototype.play; HTMLMediaElement.prototype.play = function () { window.heard = this; return play.call(this); }; }`,
		})
		return err
	}))
}
