import { h, number, when } from "./dom.js";
import { api, at } from "./api.js";
import { badge, button, copyable, facts, permitted, section, sure, table, tell } from "./parts.js";
import { rolesAt } from "./access.js";
import { field, form, sized } from "./form.js";
import { changes, print } from "./json.js";
import { eventTable } from "./logs.js";
import { called, face } from "./users.js";

const path = (u, rest = "") => at`/users/${u.user_id}` + rest;

// metadata edits one of the two objects. What is sent are the members that were changed, so that what others change meanwhile stays.
const metadata = (u, name, label, hint, again) => {
  const before = u[name] ?? {};
  const f = sized(field("json", label, before, { hint, rows: 18 }));
  return form({ value: f }, async ({ value }) => {
    const change = changes(before, value);
    if (Object.keys(change).length === 0) return "Nothing was changed.";
    await api("PATCH", path(u), { [name]: change });
    await again();
    return "Saved.";
  }, `Save ${name}`);
};

const profile = (u, again) => {
  const names = { name: "Full name", nickname: "Nickname", given_name: "Given name", family_name: "Family name", email: "E-mail", picture: "Address of a picture" };
  const fields = Object.fromEntries(Object.entries(names).map(([key, label]) => [key, field("text", label, u[key])]));
  return h("details", {}, h("summary", {}, "Change the profile"), h("p.hint", {}, "What another provider says about a person is written again when they log in next."), form(fields, async (values) => {
    const change = Object.fromEntries(Object.entries(values).filter(([key, value]) => value !== (u[key] ?? "") && value !== ""));
    if (Object.keys(change).length === 0) return "Nothing was changed.";
    await api("PATCH", path(u), change);
    await again();
    return "Saved.";
  }));
};

const sessions = async (u, again) => {
  const got = await api("GET", path(u, "/sessions"));
  return [
    table("Sessions", ["Browser", "-Address", "Last used", ""], got.sessions.map((one) => [
      one.device?.last_user_agent ?? "unknown", one.device?.last_ip ?? "", when(one.last_interacted_at ?? one.updated_at),
      button("End", async () => {
        await api("POST", at`/sessions/${one.id}/revoke`);
        await again();
        tell("The session is ended.");
      }, "textual", one.device?.last_user_agent ?? one.id),
    ]), "Not signed in anywhere."),
  ];
};

const factors = async (u, again) => {
  const got = await api("GET", path(u, "/authentication-methods"));
  const list = Array.isArray(got) ? got : got.authenticators;
  return table("Factors", ["Factor", "-Set up", ""], list.map((m) => [
    [m.type, m.name && ` · ${m.name}`, m.confirmed === false && [" ", badge("not confirmed")]], when(m.created_at),
    button("Remove", async () => {
      if (!(await sure("Remove this factor?", "The person sets up another one at the next login, if one is asked for.", "Remove"))) return;
      await api("DELETE", path(u, at`/authentication-methods/${m.id}`));
      await again();
      tell("The factor is removed.");
    }, "textual", m.name ?? m.type),
  ]), "No second factor, no passkey.");
};

const deeds = (u, again, go) => {
  const row = h("div.row", {});
  row.append(
    button(u.blocked ? "Unblock" : "Block", async () => {
      if (!u.blocked && !(await sure(`Block ${called(u)}?`, "Nobody blocked can log in or renew tokens. It can be taken back.", "Block"))) return;
      await api("PATCH", path(u), { blocked: !u.blocked });
      await again();
      tell(u.blocked ? "Unblocked." : "Blocked.");
    }),
    button("Link for a new password", async () => {
      const { ticket } = await api("POST", "/tickets/password-change", { user_id: u.user_id });
      row.after(h("p.notice", { role: "status" }, "Whoever has this address can set a new password, once: ", copyable(ticket)));
    }),
  );
  if (u.email && !u.email_verified) {
    row.append(button("Send a mail to prove the address", async () => {
      await api("POST", "/jobs/verification-email", { user_id: u.user_id });
      tell("The mail is on its way.");
    }));
  }
  row.append(button("Delete", async () => {
    const word = u.email ?? u.username ?? u.user_id;
    if (!(await sure(`Delete ${called(u)}?`, "The profile, its metadata, sessions and tokens are deleted. There is no way back.", "Delete", word))) return;
    await api("DELETE", path(u));
    tell("The user is deleted.");
    go("#/users");
  }, "danger.button"));
  return row;
};

export const user = async ({ id, again, go }) => {
  const u = await api("GET", at`/users/${id}`);
  const [ofRoles, ofSessions, ofFactors, ofLogs] = await Promise.all([
    permitted(() => rolesAt(path(u, "/roles"), again)), permitted(() => sessions(u, again)), permitted(() => factors(u, again)),
    permitted(async () => eventTable(await api("GET", path(u, "/logs?per_page=10&sort=date:-1")), "What happened lately")),
  ]);
  return {
    title: called(u),
    body: [
      h("div.who-is", {}, face(u), h("p", {}, [u.email, u.username, u.phone_number].filter(Boolean).join(" · "), h("br"),
        u.blocked && badge("blocked", "bad"), u.email && (u.email_verified ? badge("address proved", "good") : badge("address not proved")),
        u.multifactor?.length > 0 && badge("second factor", "good"))),
      facts([
        ["User ID", copyable(u.user_id)], ["Created", when(u.created_at)], ["Last login", when(u.last_login)], ["Logins", number(u.logins_count ?? 0)], ["Last address", u.last_ip],
        ["Identities", u.identities.map((i) => h("span.line", {}, `${i.connection} (${i.provider})`, i.user_id && [" ", h("code", {}, String(i.user_id))]))],
      ]),
      deeds(u, again, go),
      section("Metadata", h("div.two", {},
        metadata(u, "user_metadata", "user_metadata", "What people may change themselves.", again),
        metadata(u, "app_metadata", "app_metadata", "What they may not: for your code, and for tokens.", again))),
      section("Roles", ofRoles),
      section("Signed in at", ofSessions),
      section("Second factors and passkeys", ofFactors),
      section("What happened lately", ofLogs),
      section("Profile", profile(u, again), h("details", {}, h("summary", {}, "All that is known, as JSON"), h("pre.text.scroll", { tabindex: "0" }, print(u)))),
    ],
  };
};
