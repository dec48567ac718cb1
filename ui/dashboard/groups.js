// Groups: those of companies' directories, which alone make them and say who is in them.
import { h, when } from "./dom.js";
import { rolesAt } from "./access.js";
import { api, at } from "./api.js";
import { copyable, table } from "./parts.js";

// membersOf are the first hundred.
const membersOf = async (group) => {
  const got = await api("GET", at`/groups/${group.id}/members?take=100`);
  return [
    table("Members", ["Member", "-Since"], got.members.map((m) => [m.member_type === "user" ? h("a", { href: at`#/users/${m.id}` }, m.id) : m.id, m.created_at ? when(m.created_at) : ""]), "Nobody."),
    got.next && h("p.count", {}, "These are the first hundred."),
  ];
};

const rolesOf = async (group, again) => [h("p.hint", {}, "All members have them."), await rolesAt(at`/groups/${group.id}/roles`, again)];

export const groups = {
  path: "groups", one: "group", many: "Groups", id: "id", title: (g) => g.name, none: "There is no group yet. Directories make them, by the provisioning (SCIM) of a connection.",
  explain: "Groups of companies' directories. Roles that a group has, its members have.",
  columns: { "-Connection": (g) => h("code", {}, g.connection_id) },
  facts: (g) => [["ID", copyable(g.id)], ["Connection", h("a", { href: at`#/connections/${g.connection_id}` }, g.connection_id)], ["ID there", g.external_id]],
  parts: [["Members", membersOf], ["Roles", rolesOf]], still: true, loss: "Its members lose the roles that it gives them. The directory may make it again.",
};
