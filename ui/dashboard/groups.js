// Groups: those of companies' directories, which alone make them and say who is in them.
import { h, when } from "./dom.js";
import { api, at, every } from "./api.js";
import { button, copyable, table, tell } from "./parts.js";
import { chosen } from "./things.js";

// membersOf are the first hundred.
const membersOf = async (group) => {
  const got = await api("GET", at`/groups/${group.id}/members?take=100`);
  return [
    table("Members", ["Member", "-Since"], got.members.map((m) => [m.member_type === "user" ? h("a", { href: at`#/users/${m.id}` }, m.id) : m.id, m.created_at ? when(m.created_at) : ""]), "Nobody."),
    got.next && h("p.count", {}, "These are the first hundred."),
  ];
};

const rolesOf = async (group, again) => {
  const path = at`/groups/${group.id}/roles`;
  const has = await every(path, "roles");
  const change = (method, id, said) => async () => {
    await api(method, path, { roles: [id] });
    await again();
    tell(said);
  };
  return [
    h("p.hint", {}, "All members have them."),
    table("Roles", ["Role", "-Description", ""], has.map((role) => [h("a", { href: at`#/roles/${role.id}` }, role.name), role.description ?? "",
      button("Take away", change("DELETE", role.id, "The role is taken away."), "textual", role.name)]), "No role."),
    await chosen("/roles", "roles", "id", (role) => role.name, "Give this role", (id) => change("POST", id, "The role is given.")(), has.map((role) => role.id)),
  ];
};

export const groups = {
  path: "groups", one: "group", many: "Groups", id: "id", title: (g) => g.name, none: "There is no group yet. Directories make them, by the provisioning (SCIM) of a connection.",
  explain: "Groups of companies' directories. Roles that a group has, its members have.",
  columns: { "-Connection": (g) => h("code", {}, g.connection_id) },
  facts: (g) => [["ID", copyable(g.id)], ["Connection", h("a", { href: at`#/connections/${g.connection_id}` }, g.connection_id)], ["ID there", g.external_id]],
  parts: [["Members", membersOf], ["Roles", rolesOf]], still: true, loss: "Its members lose the roles that it gives them. The directory may make it again.",
};
