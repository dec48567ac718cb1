// What pages say, and the frame that they stand in.
import { h } from "./dom.js";
import { api, at, every, kept, query } from "./api.js";
import { callbackOf, loginTo } from "./applications.js";
import { badge, button, facts, permitted, section, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";

const prompts = {
  login: "Log in", "login-id": "Log in: who one is", "login-password": "Log in: the password", "login-passwordless": "Log in with a code", "login-email-verification": "Prove an address before the login",
  signup: "Sign up", "signup-id": "Sign up: who one is", "signup-password": "Sign up: the password", "email-identifier-challenge": "Code for an address", "phone-identifier-challenge": "Code for a telephone",
  "phone-identifier-enrollment": "Telephone of one's own", "custom-form": "Forms", "reset-password": "New password", consent: "Consent", "customized-consent": "Consent, with details", logout: "Log out",
  mfa: "Second factors", "mfa-otp": "Code of an app", "mfa-push": "Push", "mfa-sms": "Code by text message", "mfa-voice": "Code by a call", "mfa-phone": "Code by telephone", "mfa-email": "Code by mail",
  "mfa-webauthn": "Security keys", "mfa-recovery-code": "Recovery codes", passkeys: "Passkeys", status: "Done, or not", "device-flow": "Devices", "email-verification": "Address proved",
  "email-otp-challenge": "Code of an address", organizations: "Organizations", invitation: "Invitations", "pre-login-organization-picker": "Choose an organization", common: "Everywhere", captcha: "Captcha",
  "brute-force-protection": "Blocked accounts", "async-approval-flow": "Approvals",
};

// languages are those that the tenant has switched on, its default first.
const languages = async () => {
  const told = await permitted(async () => (await api("GET", "/tenants/settings")).enabled_locales);
  return Array.isArray(told) && told.length ? told : ["en"];
};

// looks are links to pages as people see them. A login needs an application to be for.
const looks = async (language, names) => {
  const clients = await permitted(() => every("/clients?is_global=false", "clients"));
  const client = Array.isArray(clients) && clients.find((c) => callbackOf(c) && c.organization_usage !== "require");
  const login = (hint) => client && loginTo(client, { ui_locales: language, screen_hint: hint });
  const all = { login: ["The login page", login()], signup: ["The sign-up page", login("signup")], "reset-password": ["The page for a new password", `/u/forgot${query({ ui_locales: language })}`] };
  const shown = names.map((name) => all[name]).filter((one) => one?.[1]);
  if (shown.length === 0) return h("p.empty", {}, "Go to the page as people do.");
  return h("ul", {}, shown.map(([name, href]) => h("li", {}, h("a", { href, target: "_blank", rel: "noopener" }, name), " (a new tab)")));
};

export const texts = async () => ({
  title: "Texts",
  body: [
    h("p.lead", {}, "Single texts of the pages in your own words, by page and language. What you leave out is in ours."),
    table("Pages", ["Page", "-Name"], Object.entries(prompts).map(([name, what]) => [h("a", { href: `#/texts/${name}` }, what), h("code", {}, name)]), ""),
  ],
});

// text writes those of a page in a language.
export const text = async ({ prompt, query: asked, again }) => {
  if (!prompts[prompt]) return { title: "Not found", body: h("p", {}, "There is no such page. ", h("a", { href: "#/texts" }, "All pages")) };
  const known = await languages(), language = asked.get("language") ?? known[0];
  const path = at`/prompts/${prompt}/custom-text/${language}`;
  const own = await api("GET", path), empty = Object.keys(own).length === 0;
  return {
    title: prompts[prompt],
    body: [
      h("p", {}, h("a", { href: "#/texts" }, "All pages")),
      known.length > 1 && h("nav.filters", { "aria-label": "Language" }, known.map((one) => h("a", { href: `#/texts/${prompt}${query({ language: one })}`, "aria-current": one === language && "true" }, one))),
      facts([["Name", h("code", {}, prompt)], ["Language", language], ["Words", empty ? "ours" : badge("yours", "good")]]),
      form({ value: field("json", "Texts", empty ? { [prompt]: {} } : own, { rows: 20, hint: "By screen and key, such as { \"login\": { \"title\": \"Good to see you\" } }. All of them are replaced; a text that you take away is in our words again." }) }, async ({ value }) => {
        await api("PUT", path, Object.fromEntries(Object.entries(value).filter(([, screen]) => Object.keys(screen ?? {}).length > 0)));
        await again();
        return "Saved.";
      }, "Save the texts"),
      section("What it looks like", await looks(language, [prompt])),
    ],
  };
};

const example = `<!DOCTYPE html>
<html lang="{{ locale }}">
  <head>
    <meta charset="utf-8">
    {%- auth0:head -%}
  </head>
  <body>
    <header>{{ tenant.friendly_name }}</header>
    {%- auth0:widget -%}
  </body>
</html>
`;

// pageTemplate is the frame of all pages of logins.
export const pageTemplate = async ({ again }) => {
  const own = await kept("/branding/templates/universal-login");
  return {
    title: "Page template",
    body: [
      h("p.lead", {}, "The frame around the pages on which people log in: HTML with Liquid."),
      facts([["Frame", own ? badge("yours", "good") : "ours"]]),
      form({ template: field("code", "Template", own?.body ?? example, { hint: "It must have {%- auth0:head -%} and {%- auth0:widget -%}. One that fails is left away, and noted in the server's log." }) }, async ({ template }) => {
        await api("PUT", "/branding/templates/universal-login", { template });
        await again();
        return "Saved. People see it from now on.";
      }, "Save the template"),
      own && h("p", {}, button("Go back to our frame", async () => {
        if (!(await sure("Go back to our frame?", "The template is deleted.", "Go back"))) return;
        await api("DELETE", "/branding/templates/universal-login");
        await again();
        tell("The pages have our frame again.");
      }, "danger.button")),
      section("What it looks like", await looks(undefined, ["login", "signup", "reset-password"])),
    ],
  };
};
