// Elements, made of texts. Nothing here takes markup, so that what people wrote about themselves stays a text.

const svg = "http://www.w3.org/2000/svg";

const put = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
};

// h makes an element: h("a.button", { href: "#/users" }, "Users").
export const h = (what, attributes = {}, ...children) => {
  const [name, ...classes] = what.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  return put(element, attributes, children);
};

// s makes an element of a drawing.
export const s = (name, attributes = {}, ...children) => put(document.createElementNS(svg, name), attributes, children);

let ids = 0;

// newID is an id that nothing else on the page has.
export const newID = () => `e${++ids}`;

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const units = [["minute", 60], ["hour", 3600], ["day", 86400]];

// when shows a time: how long ago it was within a week, its date before.
export const when = (iso) => {
  const time = new Date(iso);
  if (!iso || Number.isNaN(time.getTime())) return "never";
  const seconds = (time - Date.now()) / 1000;
  const [unit, length] = units.findLast(([, length]) => Math.abs(seconds) >= length) ?? units[0];
  const text = Math.abs(seconds) < 7 * 86400 ? relative.format(Math.round(seconds / length), unit) : dateTime.format(time);
  return h("time", { datetime: iso, title: dateTime.format(time) }, text);
};

// number shows a number as people of the browser's language write it.
export const number = (n) => new Intl.NumberFormat().format(n);
