// Organizations: customers of the tenant's, each with members of its own.
import { h } from "./dom.js";
import { api, at, every } from "./api.js";
import { button, copyable, sure, table, tell } from "./parts.js";
import { chosen } from "./things.js";
import { called, people } from "./users.js";

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

export const organizations = {
  path: "organizations", one: "organization", many: "Organizations", id: "id", title: (o) => o.display_name || o.name,
  explain: "Customers of yours, each with members of its own.",
  columns: { "-Name": (o) => h("code", {}, o.name) },
  create: { name: ["text", "Name", { required: true, hint: "Small letters, digits, hyphens." }], display_name: ["text", "Name that people read"] },
  made: (values) => ({ name: values.name, display_name: values.display_name || undefined }),
  facts: (o) => [["ID", copyable(o.id)], ["Name", copyable(o.name)]],
  fields: { display_name: ["text", "Name that people read"] },
  parts: [["Members", membersOf], ["Connections", connectionsOf]], loss: "Its memberships, invitations and roles in it are deleted.",
};
