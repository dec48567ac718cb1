import { h, number, when } from "./dom.js";
import { api, every, Problem, query } from "./api.js";
import { badge, pager, table } from "./parts.js";
import { field, form } from "./form.js";

const size = 25;

// face is the picture of a user, or the first letter of their name where there is none.
export const face = (user) => {
  const letter = h("span.face", { "aria-hidden": "true" }, [...(user.name ?? user.email ?? user.user_id)][0]?.toUpperCase() ?? "?");
  if (!/^https:/.test(user.picture ?? "")) return letter;
  const picture = h("img.face", { src: user.picture, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
  picture.addEventListener("error", () => picture.replaceWith(letter));
  return picture;
};

// called is what people know a user by.
export const called = (user) => user.name ?? user.username ?? user.email ?? user.phone_number ?? user.user_id;

// people are the rows of some users.
export const people = (list, remove) => table("People", ["Name", "-E-mail", ""], list.map((u) => [
  h("a", { href: `#/users/${encodeURIComponent(u.user_id)}` }, called(u)), u.email ?? "", remove?.(u),
]), "Nobody.");

const examples = [
  ["ada", "name, address, user ID"], ["email:\"ada@example.com\"", "this address"], ["app_metadata.plan:gold", "a value in the metadata"],
  ["logins_count:0", "who never logged in"], ["last_login:[2026-01-01 TO *]", "who logged in since then"], ["blocked:true", "who is blocked"],
];

const help = h("details", {}, h("summary", {}, "What can be searched for"),
  h("dl.examples", {}, examples.map(([q, meaning]) => h("div", {}, h("dt", {}, h("a", { href: `#/users${query({ q })}` }, h("code", {}, q))), h("dd", {}, meaning)))));

const orders = [["created_at:-1", "Newest first"], ["last_login:-1", "Last login first"], ["name:1", "By name"], ["logins_count:-1", "Most logins first"]];

// found asks for a page, and says what is wrong with a search that is none.
const found = async (parameters) => {
  try {
    return await api("GET", `/users${query({ ...parameters, per_page: size, include_totals: true, search_engine: "v3" })}`);
  } catch (problem) {
    if (problem instanceof Problem && [400, 503].includes(problem.status)) return { users: [], total: 0, problem };
    throw problem;
  }
};

export const users = async ({ query: asked, go }) => {
  const q = asked.get("q") ?? "", page = Number(asked.get("page") ?? 0), sort = asked.get("sort") ?? "created_at:-1";
  const got = await found({ q, page, sort });
  const to = (q, page = 0, order = sort) => `#/users${query({ q, page: page || undefined, sort: order === "created_at:-1" ? undefined : order })}`;
  const box = h("input", { id: "q", type: "search", value: q, spellcheck: "false", autocomplete: "off" });
  const order = h("select", { id: "sort", onchange: () => go(to(q, 0, order.value)) }, orders.map(([value, name]) => h("option", { value, selected: value === sort }, name)));
  return {
    title: "Users",
    body: [
      h("form.search", { role: "search", onsubmit: (event) => (event.preventDefault(), go(to(box.value.trim()))) },
        h("label", { for: "q" }, "Search"), h("div.row", {}, box, h("button.primary", {}, "Search"), h("a.secondary.button", { href: "#/users/new" }, "New user"))),
      got.problem && h("p.problem", { role: "alert" }, got.problem.message),
      h("div.between", {}, help, h("p.sort", {}, h("label", { for: "sort" }, "Order"), order)),
      table("Users", ["Name", "-Connection", "-Logins", "Last login"], got.users.map((u) => [
        h("a.person", { href: `#/users/${encodeURIComponent(u.user_id)}` }, face(u), h("span", {}, h("strong", {}, called(u)), u.email && u.email !== called(u) && h("small", {}, u.email), u.blocked && badge("blocked", "bad"))),
        u.identities?.[0]?.connection ?? "", number(u.logins_count ?? 0), when(u.last_login),
      ]), got.problem ? "" : q ? "Nobody fits." : "There is nobody yet."),
      pager(page, size, got.users.length, got.total, (p) => to(q, p)),
    ],
  };
};

export const newUser = async ({ go }) => {
  const databases = (await every("/connections?strategy=auth0", "connections")).map((c) => c.name);
  if (databases.length === 0) {
    return { title: "New user", body: h("p", {}, "There is no database for users yet: ", h("a", { href: "#/connections/new" }, "make a connection"), " of the strategy auth0.") };
  }
  const fields = {
    connection: field("select", "Connection", databases[0], { options: databases }),
    email: field("text", "E-mail", "", { type: "email", required: true }),
    password: field("text", "Password", "", { type: "password", required: true, autocomplete: "new-password" }),
    verify_email: field("check", "Ask for a proof of the address by mail", true),
  };
  const body = form(fields, async (values) => {
    const made = await api("POST", "/users", values);
    setTimeout(() => go(`#/users/${encodeURIComponent(made.user_id)}`));
    return "The user is there.";
  }, "Create");
  body.classList.add("narrow");
  return { title: "New user", focus: "select", body };
};
