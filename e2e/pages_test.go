package e2e

import (
	"context"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestEveryPage looks at every sample of the hosted pages (ui/samples_test.go), in both themes, on a phone and a desktop, in English and in German, and
// in the languages with the longest words on a phone. It takes minutes and is for those who look at the pictures: make screens.
func TestEveryPage(t *testing.T) {
	if *screenshots == "" {
		t.Skip("not asked for: -screenshots DIR")
	}
	at := samplePages(t)
	b := newTab(t)
	for _, name := range strings.Fields(want(t, http.StatusOK, "GET", at+"/all", "", nil).body) {
		for _, lang := range []string{"en", "de"} {
			b.open(at + "/" + url.PathEscape(name) + "?lang=" + lang)
			b.look("page-" + name + "-" + lang)
		}
		for _, lang := range []string{"de", "es", "fr", "it", "ja", "nl", "pl", "pt-BR", "zh-CN"} { // on the narrowest of phones
			b.open(at + "/" + url.PathEscape(name) + "?lang=" + lang)
			b.view(320, 640, 1, "light")
			b.audit(name + " in " + lang)
			if lang == "pl" {
				b.whole(filepath.Join(*screenshots, "page-"+name+"-"+lang+"-narrow.png"))
			}
		}
	}
}

// samplePages serves the samples and returns where.
func samplePages(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ui.test")
	compile := exec.Command("go", "test", "-c", "-o", program, "./ui")
	compile.Dir = ".."
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	address := freeAddresses(1)[0]
	serve := exec.Command(program, "-test.run", "TestPreview", "-test.timeout", "0", "-preview", address)
	serve.Dir = "../ui"
	p, err := start(serve)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Kill()
		<-p.exited
	})
	if err := p.awaitURL("http://" + address + "/all"); err != nil {
		t.Fatalf("%v\n%s", err, p.tail())
	}
	return "http://" + address
}

// whole writes what the page shows from its beginning to its end.
func (b *tab) whole(path string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	keep(b.t, path, shot)
}

// A page with a fault of each kind: an audit that finds nothing proves nothing otherwise.
func TestAuditFindsFaults(t *testing.T) {
	b := newTab(t)
	b.open("data:text/html," + url.PathEscape(`<!DOCTYPE html><html><head><meta name="viewport" content="width=device-width"><style>
		.faint { color: #999 } .wide { width: 60rem } .bare:focus { outline: none } .cut { width: 3rem; overflow: hidden; white-space: nowrap } .tiny { font-size: 4px }
		</style></head><body><main><h1>One</h1><h3>Three</h3><p class="faint">Faint</p><p class="wide">Wide</p><p class="cut">A text that is cut off</p>
		<h2 style="width:4rem;overflow-wrap:anywhere">Unbreakablelongword</h2><button></button><button class="tiny">x</button><button class="bare">Bare</button><img src="data:,"><i id="a"></i><i id="a"></i><input aria-describedby="nobody" title="t"></main></body></html>`))
	b.view(390, 844, 1, "light")
	var faults []string
	b.eval(&faults, audit)
	for _, wanted := range []string{
		"over the side", "no title", "no language", "of level 3 under one of level 1", "the id a is used twice", "a control without a name", "hard to hit",
		"no mark of the focus", "a picture without words", "contrast 2.85", "a text is cut off", "which is not there", "is broken",
	} {
		if !strings.Contains(strings.Join(faults, "\n"), wanted) {
			t.Errorf("not found: %s", wanted)
		}
	}
	if t.Failed() {
		t.Logf("%q", faults)
	}
}
