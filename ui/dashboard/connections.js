// Connections: where people come from.
import { h, when } from "./dom.js";
import { api, at, every, kept } from "./api.js";
import { callbackOf, loginTo } from "./applications.js";
import { button, copyable, facts, sure, table, tell } from "./parts.js";
import { form } from "./form.js";
import { changed, fieldsOf } from "./things.js";
import { derived, strategies } from "./strategies.js";

const path = (connection, rest = "") => at`/connections/${connection.id}` + rest;

const clientsThatUse = async (connection) => new Set((await api("GET", path(connection, "/clients?take=100"))).clients.map((c) => c.client_id));

const clientsOf = async (connection, again) => {
  const all = await every("/clients?is_global=false", "clients");
  const on = await clientsThatUse(connection);
  return table("Applications", ["Application", ""], all.map((c) => [c.name, button(on.has(c.client_id) ? `Switch off for ${c.name}` : `Switch on for ${c.name}`, async () => {
    await api("PATCH", at`/connections/${connection.id}/clients`, [{ client_id: c.client_id, status: !on.has(c.client_id) }]);
    await again();
    tell(on.has(c.client_id) ? "Switched off." : "Switched on.");
  }, on.has(c.client_id) ? "secondary" : "textual")]), "No application.");
};

// member is one of options; a name with a dot is that of a member of an object.
const member = (options, name) => name.split(".").reduce((value, one) => value?.[one], options);

// put sets a member of options, and takes it away where nothing was typed. Of some, the API takes a text or a list.
const put = (options, name, value) => {
  const path = name.split("."), last = path.pop();
  const of = path.reduce((object, one) => (object[one] ??= {}), options);
  if (value === "") delete of[last];
  else of[last] = Array.isArray(of[last]) && typeof value === "string" ? value.split(/[\s,]+/).filter(Boolean) : value;
  return options;
};

// given are options of what was typed into the fields of a strategy; what is empty is left out.
const given = (values) => Object.entries(values).filter(([, value]) => value !== "" && value !== undefined && !(Array.isArray(value) && value.length === 0))
  .reduce((options, [name, value]) => put(options, name, value), {});

// newConnection asks for what the strategy needs that is chosen. A field that several have is there once, after those of one alone.
const newConnection = () => {
  const fields = {};
  for (const [strategy, [, own]] of Object.entries(strategies)) {
    for (const [name, [kind, label, options]] of Object.entries(own)) {
      const key = label + "\n" + name; // two strategies may mean different things by one name
      fields[key] ??= [kind, label, { ...options, hint: options?.type === "password" ? undefined : options?.hint, when: { strategy: [] } }];
      fields[key][2].when.strategy.push(strategy);
    }
  }
  const shared = ([, [, , { when }]]) => when.strategy.length > 1;
  return {
    name: ["text", "Name", { required: true, hint: "Letters, digits, hyphens. It cannot be changed." }],
    strategy: ["select", "Kind", { options: Object.entries(strategies).map(([strategy, [title]]) => [strategy, title]) }],
    ...Object.fromEntries(Object.entries(fields).sort((a, b) => shared(a) - shared(b))),
  };
};

const made = ({ name, strategy, ...values }) => ({ name, strategy, options: given(Object.fromEntries(Object.entries(values).map(([key, value]) => [key.split("\n")[1], value]))) });

// there is what the provider has to be told, where there is one.
const there = (connection) => !["auth0", "email", "sms"].includes(connection.strategy) && [
  h("p", {}, "Give this to the provider, or to the company, when you register there. Under another domain of the tenant it is the same with that domain."),
  facts([
    ["Callback address", copyable(`${location.origin}/login/callback`)],
    ["Our metadata", connection.strategy === "samlp" && copyable(`${location.origin}/samlp/metadata?connection=${encodeURIComponent(connection.name)}`)],
  ].filter(([, value]) => value)),
];

// provider has what a connection knows of where its people come from. The API replaces options as a whole: those that others changed meanwhile are read first.
const provider = (connection, again) => {
  const [, described] = strategies[connection.strategy];
  const hidden = Object.keys(described).filter((name) => described[name][2]?.type === "password");
  const words = (name, value) => (described[name][0] === "text" && Array.isArray(value) ? value.join(" ") : value);
  const before = Object.fromEntries(Object.keys(described).map((name) => [name, words(name, member(connection.options, name))]));
  const shown = Object.fromEntries(Object.entries(before).filter(([name]) => !hidden.includes(name)));
  const fields = fieldsOf(Object.fromEntries(Object.entries(described).map(([name, [kind, label, options]]) => [name, [kind, label, { ...options, first: undefined }]])), shown);
  return [there(connection), form(fields, async (values) => {
    const change = changed(before, Object.fromEntries(Object.entries(values).filter(([name, value]) => !(hidden.includes(name) && value === ""))));
    if (Object.keys(change).length === 0) return "Nothing was changed.";
    const options = { ...(await api("GET", path(connection))).options };
    for (const name of Object.keys(change)) (derived[name] ?? []).forEach((other) => delete options[other]);
    for (const [name, value] of Object.entries(change)) put(options, name, value);
    await api("PATCH", path(connection), { options });
    await again();
    return "Saved.";
  }, "Save the options")];
};

// tries are links that begin a login by the connection, each for an application that uses it.
const tries = async (connection) => {
  const on = await clientsThatUse(connection);
  const clients = (await every("/clients?is_global=false", "clients")).filter((c) => on.has(c.client_id) && callbackOf(c));
  if (clients.length === 0) return h("p.empty", {}, "Switch it on for an application that has a callback URL, and a login can be tried here.");
  return [
    h("p", {}, "A login in a tab of its own. It ends at the application, which did not ask for it and may say so; whether it worked is in the log."),
    h("ul", {}, clients.slice(0, 10).map((c) => h("li", {}, h("a", { target: "_blank", rel: "noopener", href: loginTo(c, { connection: connection.name }) }, `Log in to ${c.name}`)))),
  ];
};

const provisioned = ["oidc", "okta", "samlp", "waad"];

// provisioning lets a company's directory say who there is (SCIM).
const provisioning = async (connection, again) => {
  const configuration = await kept(path(connection, "/scim-configuration"));
  const done = async (said) => {
    await again();
    tell(said);
  };
  if (!configuration) {
    return [h("p", {}, "A company's directory can make, change and block its people by SCIM."), button("Open the endpoint", async () => {
      await api("POST", path(connection, "/scim-configuration"), {});
      await done("It is open: make a token for the directory.");
    })];
  }
  const tokens = await api("GET", path(connection, "/scim-configuration/tokens"));
  const row = h("div.row", {}, button("Make a token", async () => {
    const { token } = await api("POST", path(connection, "/scim-configuration/tokens"), {});
    await again();
    document.querySelector("[data-scim]").append(h("p.notice", { role: "status" }, "Give this token to the directory. It is shown this once: ", copyable(token)));
  }), button("Close the endpoint", async () => {
    if (!(await sure("Close the endpoint?", "The directory cannot change people here any more. Its tokens are deleted.", "Close"))) return;
    await api("DELETE", path(connection, "/scim-configuration"));
    await done("It is closed.");
  }));
  return h("div", { "data-scim": true },
    facts([["Endpoint", copyable(`${location.origin}/scim/v2/connections/${connection.id}`)], ["People are known by", configuration.user_id_attribute]]),
    table("Tokens", ["Token", "-Made", "Last used", ""], tokens.map((one) => [h("code", {}, one.token_id), when(one.created_at), when(one.last_used_at), button("Delete", async () => {
      if (!(await sure("Delete the token?", "The directory that has it is locked out.", "Delete"))) return;
      await api("DELETE", path(connection, at`/scim-configuration/tokens/${one.token_id}`));
      await done("Deleted.");
    }, "textual", one.token_id)]), "No token: nobody can use it yet."), row);
};

const title = (c) => strategies[c.strategy]?.[0] ?? c.strategy;

export const connections = {
  path: "connections", one: "connection", many: "Connections", id: "id", title: (c) => c.display_name ?? c.name,
  explain: "Where people come from: databases, other providers.",
  columns: { Kind: title, "-Name": (c) => h("code", {}, c.name) },
  create: newConnection, made,
  facts: (c) => [["ID", copyable(c.id)], ["Name", copyable(c.name)], ["Kind", title(c)], ["Strategy", h("code", {}, c.strategy)]],
  fields: (c) => ({
    display_name: ["text", "Name on the button"],
    ...(strategies[c.strategy]?.[2] && { show_as_button: ["check", "A button on the login page", { hint: "Without one, people are sent there by the domain of their address." }] }),
  }),
  parts: [["What it needs", provider, (c) => Object.keys(strategies[c.strategy]?.[1] ?? {}).length > 0], ["Applications", clientsOf], ["Try it", tries], ["Provisioning", provisioning, (c) => provisioned.includes(c.strategy)]],
  fixed: ["name", "strategy", "enabled_clients"], loss: "All users of this connection are deleted with it.",
};
