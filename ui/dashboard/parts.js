// What several views are made of: tables, pages of lists, facts, dialogs, things to copy.
import { h, newID, number } from "./dom.js";
import { Problem } from "./api.js";

// tell says shortly what happened, to eyes and screen readers.
export const tell = (text) => {
  const told = document.querySelector(".told");
  told.textContent = text;
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => (told.textContent = ""), 6000);
};

// table shows rows of cells under a head; cells of columns whose name begins with "-" are left out on narrow screens.
export const table = (caption, head, rows, empty) => {
  if (rows.length === 0) return h("p.empty", {}, empty);
  const minor = head.map((name) => name.startsWith("-"));
  return h("div.scroll", { role: "region", "aria-label": caption, tabindex: "0" },
    h("table", {}, h("caption.visually-hidden", {}, caption),
      h("thead", {}, h("tr", {}, head.map((name, i) => h(minor[i] ? "th.minor" : "th", { scope: "col" }, name.replace(/^-/, ""))))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell, i) => (i === 0 ? h("th", { scope: "row" }, cell) : h(minor[i] ? "td.minor" : "td", {}, cell))))))));
};

// pager leads through a list; link makes the address of a page. total is undefined where nobody counted.
export const pager = (page, size, shown, total, link) => {
  const first = page * size;
  const more = total === undefined ? shown === size : first + shown < total;
  if (page === 0 && !more) return h("p.count", {}, total === undefined || total === 0 ? "" : `${number(total)} in all`);
  return h("nav.pager", { "aria-label": "Pages" },
    page > 0 && h("a.secondary.button", { href: link(page - 1), rel: "prev" }, "Previous"),
    h("span", {}, shown === 0 ? "Nothing here" : `${number(first + 1)} to ${number(first + shown)}${total === undefined ? "" : ` of ${number(total)}`}`),
    more && h("a.secondary.button", { href: link(page + 1), rel: "next" }, "Next"));
};

// facts shows names and values; what is undefined is left out.
export const facts = (pairs) =>
  h("dl.facts", {}, pairs.filter(([, value]) => value !== undefined && value !== null && value !== "").map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));

// badge is a word about a thing; kind is good or bad, or nothing.
export const badge = (text, kind) => h(kind ? `span.badge.${kind}` : "span.badge", {}, text);

// section is a part of a page under a heading.
export const section = (title, ...children) => {
  const id = newID();
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), children);
};

// permitted makes a part that the session may not be allowed to see: then it says so, and the rest of the page is there all the same.
export const permitted = async (make) => {
  try {
    return await make();
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 403) throw problem;
    return h("p.empty", {}, `This client may not see that: ${problem.message}`);
  }
};

// pick lets somebody choose among [value, text], and does something with the value.
export const pick = (name, options, verb, act) => {
  if (options.length === 0) return "";
  const choice = h("select", { "aria-label": name }, options.map(([value, text]) => h("option", { value }, text)));
  return h("div.row", {}, choice, button(verb, () => act(choice.value)));
};

// alarm shows what went wrong.
export const alarm = (problem) => h("div.problems", { role: "alert" }, h("p", {}, problem.message));

// button does something, once at a time, and says what went wrong beside itself. of names what it is for where its text alone does not, for those who do not see the row.
export const button = (text, act, kind = "secondary", of) => {
  const element = h(`button.${kind}`, { type: "button", "aria-label": of && `${text}: ${of}` }, text);
  element.addEventListener("click", async () => {
    if (element.getAttribute("aria-disabled") === "true") return;
    element.setAttribute("aria-disabled", "true");
    element.parentElement.querySelector(":scope > .problems")?.remove();
    try {
      await act();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      element.after(alarm(problem));
    } finally {
      element.removeAttribute("aria-disabled");
    }
  });
  return element;
};

// sure asks before something that has no way back. word, if given, has to be typed.
export const sure = (question, explanation, yes, word) =>
  new Promise((resolve) => {
    const id = newID();
    const typed = word && h("input", { id: `${id}-w`, autocomplete: "off", spellcheck: "false", required: true });
    const dialog = h("dialog", { "aria-labelledby": id, onclose: () => (resolve(dialog.returnValue === "yes"), dialog.remove()) },
      h("form", { method: "dialog" }, h("h2", { id }, question), h("p", {}, explanation),
        typed && h("div.field", {}, h("label", { for: typed.id }, `Type ${word} to go on`), typed),
        h("div.row", {}, h("button.danger.button", { value: "yes" }, yes), h("button.secondary", { value: "no", formnovalidate: true }, "Cancel"))));
    typed?.addEventListener("input", () => typed.setCustomValidity(typed.value === word ? "" : `Type ${word}`));
    typed?.setCustomValidity(`Type ${word}`);
    document.body.append(dialog);
    dialog.showModal();
  });

// copyable shows a value that people take elsewhere. A secret one is shown on demand.
export const copyable = (value, secret = false) => {
  const shown = h("code", {}, secret ? "••••••••••••" : value);
  return h("span.copyable", {}, shown,
    secret && h("button.textual", { type: "button", "aria-pressed": "false", onclick: (e) => {
      const show = e.target.getAttribute("aria-pressed") !== "true";
      e.target.setAttribute("aria-pressed", show);
      e.target.textContent = show ? "Hide" : "Show";
      shown.textContent = show ? value : "••••••••••••";
    } }, "Show"),
    h("button.textual", { type: "button", onclick: async () => {
      try {
        await navigator.clipboard.writeText(value);
        tell("Copied.");
      } catch {
        tell("The browser does not let this page copy: select the text by hand.");
      }
    } }, "Copy"));
};
