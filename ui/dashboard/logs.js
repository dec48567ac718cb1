import { h, when } from "./dom.js";
import { api, at, query } from "./api.js";
import { badge, facts, pager, section, table } from "./parts.js";
import { print } from "./json.js";

const names = {
  s: "Login", f: "Failed login", fp: "Wrong password", fu: "Unknown user", ss: "Sign-up", fs: "Failed sign-up", slo: "Logout", flo: "Failed logout",
  ssa: "Silent login", fsa: "Failed silent login", seacft: "Code for token", feacft: "Failed code for token", sertft: "Refresh", fertft: "Failed refresh",
  seccft: "Client credentials", feccft: "Failed client credentials", sepft: "Password for token", fepft: "Failed password for token",
  scp: "New password", fcp: "Failed new password", scpr: "Asked for a new password", sv: "Verified address", fv: "Failed verification", sce: "New address",
  sapi: "Change by the Management API", mgmt_api_read: "Read by the Management API", fapi: "Refused by the Management API", du: "User deleted", limit_wc: "Blocked account", limit_mu: "Blocked address", limit_sul: "Blocked user",
  pwd_leak: "Leaked password", gd_auth_succeed: "Second factor", gd_auth_failed: "Wrong second factor", gd_unenroll: "Factor removed", gd_enrollment_complete: "Factor set up", w: "Warning", depnote: "Note", cls: "Code sent", cs: "Code sent", sui: "Users imported", scoa: "Login from another site", fcoa: "Failed login from another site", ublkdu: "User unblocked",
};

// failures are the events of which somebody has to know.
export const failures = "type:(f OR fp OR fu OR fs OR fsa OR fcoa OR feacft OR fertft OR feccft OR fepft OR fcp OR limit_wc OR limit_mu OR pwd_leak OR gd_auth_failed)";

const filters = [
  ["", "Everything"], ["type:(s OR ss OR slo OR ssa OR scoa)", "Logins, sign-ups and logouts"], [failures, "What failed"],
  ["type:(sapi OR fapi OR mgmt_api_read)", "The Management API"], ["type:(limit_wc OR limit_mu OR limit_sul OR pwd_leak)", "Attacks"],
];

// what says what kind of event it is.
export const what = (event) => names[event.type] ?? event.type;

const failed = (event) => /^(f|limit|pwd_leak|gd_auth_failed)/.test(event.type);

// eventTable shows events, those that failed with a mark.
export const eventTable = (events, caption = "Log events", empty = "Nothing happened yet.") =>
  table(caption, ["What", "Who", "-Application", "-From", "When"], events.map((e) => [
    [h("a", { href: `#/logs/${encodeURIComponent(e.log_id)}` }, what(e)), failed(e) && [" ", badge("failed", "bad")]],
    e.user_id ? h("a", { href: `#/users/${encodeURIComponent(e.user_id)}` }, e.user_name ?? e.user_id) : e.user_name ?? "",
    e.client_name ?? "", e.ip ?? "", when(e.date),
  ]), empty);

const size = 50;

export const logs = async ({ query: asked, go }) => {
  const q = asked.get("q") ?? "", page = Number(asked.get("page") ?? 0);
  const events = await api("GET", `/logs${query({ q, page, per_page: size, sort: "date:-1" })}`);
  const to = (q, page = 0) => `#/logs${query({ q, page: page || undefined })}`;
  const box = h("input", { id: "q", type: "search", value: q, spellcheck: "false", autocomplete: "off" });
  return {
    title: "Logs",
    body: [
      h("form.search", { role: "search", onsubmit: (event) => (event.preventDefault(), go(to(box.value.trim()))) },
        h("label", { for: "q" }, "Search"), h("div.row", {}, box, h("button.primary", {}, "Search"))),
      h("nav.filters", { "aria-label": "Kinds of events" }, filters.map(([f, name]) => h("a", { href: to(f), "aria-current": f === q && "true" }, name))),
      eventTable(events, "Log events", q ? "Nothing that fits." : "Nothing happened yet."),
      pager(page, size, events.length, undefined, (p) => to(q, p)),
    ],
  };
};

export const logEvent = async ({ id }) => {
  const e = await api("GET", at`/logs/${id}`);
  return {
    title: what(e),
    body: [
      h("p.lead", {}, e.description ?? ""),
      facts([
        ["When", when(e.date)], ["Type", h("code", {}, e.type)],
        ["User", e.user_id && h("a", { href: `#/users/${encodeURIComponent(e.user_id)}` }, e.user_name ?? e.user_id)], ["Name given", e.user_id ? undefined : e.user_name],
        ["Application", e.client_id && (e.client_name ?? e.client_id)], ["Connection", e.connection], ["Address", e.ip], ["Browser", e.user_agent],
      ]),
      section("The whole event", h("pre.text.scroll", { tabindex: "0" }, print(e))),
    ],
  };
};
