// Mails: who sends them, and what they say.
import { h } from "./dom.js";
import { api, at, kept } from "./api.js";
import { badge, button, facts, permitted, section, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";
import { changed, fieldsOf } from "./things.js";
import { isObject } from "./json.js";

const secret = { type: "password", autocomplete: "new-password" };

// vendors are those who can send the mails of a tenant, with the fields of their credentials. What has an object with type password is never shown.
const vendors = {
  smtp: ["SMTP server", { smtp_host: ["text", "Host", { required: true }], smtp_port: ["number", "Port", { required: true, first: 587 }], smtp_user: ["text", "User"], smtp_pass: ["text", "Password", secret] }],
  ses: ["Amazon SES", { accessKeyId: ["text", "Access key ID", secret], secretAccessKey: ["text", "Secret access key", secret], region: ["text", "Region", { required: true }] }],
  mailgun: ["Mailgun", { api_key: ["text", "API key", secret], domain: ["text", "Domain", { required: true }], region: ["select", "Region", { options: [["", "United States"], ["eu", "Europe"]] }] }],
  sparkpost: ["SparkPost", { api_key: ["text", "API key", secret], region: ["select", "Region", { options: [["", "United States"], ["eu", "Europe"]] }] }],
  sendgrid: ["SendGrid", { api_key: ["text", "API key", secret] }],
  mandrill: ["Mandrill", { api_key: ["text", "API key", secret] }],
  resend: ["Resend", { api_key: ["text", "API key", secret] }],
  azure_cs: ["Azure Communication Services", { connectionString: ["text", "Connection string", secret] }],
  ms365: ["Microsoft Graph", { tenantId: ["text", "Tenant ID", secret], clientId: ["text", "Client ID", secret], clientSecret: ["text", "Client secret", secret] }],
  custom: ["An action of yours", {}],
};

const isSecret = ([, , options]) => options?.type === "password";

// common are the fields that all vendors have.
const common = {
  default_from_address: ["text", "Address that mails come from", { hint: "Where a mail names none of its own: hello@example.com, or Acme <hello@example.com>." }],
  settings: ["json", "Settings of the vendor", { first: {}, rows: 6, hint: "For what only this vendor has. Most need none." }],
};

// credentials are those of a vendor, of what was typed. Nothing typed is nothing sent.
const credentials = (name, values) => Object.fromEntries(Object.keys(vendors[name][1]).filter((key) => values[key] !== "" && values[key] !== undefined).map((key) => [key, values[key]]));

const providerIs = async (provider, again) => {
  const [title, described] = vendors[provider.name] ?? [provider.name, {}];
  const before = { ...provider.credentials, ...provider, settings: provider.settings ?? {} };
  const fields = fieldsOf({
    enabled: ["check", "Send mails by it"],
    ...Object.fromEntries(Object.entries(described).map(([key, d]) => [key, isSecret(d) ? [d[0], d[1], { ...d[2], hint: "Kept as it is unless you type a new one." }] : d])),
    ...common,
  }, before);
  const body = form(fields, async (values) => {
    const change = changed(before, { enabled: values.enabled, default_from_address: values.default_from_address, settings: values.settings });
    const sent = credentials(provider.name, values), open = Object.keys(described).filter((key) => !isSecret(described[key]));
    const moved = open.some((key) => (sent[key] ?? "") !== (provider.credentials[key] ?? ""));
    const lacks = Object.keys(described).filter((key) => isSecret(described[key]) && sent[key] === undefined).map((key) => described[key][1]);
    if (moved && lacks.length > 0 && (provider.name !== "smtp" || sent.smtp_user)) {
      throw new Error(`Type this anew, too: ${lacks.join(", ")}. What was kept is not handed to another place.`);
    }
    if (moved || Object.keys(sent).some((key) => !open.includes(key))) change.credentials = sent;
    if (Object.keys(change).length === 0) return "Nothing was changed.";
    await api("PATCH", "/emails/provider", change);
    await again();
    return "Saved.";
  }, "Save the provider");
  return [
    facts([["Provider", title], ["State", provider.enabled ? badge("sends", "good") : badge("switched off", "bad")]]),
    provider.name === "custom" && h("p", {}, "Mails are handed to the ", h("a", { href: "#/actions" }, "action"), " of the trigger custom-email-provider."),
    body,
    h("p", {}, button("Remove the provider", async () => {
      if (!(await sure("Remove the provider?", "Its credentials are deleted. Mails go by the server's own mail server from then on, if it has one.", "Remove"))) return;
      await api("DELETE", "/emails/provider");
      await again();
      tell("Removed.");
    }, "danger.button")),
  ];
};

const newProvider = (again) => {
  const described = { name: ["select", "Provider", { options: Object.entries(vendors).map(([name, [title]]) => [name, title]) }] };
  const owners = {}; // which of the vendors has a field: two may have one of the same name
  for (const [name, [, fields]] of Object.entries(vendors)) {
    for (const [key, [kind, label, options]] of Object.entries(fields)) {
      described[`${name}.${key}`] = [kind, label, { ...options, required: kind !== "select" && !["smtp_user", "smtp_pass"].includes(key), when: { name: [name] } }];
      owners[`${name}.${key}`] = [name, key];
    }
  }
  return form(fieldsOf({ ...described, ...common }, {}), async (values) => {
    const typed = Object.fromEntries(Object.entries(owners).filter(([field, [name]]) => name === values.name && field in values).map(([field, [, key]]) => [key, values[field]]));
    await api("POST", "/emails/provider", {
      name: values.name, credentials: credentials(values.name, typed), default_from_address: values.default_from_address || undefined,
      settings: isObject(values.settings) && Object.keys(values.settings).length ? values.settings : undefined,
    });
    await again();
    return "Mails go by it from now on.";
  }, "Set the provider");
};

// inbox says that nothing is sent, where that is so.
export const inbox = (what) => permitted(async () => (await api("GET", "/tenants/settings")).stagedoor?.development_inbox === true && h("p.notice", {},
  `Nothing is sent: the development inbox of this tenant is on, and everybody can read its ${what}. `, h("a", { href: "/u/inbox" }, "Open the inbox"), "."));

// sender says who sends the mails of this tenant.
const sender = async (again) => {
  const provider = await kept("/emails/provider?fields=name,enabled,default_from_address,credentials,settings");
  return [
    await inbox("mails"),
    provider ? await providerIs(provider, again) : [
      h("p", {}, "This tenant has no provider of its own. Mails go by the server's own mail server, if its operator set one."),
      h("details", {}, h("summary", {}, "Set a provider"), newProvider(again)),
    ],
  ];
};

// templates are the mails that a tenant may write itself: what each is sent for, and what it has beside the person, a link or a code.
const templates = {
  verify_email: ["To prove an address, by a link", "url"], verify_email_by_code: ["To prove an address, by a code", "code"], welcome_email: ["Once an address is proved", ""],
  reset_email: ["To choose a new password, by a link", "url"], reset_email_by_code: ["To choose a new password, by a code", "code"],
  auth_email_by_code: ["To log in, by a code", "code"], mfa_oob_code: ["The code of a second factor", "code"], enrollment_email: ["To set up a second factor", "url"],
  blocked_account: ["After too many wrong passwords", "url"], stolen_credentials: ["When a password has become public", "url"], user_invitation: ["To invite to an organization", "url"],
  async_approval: ["To ask for an approval", "url"], account_code: ["A code for the account page", "code"], account_changed: ["When an account was changed", ""], account_deleted: ["When an account was deleted", ""],
  change_password: ["As reset_email, as it was once called", "url"], password_reset: ["As reset_email, as it was once called", "url"],
};

const former = ["change_password", "password_reset"]; // shown where there are such

// state tells in whose words something is.
export const state = (template) => (!template ? "ours" : template.enabled === false ? badge("switched off") : badge("yours", "good"));

export const mails = async ({ again }) => ({
  title: "Mails",
  body: [
    h("p.lead", {}, "Who sends the mails to your people, and what they say."),
    section("Who sends them", await permitted(() => sender(again))),
    section("What they say", await permitted(async () => {
      const all = await Promise.all(Object.keys(templates).map((name) => kept(at`/email-templates/${name}?fields=enabled,subject`)));
      return table("Mails", ["Mail", "-Name", "Words"], Object.entries(templates).map(([name, [what]], i) => (all[i] || !former.includes(name)) && [
        h("a", { href: `#/mails/${name}` }, what), h("code", {}, name), state(all[i]),
      ]).filter(Boolean), "");
    })),
  ],
});

const example = (name) => `<p>Hello {{ user.name }},</p>
${{ url: "<p><a href=\"{{ url }}\">Go on</a></p>", code: "<p>Your code is <b>{{ code }}</b>.</p>", "": "<p>…</p>" }[templates[name][1]]}
<p>{{ friendly_name }}</p>
`;

// mail writes one of them.
export const mail = async ({ name, again }) => {
  if (!templates[name]) return { title: "Not found", body: h("p", {}, "There is no such mail. ", h("a", { href: "#/mails" }, "All mails")) };
  const template = await kept(at`/email-templates/${name}`);
  const before = template ?? { enabled: true, body: example(name) };
  const link = templates[name][1] === "url" && {
    resultUrl: ["text", "Where the link leads in the end", { hint: "Liquid works in it." }], urlLifetimeInSeconds: ["number", "Seconds that the link is good for"],
  };
  const fields = fieldsOf({
    enabled: ["check", "Send it so", { hint: "If not, the mail is in our words; the one after a sign-up and the welcome are not sent then." }],
    subject: ["text", "Subject", { hint: "Nothing: ours, in the person's language." }], from: ["text", "From", { hint: "Nothing: the provider's address." }],
    body: ["code", "Body", { rows: 16, hint: "HTML with Liquid. {% debug %} puts all that there is into the mail." }], ...link,
  }, before);
  return {
    title: templates[name][0],
    body: [
      h("p", {}, h("a", { href: "#/mails" }, "All mails")),
      facts([["Name", h("code", {}, name)], ["Words", state(template)]]),
      h("p.hint", {}, template ? "A template cannot be deleted: switch it off, and the mail is in our words again." : "This mail is in our words, in the language of the person. What you save here takes their place."),
      form(fields, async (values) => {
        const change = template ? changed(template, values) : { template: name, syntax: "liquid", ...values };
        if (Object.keys(change).length === 0) return "Nothing was changed.";
        await api(template ? "PATCH" : "POST", template ? at`/email-templates/${name}` : "/email-templates", change);
        await again();
        return "Saved.";
      }, "Save the mail"),
      section("What it looks like", await permitted(async () => ((await api("GET", "/tenants/settings")).stagedoor?.development_inbox
        ? h("p", {}, "What is sent lies in the ", h("a", { href: "/u/inbox" }, "development inbox"), ", as people get it.")
        : h("p", {}, "Have one sent to an address of yours. A template that fails for somebody is in the ", h("a", { href: "#/logs" }, "log"), ", and that mail goes out in our words."))),
      template && form({ to: field("text", "Your address", "", { required: true, hint: "The mail is what was saved last, for somebody made up. Its link and its code open nothing." }) }, async ({ to }) => {
        await api("POST", at`/email-templates/${name}/try`, { to });
        return "It is on its way.";
      }, "Send a test mail")),
    ],
  };
};
