// The menu: groups of pages that fold up. Open are the group of the page that is shown, and those that somebody opened.
import { h, newID } from "./dom.js";
import { current, end } from "./session.js";

const groups = [
  ["People", [["users", "Users"], ["roles", "Roles"], ["organizations", "Organizations"], ["groups", "Groups"]]],
  ["Applications", [["clients", "Applications"], ["resource-servers", "APIs"], ["connections", "Connections"]]],
  ["At the login", [["rules", "Rules"], ["actions", "Actions"], ["forms", "Forms"], ["flows", "Flows"]]],
  ["Mails and pages", [["mails", "Mails"], ["phones", "Text messages"], ["texts", "Texts"], ["page-template", "Page template"]]],
  ["What happened", [["logs", "Logs"], ["log-streams", "Log streams"], ["event-streams", "Event streams"]]],
  ["Tenant", [["settings", "Settings"], ["custom-domains", "Domains"]]],
];

const opened = new Set(["People"]);

// menu shows where one can go; here is the first word of the address of the page.
export const menu = (here) => {
  const link = ([to, name]) => h("li", {}, h("a", { href: `#/${to}`, "aria-current": to === here && "page" }, name));
  const group = ([name, pages]) => {
    const inside = pages.some(([to]) => to === here), id = newID();
    return h("li", {}, h("details", {
      open: inside || opened.has(name),
      ontoggle: (event) => (event.target.open ? opened.add(name) : opened.delete(name)),
    }, h("summary", { id }, name), h("ul", { "aria-labelledby": id }, pages.map(link))));
  };
  const toggle = h("button.secondary.menu", { type: "button", "aria-expanded": "false", "aria-controls": "menu", onclick: () => {
    toggle.setAttribute("aria-expanded", toggle.getAttribute("aria-expanded") !== "true");
  } }, "Menu");
  return h("nav", { "aria-label": "Dashboard" }, toggle,
    h("ul", { id: "menu" }, link(["", "Overview"]), groups.map(group),
      h("li.apart", {}, h("a", { href: "/reference" }, "API reference")),
      h("li", {}, h("button.textual", { type: "button", onclick: () => end("You are signed out.") }, "Sign out"), current().name && h("p.hint", {}, current().name))));
};
