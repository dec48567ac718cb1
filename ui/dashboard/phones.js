// Text messages: who brings them to phones, and what they say.
import { h } from "./dom.js";
import { api, at } from "./api.js";
import { badge, button, facts, permitted, section, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";
import { changed, fieldsOf } from "./things.js";
import { inbox, state } from "./mails.js";

const vendors = { twilio: "Twilio", custom: "An action of yours" };

const token = { type: "password", autocomplete: "new-password" };

// account is what Twilio has to be told; ways are those of an action, which may make calls as well.
const account = {
  sid: ["text", "Account SID", { required: true, hint: "Begins with AC." }], auth_token: ["text", "Auth token", token],
  default_from: ["text", "Number that messages come from", { hint: "Such as +15550100. Needed without a messaging service." }], mssid: ["text", "Messaging service SID", { hint: "Begins with MG." }],
};
const ways = { delivery_methods: ["many", "What it brings", { required: true, first: ["text"], options: [["text", "Text messages"], ["voice", "Calls"]] }] };

// configured is the configuration of a provider as somebody changed it; what is empty is left out.
const configured = (before, { enabled, auth_token, ...typed }) => Object.fromEntries(Object.entries({ ...before, ...typed }).filter(([, value]) => value !== ""));

// trial sends a message to a phone of somebody who looks after the tenant.
const trial = (path) => h("details", {}, h("summary", {}, "Try it"), form({ to: field("text", "Number", "", { required: true, hint: "Such as +15550100." }) }, async ({ to }) => {
  await api("POST", `${path}/try`, { to });
  return "It is on its way. What became of it is in the log.";
}, "Send a test message"));

const providerIs = (provider, again) => {
  const path = at`/branding/phone/providers/${provider.id}`, before = provider.configuration ?? {};
  const described = provider.name === "twilio" ? { ...account, auth_token: ["text", "Auth token", { ...token, hint: "Kept as it is unless you type a new one." }] } : ways;
  return [
    facts([["Provider", vendors[provider.name]], ["State", provider.disabled ? badge("switched off", "bad") : badge("sends", "good")]]),
    provider.name === "custom" && h("p", {}, "Messages are handed to the ", h("a", { href: "#/actions" }, "action"), " of the trigger custom-phone-provider."),
    form(fieldsOf({ enabled: ["check", "Send messages by it"], ...described }, { ...before, enabled: !provider.disabled }), async (values) => {
      const change = changed(provider, { disabled: !values.enabled });
      const configuration = configured(before, values);
      if (Object.keys(changed(before, configuration)).length > 0 || Object.keys(before).some((name) => !(name in configuration))) change.configuration = configuration;
      if (values.auth_token) change.credentials = { auth_token: values.auth_token };
      if (Object.keys(change).length === 0) return "Nothing was changed.";
      await api("PATCH", path, change);
      await again();
      return "Saved.";
    }, "Save the provider"),
    trial(path),
    h("p", {}, button("Remove the provider", async () => {
      if (!(await sure("Remove the provider?", "Its credentials are deleted. Codes go by the connection's own account from then on, if it has one.", "Remove"))) return;
      await api("DELETE", path);
      await again();
      tell("Removed.");
    }, "danger.button")),
  ];
};

const newProvider = (again) => {
  const of = (name, fields) => Object.entries(fields).map(([key, [kind, label, options]]) => [key, [kind, label, { ...options, required: options.required || options === token, when: { name: [name] } }]]);
  const described = { name: ["select", "Provider", { options: Object.entries(vendors) }], ...Object.fromEntries([...of("twilio", account), ...of("custom", ways)]) };
  return h("details", {}, h("summary", {}, "Set a provider"), form(fieldsOf(described, {}), async ({ name, auth_token, ...values }) => {
    await api("POST", "/branding/phone/providers", {
      name, configuration: configured(name === "twilio" ? { delivery_methods: ["text"] } : {}, values), credentials: auth_token ? { auth_token } : {},
    });
    await again();
    return "Messages go by it from now on.";
  }, "Set the provider"));
};

const sender = async (again) => {
  const { providers } = await api("GET", "/branding/phone/providers");
  return [
    await inbox("messages"),
    providers.length > 0 ? providers.map((one) => providerIs(one, again)) : [
      h("p", {}, "This tenant has no provider. Codes go by the account of the connection that sends them, if it has one: see its page among the ", h("a", { href: "#/connections" }, "connections"), "."),
      newProvider(again),
    ],
  ];
};

// templates are the messages that a tenant may write itself, and what they begin from.
const templates = {
  otp_verify: ["A code to log in, or of a second factor", "{{ code }} is your code for {{ friendly_name }}"],
  otp_enroll: ["A code to add a phone as second factor", "{{ code }} is your code to add this phone to {{ friendly_name }}"],
  change_password: ["A code to choose a new password", "{{ code }} is your code to change your password for {{ friendly_name }}"],
};

const written = async () => Object.fromEntries((await api("GET", "/branding/phone/templates")).templates.map((one) => [one.type, { ...one, enabled: !one.disabled }]));

export const phones = async ({ again }) => ({
  title: "Text messages",
  body: [
    h("p.lead", {}, "Who brings messages to the phones of your people, and what they say."),
    section("Who brings them", await permitted(() => sender(again))),
    section("What they say", await permitted(async () => {
      const all = await written();
      return [
        table("Text messages", ["Message", "-Name", "Words"], Object.entries(templates).map(([type, [what]]) => [h("a", { href: `#/phones/${type}` }, what), h("code", {}, type), state(all[type])]), ""),
        h("p.hint", {}, "A connection that sends codes by text message can have words of its own, on its page."),
      ];
    })),
  ],
});

// phone writes one of them.
export const phone = async ({ type, again }) => {
  if (!templates[type]) return { title: "Not found", body: h("p", {}, "There is no such message. ", h("a", { href: "#/phones" }, "All text messages")) };
  const template = (await written())[type];
  const path = template && at`/branding/phone/templates/${template.id}`;
  const before = template ? { enabled: template.enabled, from: template.content?.from, ...template.content?.body } : { enabled: true, text: templates[type][1] };
  const fields = fieldsOf({
    enabled: ["check", "Send it so", { hint: "If not, the message is in our words." }],
    text: ["area", "Text message", { hint: "Liquid works in it: {{ code }}, {{ friendly_name }}, {{ user.name }}, {{ locale }}. Nothing: ours." }],
    voice: ["area", "What a call says", { hint: "Calls are made by actions alone. Nothing: ours." }],
    from: ["text", "From", { hint: "Nothing: the provider's number." }],
  }, before);
  return {
    title: templates[type][0],
    body: [
      h("p", {}, h("a", { href: "#/phones" }, "All text messages")),
      facts([["Name", h("code", {}, type)], ["Words", state(template)]]),
      form(fields, async (values) => {
        const { enabled, from, ...body } = template ? changed(before, values) : values;
        const words = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== "" || template).map(([way, value]) => [way, value || null]));
        const change = {
          ...(enabled !== undefined && { disabled: !enabled }),
          ...((from !== undefined || Object.keys(words).length > 0) && { content: { ...(from !== undefined && { from }), ...(Object.keys(words).length > 0 && { body: words }) } }),
        };
        if (Object.keys(change).length === 0) return "Nothing was changed.";
        if (template) await api("PATCH", path, change);
        else await api("POST", "/branding/phone/templates", { type, disabled: !enabled, content: { syntax: "liquid", ...change.content } });
        await again();
        return "Saved.";
      }, "Save the message"),
      template && [trial(path), h("p", {}, button("Go back to our words", async () => {
        if (!(await sure("Go back to our words?", "What you wrote is deleted.", "Go back"))) return;
        await api("DELETE", path);
        await again();
        tell("The message is in our words.");
      }, "danger.button"))],
    ],
  };
};
