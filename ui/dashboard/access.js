// What people may do: APIs with their permissions, and the roles that hold some of these.
import { h } from "./dom.js";
import { api, at, every } from "./api.js";
import { button, copyable, permitted, pick, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";
import { chosen } from "./things.js";
import { people } from "./users.js";

// rolesAt are the roles that somebody, or a group, has at an address, to give and to take away.
export const rolesAt = async (path, again) => {
  const has = await every(path, "roles");
  const change = (method, id, said) => async () => {
    await api(method, path, { roles: [id] });
    await again();
    tell(said);
  };
  return [
    table("Roles", ["Role", "-Description", ""], has.map((role) => [h("a", { href: at`#/roles/${role.id}` }, role.name), role.description ?? "",
      button(`Take away ${role.name}`, change("DELETE", role.id, "The role is taken away."), "textual")]), "No role."),
    await permitted(() => chosen("/roles", "roles", "id", (role) => role.name, "Give this role", (id) => change("POST", id, "The role is given.")(), has.map((role) => role.id))),
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

export const apis = {
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

const holdersOf = async (role) => people(await every(at`/roles/${role.id}/users`, "users", 200));

export const roles = {
  path: "roles", one: "role", many: "Roles", id: "id", title: (r) => r.name,
  columns: { "-Description": (r) => r.description ?? "" },
  create: { name: ["text", "Name", { required: true }], description: ["text", "Description"] },
  fields: { name: ["text", "Name", { required: true }], description: ["area", "Description"] },
  parts: [["Permissions", permissionsOf], ["Who has it", holdersOf]], loss: "Everybody who has it loses it.",
};
