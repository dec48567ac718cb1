// Organizations: customers of the tenant's, each with members of its own.
import { h } from "./dom.js";
import { rolesAt } from "./access.js";
import { api, at, every } from "./api.js";
import { badge, button, copyable, facts, permitted, section, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";
import { chosen } from "./things.js";
import { called as nameOf } from "./users.js";

const day = (iso) => new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(new Date(iso));

const base = (organization) => at`/organizations/${organization.id}`;

const called = (organization) => organization.display_name || organization.name;

const membersOf = async (organization, again) => {
  const path = `${base(organization)}/members`;
  const list = await every(`${path}?fields=user_id,email,name,roles`, "members", 200);
  return table("Members", ["Name", "-E-mail", "Roles here", ""], list.map((u) => [
    h("a", { href: at`#/users/${u.user_id}` }, nameOf(u)), u.email ?? "",
    h("a", { href: at`#/organizations/${organization.id}/members/${u.user_id}`, "aria-label": `Roles of ${nameOf(u)}` }, u.roles?.length ? u.roles.map((role) => role.name).join(", ") : "none"),
    button(`Remove ${nameOf(u)}`, async () => {
      if (!(await sure(`Remove ${nameOf(u)}?`, `They lose the roles that they have in ${called(organization)}.`, "Remove"))) return;
      await api("DELETE", path, { members: [u.user_id] });
      await again();
      tell("Removed.");
    }, "textual"),
  ]), "Nobody.");
};

// member gives somebody roles that count in an organization alone.
export const member = async ({ id, user, again }) => {
  const organization = await api("GET", at`/organizations/${id}`);
  const who = await permitted(() => api("GET", at`/users/${user}`));
  const name = who instanceof Node ? user : nameOf(who);
  return {
    title: `Roles at ${called(organization)}`,
    body: [
      facts([["Person", h("a", { href: at`#/users/${user}` }, name)], ["Organization", h("a", { href: at`#/organizations/${id}` }, called(organization))]]),
      section("Roles", h("p.hint", {}, "They count where the person logs in to this organization, beside those that they have everywhere."),
        await permitted(() => rolesAt(base(organization) + at`/members/${user}/roles`, again))),
    ],
  };
};

// clientsFor are the applications that let people of organizations in.
const clientsFor = async () => (await every("/clients?is_global=false", "clients")).filter((c) => ["allow", "require"].includes(c.organization_usage));

const invite = async (organization, again) => {
  const clients = await clientsFor();
  if (clients.length === 0) return h("p", {}, "Nobody can be invited yet: no ", h("a", { href: "#/clients" }, "application"), " lets people of organizations in. Its page says which do.");
  const roles = await permitted(() => every("/roles", "roles"));
  const fields = {
    email: field("text", "E-mail", "", { type: "email", required: true }),
    inviter: field("text", "Who invites", "", { required: true, hint: "The mail says it." }),
    client_id: field("select", "To", clients[0].client_id, { options: clients.map((c) => [c.client_id, c.name]) }),
    days: field("number", "Days that it is open", 7, { hint: "Thirty at most." }),
    send: field("check", "Send a mail", true, { hint: "If not, hand the link on yourself." }),
    ...(Array.isArray(roles) && roles.length > 0 && { roles: field("many", "Roles here", [], { options: roles.map((role) => [role.id, role.name]) }) }),
  };
  return h("details", {}, h("summary", {}, "Invite somebody"), form(fields, async (values) => {
    await api("POST", `${base(organization)}/invitations`, {
      invitee: { email: values.email }, inviter: { name: values.inviter }, client_id: values.client_id, ttl_sec: (values.days ?? 7) * 86400,
      send_invitation_email: values.send, roles: values.roles?.length ? values.roles : undefined,
    });
    await again();
    return "Invited.";
  }, "Invite"));
};

const invitationsOf = async (organization, again) => {
  const path = `${base(organization)}/invitations`;
  const open = await every(path, "invitations", 200);
  return [
    table("Invitations", ["E-mail", "-Invited by", "Open until", "-Link", ""], open.map((one) => [
      one.invitee.email, one.inviter.name, new Date(one.expires_at) < new Date() ? badge("over") : h("time", { datetime: one.expires_at }, day(one.expires_at)), copyable(one.invitation_url, true),
      button("Take back", async () => {
        if (!(await sure("Take the invitation back?", `The link that ${one.invitee.email} has leads nowhere from then on.`, "Take back"))) return;
        await api("DELETE", path + at`/${one.id}`);
        await again();
        tell("Taken back.");
      }, "textual", one.invitee.email),
    ]), "No invitation is open."),
    await permitted(() => invite(organization, again)),
  ];
};

const domainsOf = async (organization, again) => {
  const path = `${base(organization)}/discovery-domains`;
  const { domains } = await api("GET", `${path}?take=100`);
  const set = (domain, change, said) => async () => {
    await api("PATCH", path + at`/${domain.id}`, change);
    await again();
    tell(said);
  };
  return [
    h("p.hint", {}, "Whoever types an address of a verified domain at the login is led to this organization."),
    table("Domains", ["Domain", "State", ""], domains.map((one) => [
      [one.domain, one.status !== "verified" && h("details", {}, h("summary", {}, "What the DNS must have"), facts([["Record", "TXT"], ["Name", copyable(one.verification_host)], ["Value", copyable(one.verification_txt)]]))],
      one.status === "verified" ? badge("verified", "good") : badge("pending"),
      [one.status === "verified" ? button("Not theirs any more", set(one, { status: "pending" }, "It leads nobody here any more."), "textual", one.domain)
        : button("It is theirs", async () => {
          if (await sure(`Is ${one.domain} theirs?`, "Nobody looks at the DNS: you say that you have seen the record, or know that it is.", "It is theirs")) await set(one, { status: "verified" }, "Verified.")();
        }, "textual", one.domain), " ",
      button("Remove", async () => {
        if (!(await sure(`Remove ${one.domain}?`, "It leads nobody here any more.", "Remove"))) return;
        await api("DELETE", path + at`/${one.id}`);
        await again();
        tell("Removed.");
      }, "textual", one.domain)],
    ]), "No domain."),
    h("details", {}, h("summary", {}, "Add a domain"), form({ domain: field("text", "Domain", "", { required: true, hint: "Such as example.com." }) }, async ({ domain }) => {
      await api("POST", path, { domain, status: "pending" });
      await again();
      return "Added. What the DNS must have stands beside it.";
    }, "Add the domain")),
  ];
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
  fields: { display_name: ["text", "Name that people read", { nullable: true }] },
  parts: [["Members", membersOf], ["Invitations", invitationsOf], ["Connections", connectionsOf], ["Domains", domainsOf]], loss: "Its memberships, invitations and roles in it are deleted.",
};
