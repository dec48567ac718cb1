// What lists and pages show of each noun: its address at the API, what it is called, what can be changed.
import { h } from "./dom.js";
import { api, at, every } from "./api.js";
import { badge, button, copyable, pick, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";
import { chosen } from "./things.js";
import { called } from "./users.js";

const kinds = { spa: "Single-page app", regular_web: "Web app", native: "Native app", non_interactive: "Machine" };

// newClient is a client as it should be today: the API's own defaults are those that applications of long ago need.
const newClient = ({ name, app_type }) => {
  const machine = app_type === "non_interactive", hidden = machine || app_type === "regular_web"; // has a place to hide a secret
  return {
    name, app_type, oidc_conformant: true, jwt_configuration: { alg: "RS256" },
    grant_types: machine ? ["client_credentials"] : ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: hidden ? "client_secret_post" : "none",
    ...(hidden ? {} : { refresh_token: {
      rotation_type: "rotating", expiration_type: "expiring", leeway: 10, infinite_token_lifetime: false, token_lifetime: 2592000, infinite_idle_token_lifetime: false, idle_token_lifetime: 1296000,
    } }),
  };
};

// secretOf shows a client's secret, and makes a new one.
const secretOf = async (client, again) => [
  client.client_secret ? h("p", {}, copyable(client.client_secret, true)) : h("p.empty", {}, "This client may not see secrets (read:client_keys), or there is none."),
  button("Make a new secret", async () => {
    if (!(await sure("Make a new secret?", "The old one stops working at once: programs that use it have to be told.", "Make a new one"))) return;
    await api("POST", at`/clients/${client.client_id}/rotate-secret`);
    await again();
    tell("The secret is a new one.");
  }),
];

// grantsOf are the APIs that a client may call by itself.
const grantsOf = async (client, again) => {
  const grants = await every(at`/client-grants?client_id=${client.client_id}`, "client_grants");
  const apis = await every("/resource-servers", "resource_servers");
  const others = apis.filter((one) => !grants.some((g) => g.audience === one.identifier && g.subject_type !== "user"));
  const fields = {
    audience: field("select", "API", others[0]?.identifier, { options: others.map((one) => [one.identifier, one.name]) }),
    scope: field("lines", "Permissions", [], { hint: "One to a line. Nothing: all that the API has now." }),
  };
  return [
    table("APIs", ["API", "-Permissions", ""], grants.map((g) => [h("code", {}, g.audience), String(g.scope?.length ?? 0), button(`Take away ${g.audience}`, async () => {
      if (!(await sure("Take this API away?", `${client.name} gets no more tokens for ${g.audience}.`, "Take away"))) return;
      await api("DELETE", at`/client-grants/${g.id}`);
      await again();
      tell("Taken away.");
    }, "textual")]), "It may call no API by itself."),
    others.length > 0 && h("details", {}, h("summary", {}, "Let it call an API by itself"), form(fields, async ({ audience, scope }) => {
      const all = (others.find((one) => one.identifier === audience).scopes ?? []).map((one) => one.value);
      await api("POST", "/client-grants", { client_id: client.client_id, audience, scope: scope.length ? scope : all });
      await again();
      return "It may.";
    }, "Allow")),
  ];
};

// scopesOf are the permissions that an API knows.
const scopesOf = async (one, again) => {
  const all = one.scopes ?? [];
  const set = async (scopes, said) => {
    await api("PATCH", at`/resource-servers/${one.id}`, { scopes });
    await again();
    tell(said);
  };
  return [
    table("Permissions", ["Permission", "-What it allows", ""], all.map((p) => [h("code", {}, p.value), p.description ?? "", !one.is_system && button(`Remove ${p.value}`, async () => {
      if (await sure(`Remove ${p.value}?`, "Roles and applications lose it.", "Remove")) await set(all.filter((other) => other.value !== p.value), "Removed.");
    }, "textual")]), "No permission."),
    !one.is_system && h("details", {}, h("summary", {}, "Add a permission"), form({ value: field("text", "Permission", "", { required: true, hint: "Such as read:songs." }), description: field("text", "What it allows") },
      ({ value, description }) => set([...all, { value, description }], "Added."), "Add")),
  ];
};

const permissionsOf = async (role, again) => {
  const has = await every(at`/roles/${role.id}/permissions`, "permissions");
  const apis = (await every("/resource-servers", "resource_servers")).filter((one) => !one.is_system);
  const all = apis.flatMap((one) => (one.scopes ?? []).map((scope) => ({ key: JSON.stringify([one.identifier, scope.value]), name: `${scope.value} · ${one.name}` })));
  const held = has.map((p) => JSON.stringify([p.resource_server_identifier, p.permission_name]));
  const change = (method, key, said) => async () => {
    const [resource_server_identifier, permission_name] = JSON.parse(key);
    await api(method, at`/roles/${role.id}/permissions`, { permissions: [{ resource_server_identifier, permission_name }] });
    await again();
    tell(said);
  };
  const others = all.filter((p) => !held.includes(p.key));
  return [
    table("Permissions", ["Permission", "-API", ""], has.map((p, i) => [h("code", {}, p.permission_name), p.resource_server_name ?? p.resource_server_identifier,
      button(`Take away ${p.permission_name}`, change("DELETE", held[i], "The permission is taken away."), "textual")]), "No permission."),
    pick("Permission", others.map((p) => [p.key, p.name]), "Give this permission", (key) => change("POST", key, "The permission is given.")()),
  ];
};

const people = (list, remove) => table("People", ["Name", "-E-mail", ""], list.map((u) => [
  h("a", { href: `#/users/${encodeURIComponent(u.user_id)}` }, called(u)), u.email ?? "", remove?.(u),
]), "Nobody.");

const holdersOf = async (role) => people(await every(at`/roles/${role.id}/users`, "users", 200));

const membersOf = async (organization, again) => {
  const path = at`/organizations/${organization.id}/members`;
  return people(await every(path, "members", 200), (u) => button(`Remove ${called(u)}`, async () => {
    if (!(await sure(`Remove ${called(u)}?`, `They lose the roles that they have in ${organization.display_name ?? organization.name}.`, "Remove"))) return;
    await api("DELETE", path, { members: [u.user_id] });
    await again();
    tell("Removed.");
  }, "textual"));
};

const connectionsOf = async (organization, again) => {
  const path = at`/organizations/${organization.id}/enabled_connections`;
  const has = await every(path, "enabled_connections");
  return [
    table("Connections", ["Connection", "-Joins at login", ""], has.map((c) => [c.connection.name, c.assign_membership_on_login ? "yes" : "no", button(`Remove ${c.connection.name}`, async () => {
      await api("DELETE", path + at`/${c.connection_id}`);
      await again();
      tell("Removed.");
    }, "textual")]), "No connection: nobody can log in to it yet."),
    await chosen("/connections", "connections", "id", (c) => c.name, "Add this connection", async (connection_id) => {
      await api("POST", path, { connection_id });
      await again();
      tell("Added.");
    }, has.map((c) => c.connection_id)),
  ];
};

const clientsOf = async (connection, again) => {
  const all = await every("/clients?is_global=false", "clients");
  const on = new Set((await api("GET", at`/connections/${connection.id}/clients?take=100`)).clients.map((c) => c.client_id));
  return table("Applications", ["Application", ""], all.map((c) => [c.name, button(on.has(c.client_id) ? `Switch off for ${c.name}` : `Switch on for ${c.name}`, async () => {
    await api("PATCH", at`/connections/${connection.id}/clients`, [{ client_id: c.client_id, status: !on.has(c.client_id) }]);
    await again();
    tell(on.has(c.client_id) ? "Switched off." : "Switched on.");
  }, on.has(c.client_id) ? "secondary" : "textual")]), "No application.");
};

export const nouns = [
  {
    path: "clients", one: "application", many: "Applications", id: "client_id", narrow: { is_global: false }, title: (c) => c.name,
    explain: "Programs that sign people in, or that call APIs.",
    columns: { Kind: (c) => kinds[c.app_type] ?? "", "-Client ID": (c) => h("code", {}, c.client_id) },
    create: { name: ["text", "Name", { required: true }], app_type: ["select", "Kind", { options: Object.entries(kinds) }] }, made: newClient,
    facts: (c) => [["Client ID", copyable(c.client_id)], ["Domain", copyable(location.host)], ["Kind", kinds[c.app_type]], ["First party", c.is_first_party === false ? "no: people are asked for consent" : "yes"]],
    fields: {
      name: ["text", "Name", { required: true }], description: ["area", "Description"],
      callbacks: ["lines", "Callback URLs", { hint: "Where people return to after the login. One to a line." }],
      allowed_logout_urls: ["lines", "Logout URLs", { hint: "Where they may be sent after the logout." }],
      web_origins: ["lines", "Web origins", { hint: "Whose pages may renew logins in a frame." }],
      initiate_login_uri: ["text", "Login page of the application", { hint: "An https address that begins a login." }],
    },
    parts: [["Secret", secretOf], ["APIs that it calls by itself", grantsOf]],
    fixed: ["client_secret", "global", "signing_keys"],
    loss: "Its grants and tokens go with it; whoever uses it is locked out.",
  },
  {
    path: "resource-servers", one: "API", many: "APIs", id: "id", title: (a) => a.name,
    explain: "What access tokens are for.",
    columns: { "-Identifier": (a) => h("code", {}, a.identifier), Permissions: (a) => a.scopes?.length ?? 0 },
    create: { name: ["text", "Name", { required: true }], identifier: ["text", "Identifier", { required: true, hint: "The audience of its tokens, such as https://api.example.com. It cannot be changed." }] },
    facts: (a) => [["Identifier", copyable(a.identifier)], ["Signing", a.signing_alg]],
    fields: {
      name: ["text", "Name", { required: true }], token_lifetime: ["number", "Seconds that a token lives"], allow_offline_access: ["check", "Refresh tokens"],
      enforce_policies: ["check", "Check roles", { hint: "Tokens hold what people's roles allow, no more." }],
    },
    parts: [["Permissions", scopesOf]], fixed: ["identifier", "is_system"], keeps: (a) => a.is_system, loss: "Its permissions go from all roles, and its grants from all applications.",
  },
  {
    path: "connections", one: "connection", many: "Connections", id: "id", title: (c) => c.display_name ?? c.name,
    explain: "Where people come from: databases, other providers.",
    columns: { Strategy: (c) => c.strategy, "-Name": (c) => h("code", {}, c.name) },
    create: {
      name: ["text", "Name", { required: true, hint: "Letters, digits, hyphens. It cannot be changed." }],
      strategy: ["select", "Strategy", { options: [["auth0", "Database"], ["email", "Codes by mail"], ["sms", "Codes by text message"], ["google-oauth2", "Google"], ["apple", "Apple"], ["github", "GitHub"], ["facebook", "Facebook"], ["windowslive", "Microsoft"], ["linkedin", "LinkedIn"], ["oidc", "OpenID Connect"], ["samlp", "SAML 2.0"], ["oauth2", "OAuth 2"]] }],
      options: ["json", "Options", { first: {}, rows: 10, hint: "Credentials and addresses of a provider: see its page of the guide. A database needs none." }],
    },
    facts: (c) => [["ID", copyable(c.id)], ["Name", copyable(c.name)], ["Strategy", c.strategy]],
    fields: { display_name: ["text", "Name on the button"] },
    parts: [["Applications", clientsOf]],
    fixed: ["name", "strategy", "enabled_clients"], loss: "All users of this connection are deleted with it.",
  },
  {
    path: "roles", one: "role", many: "Roles", id: "id", title: (r) => r.name,
    columns: { "-Description": (r) => r.description ?? "" },
    create: { name: ["text", "Name", { required: true }], description: ["text", "Description"] },
    fields: { name: ["text", "Name", { required: true }], description: ["area", "Description"] },
    parts: [["Permissions", permissionsOf], ["Who has it", holdersOf]], loss: "Everybody who has it loses it.",
  },
  {
    path: "organizations", one: "organization", many: "Organizations", id: "id", title: (o) => o.display_name || o.name,
    explain: "Customers of yours, each with members of its own.",
    columns: { "-Name": (o) => h("code", {}, o.name) },
    create: { name: ["text", "Name", { required: true, hint: "Small letters, digits, hyphens." }], display_name: ["text", "Name that people read"] },
    made: (values) => ({ name: values.name, display_name: values.display_name || undefined }),
    facts: (o) => [["ID", copyable(o.id)], ["Name", copyable(o.name)]],
    fields: { display_name: ["text", "Name that people read"] },
    parts: [["Members", membersOf], ["Connections", connectionsOf]], loss: "Its memberships, invitations and roles in it are deleted.",
  },
  {
    path: "log-streams", one: "log stream", many: "Log streams", id: "id", title: (l) => l.name,
    explain: "Where the log is sent.",
    columns: { Kind: (l) => l.type, Status: (l) => badge(l.status, l.status === "active" ? "good" : undefined) },
    create: {
      name: ["text", "Name", { required: true }],
      type: ["select", "Kind", { options: [["http", "Webhook"], ["datadog", "Datadog"], ["splunk", "Splunk"], ["sumo", "Sumo Logic"], ["segment", "Segment"], ["mixpanel", "Mixpanel"]] }],
      sink: ["json", "Sink", { first: { httpEndpoint: "https://logs.example.com/in", httpContentFormat: "JSONLINES", httpContentType: "application/json", httpAuthorization: "" }, rows: 10 }],
    },
    facts: (l) => [["ID", copyable(l.id)], ["Kind", l.type], ["Status", l.status]],
    fields: { name: ["text", "Name", { required: true }], status: ["select", "Status", { options: ["active", "paused"] }] },
    fixed: ["type"],
  },
];
