// Connections: where people come from.
import { h } from "./dom.js";
import { api, at, every } from "./api.js";
import { button, copyable, table, tell } from "./parts.js";

const clientsOf = async (connection, again) => {
  const all = await every("/clients?is_global=false", "clients");
  const on = new Set((await api("GET", at`/connections/${connection.id}/clients?take=100`)).clients.map((c) => c.client_id));
  return table("Applications", ["Application", ""], all.map((c) => [c.name, button(on.has(c.client_id) ? `Switch off for ${c.name}` : `Switch on for ${c.name}`, async () => {
    await api("PATCH", at`/connections/${connection.id}/clients`, [{ client_id: c.client_id, status: !on.has(c.client_id) }]);
    await again();
    tell(on.has(c.client_id) ? "Switched off." : "Switched on.");
  }, on.has(c.client_id) ? "secondary" : "textual")]), "No application.");
};

export const connections = {
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
};
