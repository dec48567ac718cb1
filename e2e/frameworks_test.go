package e2e

import (
	"path/filepath"
	"testing"

	esbuild "github.com/evanw/esbuild/pkg/api"
)

// frameworks is where applications are that use a library for one of the frameworks that people build pages with.
const frameworks = "testdata/frameworks/"

const applicationPage = `<!DOCTYPE html><base href="/"><title>A page</title><p id="ready">ready</p><div id="app"></div><app-root></app-root>
<script src="/settings.js"></script><script src="/library.js"></script>`

// application is one of them in one file, as its build makes it.
func application(t *testing.T, modules, file string) []byte {
	t.Helper()
	out := esbuild.Build(esbuild.BuildOptions{
		EntryPoints: []string{file}, NodePaths: []string{modules}, Bundle: true, Platform: esbuild.PlatformBrowser, Format: esbuild.FormatIIFE, MinifySyntax: true, JSX: esbuild.JSXAutomatic,
		Outfile: filepath.Join(t.TempDir(), "library.js"), MainFields: []string{"browser", "module", "main"}, TsconfigRaw: `{"compilerOptions": {"experimentalDecorators": true}}`,
		Define: map[string]string{"process.env.NODE_ENV": `"production"`, "__VUE_OPTIONS_API__": "true", "__VUE_PROD_DEVTOOLS__": "false", "__VUE_PROD_HYDRATION_MISMATCH_DETAILS__": "false"},
	})
	if len(out.Errors) > 0 {
		t.Fatalf("%v", out.Errors)
	}
	return out.OutputFiles[0].Contents
}

// runFramework uses an application of the frameworks: a page that is for people who are signed in.
func runFramework(l *libraryPage) {
	shown := func() {
		l.t.Helper()
		l.await("the page of who is signed in", `!window.left && location.origin === `+quote(l.url)+` && location.pathname === "/songs" && document.querySelector("#mail")?.textContent === `+quote(l.who.Email))
	}
	says := func(button, what string) {
		l.t.Helper()
		l.click("#" + button)
		l.await(button, `document.querySelector("#said").textContent === `+quote(what))
	}
	leave := func(button string) { l.leave(`document.querySelector("#` + button + `").click()`) }
	l.open(l.url + "/songs")
	l.logIn(l.who)
	shown()
	says("ask", l.who.UserID)
	says("renew", "true")
	l.open(l.url + "/songs") // it keeps nothing here: a frame, or another login, which asks nobody
	shown()
	leave("step")
	l.setUp()
	shown()
	says("factors", "mfa")
	leave("out")
	l.await("the page", `location.pathname === "/out"`)
	l.await("the page of who is not signed in", `document.querySelector("#home")?.textContent === "false"`)
}
