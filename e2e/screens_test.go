package e2e

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "keep a picture of every page and screen in this `directory`")

// looks are the ways in which a page is looked at.
var looks = []struct {
	name          string
	width, height int64
	scheme        string
}{
	{"phone-light", 390, 844, "light"},
	{"phone-dark", 390, 844, "dark"},
	{"desktop-light", 1280, 800, "light"},
	{"desktop-dark", 1280, 800, "dark"},
}

// audit is the script that finds what a machine can see of a page that is hard to use.
//
//go:embed testdata/audit.js
var audit string

// look views the page in every way and audits it.
func (b *tab) look(name string) {
	b.t.Helper()
	for _, l := range looks {
		b.view(l.width, l.height, 1, l.scheme)
		b.audit(name + ", " + l.name)
		if *screenshots != "" {
			b.whole(filepath.Join(*screenshots, name+"-"+l.name+".png"))
		}
	}
	b.view(390, 844, 1, "light")
}

// audit fails for each thing on the page that is hard to read or to use.
func (b *tab) audit(name string) {
	b.t.Helper()
	var faults []string
	b.eval(&faults, audit)
	for _, fault := range faults {
		b.t.Errorf("%s: %s", name, fault)
	}
}

// view sets the size of the window, pixels to a point, and whether the person likes it dark.
func (b *tab) view(width, height int64, scale float64, scheme string) {
	b.t.Helper()
	b.do("look", chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)), feature("prefers-color-scheme", scheme))
}

func feature(name, value string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: name, Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return chromedp.Void{}, err
	}
}

// picture writes what the window shows.
func (b *tab) picture(path string) []byte {
	b.t.Helper()
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	keep(b.t, path, shot)
	return shot
}

func keep(t *testing.T, path string, shot []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, shot, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestHostedPages looks at every page that the server itself shows.
func TestHostedPages(t *testing.T) {
	op := operatorOf(t)
	b := newTab(t)
	b.open(demo.HTTPURL + "/")
	b.look("hosted-welcome")
	query, _ := mixtape(t).query()
	authorize := demo.HTTPURL + "/authorize?" + query.Encode()
	b.open(authorize)
	b.look("hosted-login")
	b.logIn(user{Email: "nobody@listeners.example", Password: "not a password"})
	b.see(`[role="alert"]`)
	b.look("hosted-login-refused")
	b.click(`a[href*="signup"]`)
	b.see(`input[name="email"]`)
	b.look("hosted-signup")
	b.typesPassword()
	b.fill(`input[name="email"]`, newAddress("sam"))
	b.fill(`input[name="password"]`, "short")
	b.eval(nil, `document.querySelector("form").noValidate = true`)
	b.click(`button[type="submit"].primary`)
	b.see(`[role="alert"]`)
	b.look("hosted-signup-refused")

	consent, _ := ownRecord(t).query()
	listener := op.newListener("sam", nil)
	b.open(demo.HTTPURL + "/authorize?" + consent.Encode())
	b.logIn(listener)
	b.see(`button[name="decision"]`)
	b.look("hosted-consent")

	b.open(authorize + "&prompt=login")
	b.click(`a[href*="forgot"]`)
	b.see(`input[name="email"]`)
	b.look("hosted-forgot")
	b.fill(`input[name="email"]`, listener.Email)
	b.click(`button[type="submit"].primary`)
	b.await("the page says that a mail may come", `!document.querySelector('input[name="email"]') && document.querySelector("h1")`)
	b.look("hosted-check-mail")
	b.openMail(listener.Email, "hosted-")
	b.click(`a[href*="/u/reset-password"]`)
	b.see(`input[name="password"]`)
	b.look("hosted-new-password")
	b.fill(`input[name="password"]`, "weak")
	if b.has(`input[name="confirmation"]`) {
		b.fill(`input[name="confirmation"]`, "weak")
	}
	b.eval(nil, `document.querySelector("form").noValidate = true`)
	b.click(`button[type="submit"].primary`)
	b.see(`[role="alert"]`)
	b.look("hosted-new-password-refused")
	var again string
	b.eval(&again, `[...document.querySelectorAll('input[type="password"]')].map(e => e.name).join(" ")`)
	for _, name := range strings.Fields(again) {
		b.fill(`input[name="`+name+`"]`, "Sams-New-Word-99")
	}
	b.click(`button[type="submit"].primary`)
	b.await("the password is changed", `!document.querySelector('input[type="password"]')`)
	b.look("hosted-password-changed")
	b.openMail(listener.Email, "")
	b.click(`a[href*="/u/reset-password"]`)
	b.await("the link is used up", `!document.querySelector('input[type="password"]') && document.querySelector("h1")`)
	b.look("hosted-link-used")

	// The mail after a sign-up.
	tess := newAddress("tess")
	signup, _ := mixtape(t).with("screen_hint", "signup", "prompt", "login").query()
	b.open(demo.HTTPURL + "/authorize?" + signup.Encode())
	b.fill(`input[name="email"]`, tess)
	b.fill(`input[name="password"]`, "Tess-Likes-House-4")
	b.click(`button[type="submit"].primary`)
	b.await("signed up", `location.origin === `+quote(demo.MixtapeURL))
	b.openMail(tess, "")
	b.look("hosted-mail-verify")
	b.click(`a[href*="/u/email-verification"]`)
	b.await("the address is verified", `location.pathname.startsWith("/u/email-verification")`)
	b.look("hosted-verified")

	bad := url.Values{"response_type": {"code"}, "client_id": {"nobody"}, "redirect_uri": {demo.MixtapeURL}}
	b.open(demo.HTTPURL + "/authorize?" + bad.Encode())
	b.look("hosted-error")
	b.open(demo.HTTPURL + "/nothing/here")
	b.look("hosted-not-found")
	b.open(demo.HTTPURL + "/reference")
	b.eval(nil, `[...document.querySelectorAll("details")].find(d => d.querySelector("summary").innerText.replace(/\s+/g, " ").includes("POST /clients ")).open = true`)
	b.view(320, 640, 1, "light")
	b.await("a page as wide as the phone", `innerWidth === 320 && document.documentElement.scrollWidth === 320`)
	b.view(390, 844, 1, "light")
	b.fill("#find", "organizations")
	b.await("the number of operations", `/^\d+ \/ \d+$/.test(document.querySelector(".finder [role=status]").textContent)`)
	b.open(demo.HTTPURL + "/oidc/logout")
	b.look("hosted-logout")
	b.open(demo.HTTPURL + "/v2/logout")
	b.look("hosted-logged-out")
}

// typesPassword types passwords into the page's field: the rules below it check themselves off, and say so in words.
func (b *tab) typesPassword() {
	b.t.Helper()
	state := func(typed string, broken, kept int, says string) {
		b.t.Helper()
		b.await("what is said of "+typed, `(() => {
			const box = document.querySelector(".policy"), n = c => box.querySelectorAll("li." + c).length, said = box.querySelector("[role=status]").textContent;
			return n("broken") === `+text(broken)+` && n("kept") === `+text(kept)+` && said === `+quote(says)+` && box.querySelector(".count").innerText === said
				&& [...box.querySelectorAll("li.kept .said, li.broken .said")].every(e => e.textContent.trim());
		})()`)
	}
	b.fill(`input[name="password"]`, "encore9")
	state("encore9", 0, 2, "2 of 4 met")
	b.eval(nil, `document.querySelector('input[name="email"]').focus()`)
	state("encore9", 4, 2, "2 of 4 met")
	b.look("hosted-signup-typed")
	b.fill(`input[name="password"]`, "Encore-99")
	state("Encore-99", 0, 6, "Your password has all it needs")
	if *screenshots != "" {
		b.look("hosted-signup-strong")
	}
}

// openMail opens the newest mail to the address in the development inbox.
func (b *tab) openMail(to, name string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(want(b.t, 200, "GET", demo.HTTPURL+"/u/inbox", "", nil).body, to); {
		if time.Now().After(deadline) {
			b.t.Fatalf("no mail to %s", to)
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.open(demo.HTTPURL + "/u/inbox")
	if name != "" {
		b.look(name + "inbox")
	}
	b.eval(nil, `[...document.querySelectorAll("main a")].find(a => a.innerText.includes(`+quote(to)+`)).click()`)
	b.see("pre.text")
	if name != "" {
		b.look(name + "mail")
	}
}

// TestMixtapeScreens looks at every screen of the app, as an editor sees it.
func TestMixtapeScreens(t *testing.T) {
	op := operatorOf(t)
	ivo := userNamed(t, "ivo")
	prefer := func(metadata map[string]any) {
		op.do("PATCH", "/users/"+url.PathEscape(ivo.UserID), map[string]any{"user_metadata": metadata}, nil)
	}
	was := op.user(ivo.UserID).UserMetadata
	prefer(map[string]any{"theme": "system", "language": "en"})
	defer prefer(map[string]any{"theme": was["theme"], "language": was["language"]})
	b := newTab(t)
	b.open(demo.MixtapeURL)
	b.see(id("welcome"))
	b.look("mixtape-welcome")
	b.signIn(ivo)
	b.see(id("featured-card"))
	b.see(id("song-row"))
	b.look("mixtape-home")
	b.click(id("genre-link"))
	b.see(id("genre-option"))
	b.look("mixtape-genre")
	b.click(id("tab-library"))
	b.see(id("song-row"))
	b.look("mixtape-library")
	b.click(id("play-button"))
	b.see(id("mini-player"))
	b.await("it plays", `document.querySelector('[data-testid="player-seek"]')?.value > 0 || document.querySelector("progress")?.value > 0`)
	b.look("mixtape-library-playing")
	b.click(id("mini-player") + " a")
	b.see(id("player-previous"))
	b.look("mixtape-playing")
	b.click(id("tab-playlists"))
	b.see(id("playlist-card"))
	b.look("mixtape-playlists")
	b.click(id("playlist-new"))
	b.see(id("playlist-form"))
	b.look("mixtape-playlist-new")
	b.click(id("playlist-cancel"))
	b.click(id("playlist-card"))
	b.see(id("playlist-title"))
	b.look("mixtape-playlist")
	b.click(id("playlist-delete"))
	b.see("dialog[open]")
	b.look("mixtape-playlist-delete")
	b.press("\x1b")
	b.click(id("tab-home"))
	b.click(id("featured-card"))
	b.click(id("featured-edit"))
	b.see(id("playlist-form"))
	b.look("mixtape-featured-edit")
	b.click(id("tab-settings"))
	b.await("settings", `document.querySelector('[data-testid="permission"], [data-testid="settings-displayname"]')`)
	b.look("mixtape-settings-permission")
	if b.has(id("permission-continue")) {
		b.click(id("permission-continue"))
		b.allow()
	}
	b.await("the record was read", `document.querySelector('[data-testid="settings-displayname"]')?.value && !document.querySelector('[data-testid="permission"]')`)
	b.look("mixtape-settings")
	b.click(id("tab-hood"))
	b.see(id("hood-renew"))
	b.look("mixtape-hood")
	if b.has(id("hood-mgmt-get")) { // unless the settings have asked for it
		b.click(id("hood-mgmt-get"))
	}
	b.click(id("hood-via-save"))
	b.awaitData(id("hood-via-result"), "status", "200")
	b.click(id("cheat-app-metadata"))
	b.awaitData(id("cheat-app-metadata-result"), "status", "403")
	b.click(id("hood-renew"))
	b.await("the renewal is done", `document.querySelector('[data-testid="hood-log"] [data-kind="done"]')`)
	for _, part := range []string{"hood-log", "hood-direct-input", "hood-id", "cheat-app-metadata"} {
		b.eval(nil, `document.querySelector(`+quote(id(part))+`).scrollIntoView({block: "start"})`)
		b.look("mixtape-" + part)
	}
	b.open(demo.MixtapeURL + "/no/such/screen")
	b.see("h1")
	b.look("mixtape-nowhere")
	if complaints := b.complaints(); len(complaints) > 1 { // the refused request is one
		t.Errorf("the browser complained: %q", complaints)
	}
	b.await("the shell is kept", `navigator.serviceWorker.ready.then(() => true)`)
	b.reload()
	b.offline(true)
	var reached bool
	b.eval(&reached, `fetch(`+quote(demo.MixtapeAPIURL+"/healthz")+`, {mode: "no-cors"}).then(() => true, () => false)`)
	if reached {
		t.Error("the network is still there")
	}
	b.reload()
	b.see(id("phase-offline"))
	b.look("mixtape-offline")
	b.offline(false)
	b.await("the app comes back", `document.querySelector(`+quote(id("greeting"))+`) || document.querySelector(`+quote(id("retry"))+`)?.click() || document.querySelector("h1")`)
	if *screenshots != "" {
		b.poster()
	}
}

// poster writes the picture of the README: the login page beside an editor's home.
func (b *tab) poster() {
	b.t.Helper()
	const width, height, scale, gap, round = 390, 780, 1.5, 40, 26
	shot := func(name string) image.Image {
		img, err := png.Decode(bytes.NewReader(b.picture(filepath.Join(*screenshots, name+".png"))))
		if err != nil {
			b.t.Fatal(err)
		}
		return img
	}
	b.view(width, height, scale, "dark")
	b.open(demo.MixtapeURL)
	b.see(id("featured-card"))
	b.see(id("song-row"))
	b.await("fonts and pictures", `document.fonts.ready.then(() => [...document.images].every(i => i.complete))`)
	home := shot("poster-home")
	query, _ := mixtape(b.t).with("prompt", "login").query()
	b.open(demo.HTTPURL + "/authorize?" + query.Encode())
	b.await("fonts and pictures", `document.fonts.ready.then(() => [...document.images].every(i => i.complete))`)
	login := shot("poster-login")
	w, h := login.Bounds().Dx(), login.Bounds().Dy()
	canvas := image.NewRGBA(image.Rect(0, 0, 2*w+3*gap, h+2*gap)) // transparent: it stands on light and dark pages
	for i, img := range []image.Image{login, home} {
		at := image.Rect(gap+i*(w+gap), gap, gap+i*(w+gap)+w, gap+h)
		draw.DrawMask(canvas, at, img, image.Point{}, corners{w, h, round}, image.Point{}, draw.Over)
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, canvas); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, "mixtape.png"), out.Bytes(), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// corners is a mask of a rectangle with round corners.
type corners struct{ w, h, r int }

func (c corners) ColorModel() color.Model { return color.AlphaModel }
func (c corners) Bounds() image.Rectangle { return image.Rect(0, 0, c.w, c.h) }

// At counts how many of sixteen points of the pixel lie inside.
func (c corners) At(x, y int) color.Color {
	const n = 4
	inside := 0
	for i := range n * n {
		px, py := float64(x)+(float64(i%n)+.5)/n, float64(y)+(float64(i/n)+.5)/n
		r := float64(c.r)
		dx, dy := max(r-px, px-(float64(c.w)-r), 0), max(r-py, py-(float64(c.h)-r), 0)
		if dx*dx+dy*dy <= r*r {
			inside++
		}
	}
	return color.Alpha{uint8(255 * inside / (n * n))}
}
