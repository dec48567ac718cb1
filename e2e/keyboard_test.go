package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press sends keys to what has the focus.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.do("press keys", chromedp.KeyEvent(keys))
}

// tabTo presses Tab until the element has the focus, and fails if a person could not see that it has.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	b.see(selector)
	const longestWay = 60
	for range longestWay {
		var at struct{ There, Visible bool }
		b.eval(&at, `(() => {
			const e = document.activeElement;
			if (!e?.matches(`+quote(selector)+`)) return {There: false, Visible: false};
			const marked = x => { const s = getComputedStyle(x); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none"; };
			return {There: true, Visible: e.matches(":focus-visible") && (marked(e) || marked(e.parentElement))};
		})()`)
		if at.There {
			if !at.Visible {
				b.t.Errorf("nothing shows that %s has the focus", selector)
			}
			return
		}
		b.press(kb.Tab)
	}
	b.fatalf("%s cannot be reached with the Tab key", selector)
}

// replace types over what the focused input holds.
func (b *tab) replace(value string) {
	b.t.Helper()
	b.do("select all", chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.press(value)
}

// TestKeyboardAlone: from the welcome screen to saved settings and music, nothing but keys.
func TestKeyboardAlone(t *testing.T) {
	b, address := newTab(t), newAddress("keys")
	b.open(demo.MixtapeURL)

	// A forgotten password, and back.
	b.tabTo(id("sign-in"))
	b.press(kb.Enter)
	b.tabTo(`a[href*="forgot"]`)
	b.press(kb.Enter)
	b.tabTo(`input[name="email"]`)
	b.press("nobody@listeners.example")
	b.press(kb.Enter)
	b.await("the page says that a mail may come", `location.pathname.startsWith("/u/forgot") && document.querySelector("h1") && !document.querySelector('input[name="email"]')`)

	b.open(demo.MixtapeURL)
	b.tabTo(id("sign-in"))
	b.press(kb.Enter)
	b.tabTo(`a[href*="signup"]`)
	b.press(kb.Enter)
	b.tabTo(`input[name="email"]`)
	b.press(address)
	b.tabTo(`input[name="password"]`)
	b.press("Only-By-Keys-88")
	b.press(kb.Enter)
	b.awaitText(id("greeting"), "user")

	b.tabTo(id("name-link")) // who has no name yet is shown where to choose one
	b.press(kb.Enter)
	b.tabTo(id("permission-continue"))
	b.press(kb.Enter)
	b.tabTo(`button[name="decision"][value="accept"]`)
	b.press(kb.Enter)
	b.tabTo(id("settings-displayname"))
	b.await("the record was read", `document.activeElement.value === "user"`)
	b.replace("Keys")
	b.tabTo(id("pref-theme"))
	b.press("d")
	b.tabTo(id("pref-autoplay"))
	b.press(" ")
	b.tabTo(id("settings-save"))
	b.press(kb.Enter)
	b.awaitData(id("settings-status"), "kind", "good")
	if got := operatorOf(t).byEmail(address).UserMetadata; got["displayName"] != "Keys" || got["theme"] != "dark" || got["autoplay"] != false {
		t.Errorf("user_metadata %s", text(got))
	}

	b.tabTo(id("tab-home"))
	b.press(kb.Enter)
	b.awaitText(id("greeting"), "Keys")
	if b.has(id("home-name")) {
		t.Error("somebody with a name is asked to choose one")
	}
	b.tabTo(id("tab-library"))
	b.press(kb.Enter)
	b.tabTo(id("search"))
	b.press("midnight")
	b.tabTo(id("play-button"))
	b.press(kb.Enter)
	b.await("the song plays", `document.querySelector('[data-testid="mini-player"]')?.innerText.includes("Midnight Arcade")`)
	b.tabTo(id("tab-playlists"))
	b.press(kb.Enter)
	b.tabTo(id("playlist-new"))
	b.press(kb.Enter)
	b.tabTo(id("playlist-name"))
	b.press("By hand")
	b.tabTo(id("playlist-song-option") + " input")
	b.press(" ")
	b.tabTo(id("playlist-save"))
	b.press(kb.Enter)
	b.awaitText(id("playlist-card"), "By hand")

	// A question takes the focus, to the answer that does no harm, and gives it back.
	has := func(selector string) string { return `document.activeElement?.matches(` + quote(selector) + `)` }
	b.tabTo(id("playlist-card"))
	b.press(kb.Enter)
	b.tabTo(id("playlist-delete"))
	for _, close := range []string{kb.Escape, kb.Enter} {
		b.press(kb.Enter)
		b.await("the question has the focus", has("dialog[open] "+id("playlist-delete-cancel")))
		b.press(close)
		b.await("the focus is back", has(id("playlist-delete")))
	}
	b.press(kb.Enter)
	b.tabTo(id("playlist-delete-confirm"))
	b.press(kb.Enter)
	b.await("the tape is gone", `location.pathname === "/playlists" && !document.querySelector('[data-testid="playlist-card"]') && document.activeElement?.matches("main")`)

	b.tabTo(id("tab-hood"))
	b.press(kb.Enter)
	b.tabTo(id("hood-renew"))
	b.press(kb.Enter)
	b.await("the renewal is done", `document.querySelector('[data-testid="hood-log"] [data-kind="done"]')`)
	b.tabTo(id("sign-out"))
	b.press(kb.Enter)
	b.see(id("welcome"))
	for _, address := range b.hosted() {
		if strings.Contains(address, "error") {
			t.Errorf("an error page was shown: %s", address)
		}
	}
}
