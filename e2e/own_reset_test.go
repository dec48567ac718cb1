package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// resetPage is a page of a tenant's own for new passwords. What it shows stands in the place of FORM.
const resetPage = `<!DOCTYPE html><html lang="{{lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{tenant.friendly_name}}</title>
<style>body{font:1rem sans-serif;margin:2rem auto;max-width:20rem;padding:0 1rem;{% unless tenant.colors.page_background %}background:#f4f1ec{% endunless %}}input,button{display:block;box-sizing:border-box;width:100%;margin:.5rem 0;padding:.6rem;font:inherit}
button{background:{{tenant.colors.primary | default: "#225577"}};color:#fff;border:0}</style></head><body><h1>{{tenant.friendly_name | default: tenant.name}}</h1><p>A new password for {{email}}, of {{min_length}} characters and more</p>FORM</body></html>`

// scriptForm sends what is typed as the vendor's widget does, with the library that it uses.
const scriptForm = `<input id="word" type="password"><input id="again" type="password"><p id="wrong"></p><button id="enter">Keep it</button><script src="LIBRARY"></script><script>
var held = {email: "{{email | escape}}", csrf: "{{csrf_token}}", ticket: "{{ticket}}", policy: "{{password_policy}}", options: {{password_complexity_options}}};
var say = function (text) { document.getElementById("wrong").textContent = text; }, value = function (name) { return document.getElementById(name).value; };
document.getElementById("enter").onclick = function () {
	say("");
	request.post("/lo/reset").type("form").send({newPassword: value("word"), confirmNewPassword: value("again"), _csrf: held.csrf, ticket: held.ticket}).timeout(6000).end(function (error, answer) {
		if (error) say(answer && answer.body ? answer.body.name + " " + answer.body.code + " under " + held.policy + JSON.stringify(held.options) : "no answer");
		else if (answer.body && typeof answer.body.result_url === "string") location.replace(answer.body.result_url);
		else say("It is changed.");
	});
};
</script>`

// plainResetForm works without scripts.
const plainResetForm = `<form method="post" action="/lo/reset"><input type="hidden" name="_csrf" value="{{csrf_token}}"><input type="hidden" name="ticket" value="{{ticket}}"><input type="hidden" name="email" value="{{email}}">
<input id="word" type="password" name="newPassword"><input id="again" type="password" name="confirmNewPassword"><button id="enter">Keep it</button></form>`

// TestOwnPasswordPage: pages that tenants bring along for new passwords, one that sends what the vendor's widget sends and one that is a form alone, give people a new password.
func TestOwnPasswordPage(t *testing.T) {
	modules := published(t, "superagent")
	text := bundled(t, modules, "superagent", `window.request = require("superagent");`)
	files := library(t, text)
	op := operatorOf(t)
	t.Cleanup(func() { op.do("PATCH", "/tenants/settings", map[string]any{"change_password": nil}, nil) })
	ctx := trusting(t)
	open := func(t *testing.T, form string, more map[string]any) (*tab, user) {
		html := strings.Replace(strings.Replace(resetPage, "FORM", form, 1), "LIBRARY", files.URL+"/library.js", 1)
		op.do("PATCH", "/tenants/settings", map[string]any{"change_password": map[string]any{"enabled": true, "html": html}}, nil)
		who := user{Email: newAddress("reset"), Password: "Engine-No.1"}
		op.do("POST", "/users", map[string]any{"connection": "Username-Password-Authentication", "email": who.Email, "password": who.Password}, &who)
		var made struct{ Ticket string }
		body := map[string]any{"user_id": who.UserID}
		for name, value := range more {
			body[name] = value
		}
		op.do("POST", "/tickets/password-change", body, &made)
		b := tabIn(t, ctx, chromedp.WithNewBrowserContext())
		b.open(made.Ticket)
		b.await("the tenant's page", `location.pathname === "/lo/reset" && document.querySelector("#enter") && document.body.innerText.includes(`+quote(who.Email)+`)`)
		return b, who
	}
	give := func(b *tab, secret string) {
		b.fill("#word", secret)
		b.fill("#again", secret)
		b.click("#enter")
	}
	t.Run("script", func(t *testing.T) {
		b, _ := open(t, scriptForm, nil)
		if *screenshots != "" {
			for width, name := range map[int64]string{390: "phone", 1280: "desktop"} {
				b.do("resize", chromedp.EmulateViewport(width, 844))
				b.whole(filepath.Join(*screenshots, "own-reset-"+name+".png"))
			}
			b.do("resize", chromedp.EmulateViewport(390, 844))
		}
		give(b, "short")
		b.awaitText("#wrong", "PasswordStrengthError invalid_password under ")
		give(b, "Engine-No.2")
		b.awaitText("#wrong", "It is changed.")
		give(b, "Engine-No.3")
		b.awaitText("#wrong", "BadRequestError")
	})
	t.Run("script and on", func(t *testing.T) {
		b, _ := open(t, scriptForm, map[string]any{"result_url": files.URL + "/done"})
		give(b, "Engine-No.2")
		b.await("where the ticket leads", `location.href.startsWith(`+quote(files.URL+"/done?")+`) && new URLSearchParams(location.search).get("success") === "true"`)
	})
	t.Run("form", func(t *testing.T) {
		b, _ := open(t, plainResetForm, nil)
		give(b, "short")
		b.await("our page says why", `document.body.innerText.includes("This password is too weak")`)
		b.fill(`input[name="password"]`, "Engine-No.2")
		b.click(`button[type="submit"].primary`)
		b.await("it is changed", `document.body.innerText.includes("Your password is changed")`)
	})
}
