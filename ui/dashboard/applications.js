// Applications: programs that sign people in, or that call APIs.
import { h } from "./dom.js";
import { api, at, every, query } from "./api.js";
import { button, copyable, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";

// callbackOf is an address to which a login of a client may lead.
export const callbackOf = (client) => client.callbacks?.find((one) => !one.includes("*"));

// loginTo is the address at which a login to a client begins, to look at. Nobody has the verifier: its code is of no use.
export const loginTo = (client, more) => `/authorize${query({
  client_id: client.client_id, response_type: "code", redirect_uri: callbackOf(client), scope: "openid profile email", prompt: "login", state: "look",
  code_challenge: "look-at-the-page-and-no-more-than-that-0123", code_challenge_method: "S256", ...more,
})}`;

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

export const applications = {
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
    organization_usage: ["select", "People of organizations", { first: "deny", options: [["deny", "may not log in as members"], ["allow", "may log in as members"], ["require", "nobody else may log in"]] }],
    initiate_login_uri: ["text", "Login page of the application", { hint: "An https address that begins a login." }],
  },
  parts: [["Secret", secretOf], ["APIs that it calls by itself", grantsOf]],
  fixed: ["client_secret", "global", "signing_keys"],
  loss: "Its grants and tokens go with it; whoever uses it is locked out.",
};
