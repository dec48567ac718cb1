// The dashboard: an ordinary client of the Management API. This file knows which address shows what.
import { h } from "./dom.js";
import { alarm, sure } from "./parts.js";
import { changed, keep } from "./form.js";
import { Problem } from "./api.js";
import { comeBack, current, onEnd } from "./session.js";
import { signIn } from "./sign-in.js";
import { overview } from "./overview.js";
import { newUser, users } from "./users.js";
import { user } from "./user.js";
import { logEvent, logs } from "./logs.js";
import { newRule, rule, rules } from "./rules.js";
import { action, actions, newAction } from "./actions.js";
import { create, list, record, settings } from "./things.js";
import { pageTemplate, text, texts } from "./texts.js";
import { mail, mails } from "./mails.js";
import { phone, phones } from "./phones.js";
import { menu } from "./menu.js";
import { member } from "./organizations.js";
import { nouns } from "./nouns.js";

const views = [
  ["", overview],
  ["users", users], ["users/new", newUser], ["users/:id", user],
  ["rules", rules], ["rules/new", newRule], ["rules/:id", rule],
  ["actions", actions], ["actions/new", newAction], ["actions/:id", action],
  ["mails", mails], ["mails/:name", mail], ["phones", phones], ["phones/:type", phone],
  ["texts", texts], ["texts/:prompt", text], ["page-template", pageTemplate],
  ["logs", logs], ["logs/:id", logEvent],
  ["settings", settings],
  ...nouns.flatMap((noun) => [[noun.path, list(noun)], [`${noun.path}/new`, create(noun)], [`${noun.path}/:id`, record(noun)]]),
  ["organizations/:id/members/:user", member],
];

const main = document.getElementById("content");
const header = document.querySelector("header");
header.querySelector("small").textContent = location.host;
document.querySelector(".skip").addEventListener("click", () => main.focus());

// find returns the view of a path, and what stands in it where the pattern has names.
const find = (path) => {
  const given = path.split("/");
  for (const [pattern, view] of views) {
    const wanted = pattern.split("/");
    if (wanted.length !== given.length || !wanted.every((word, i) => (word.startsWith(":") ? given[i] : word === given[i]))) continue;
    return [view, Object.fromEntries(wanted.map((word, i) => [word.slice(1), decodeURIComponent(given[i])]).filter((_, i) => wanted[i].startsWith(":")))];
  }
  return [async () => ({ title: "Not found", body: h("p", {}, "There is no such page. ", h("a", { href: "#/" }, "Overview")) }), {}];
};

const navigation = (path) => {
  header.querySelector("nav")?.remove();
  if (current()) header.append(menu(path.split("/")[0]));
};

// go leaves a page on which nothing is to be saved any more.
const go = (to) => {
  main.replaceChildren();
  location.hash = to;
};

const titles = { 403: "Not for this client", 404: "Not found" };

let shown = 0; // counts views, so that one that comes late does not replace its successor

// show puts the view of the address on the page. again keeps the place, after a change.
const show = async ({ again = false, told } = {}) => {
  const turn = ++shown;
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  let view;
  document.querySelectorAll("dialog").forEach((dialog) => dialog.remove());
  if (!again) navigation(path);
  main.setAttribute("aria-busy", "true");
  try {
    if (!current()) {
      view = signIn(told, () => show());
    } else {
      const [make, named] = find(path);
      view = await make({ ...named, query: new URLSearchParams(query), again: () => show({ again: true }), go });
    }
  } catch (problem) {
    if (!(problem instanceof Problem)) console.error(problem);
    view = { title: titles[problem.status] ?? "That did not work", body: [alarm(problem), h("p", {}, path.includes("/") ? h("a", { href: `#/${path.split("/")[0]}` }, "Back to the list") : h("a", { href: "#/" }, "Overview"))] };
  } finally {
    if (turn === shown) main.removeAttribute("aria-busy");
  }
  if (turn !== shown) return;
  if (!current() && view.title !== "Sign in") return; // it ended meanwhile, and that is on the page
  document.title = `${view.title} · Stagedoor`;
  main.dataset.shown = location.hash;
  const putBack = again ? keep() : () => {};
  main.replaceChildren(h("h1", { tabindex: "-1" }, view.title), ...[view.body].flat(Infinity).filter(Boolean));
  putBack();
  if (again) {
    if (document.activeElement === document.body) main.focus({ preventScroll: true }); // what had the focus is there no more
    return;
  }
  scrollTo(0, 0);
  main.querySelector(view.focus ?? "h1")?.focus({ preventScroll: true });
};

onEnd((told) => show({ told }));
addEventListener("hashchange", async (event) => {
  if (changed() && !(await sure("Leave without saving?", "What you changed on this page is not saved yet.", "Leave"))) {
    history.replaceState(null, "", event.oldURL);
    return;
  }
  show();
});
addEventListener("beforeunload", (event) => changed() && event.preventDefault());
comeBack().then(() => show(), (problem) => show({ told: problem.message }));
