// Forms: fields that read themselves, and one way of sending them.
import { h, newID, number } from "./dom.js";
import { alarm, tell } from "./parts.js";
import { bytes, isObject, parse, print } from "./json.js";

// Wrong is a value that cannot be sent.
class Wrong extends Error {}

const kinds = {
  text: (value, o) => {
    const element = h("input", { type: o.type ?? "text", value: value ?? "", autocomplete: o.autocomplete ?? "off", spellcheck: "false", required: o.required });
    return [element, () => (o.type === "password" ? element.value : element.value.trim() || (o.nullable ? null : ""))];
  },
  area: (value) => {
    const element = h("textarea", { value: value ?? "", rows: 3 });
    return [element, () => element.value.trim()];
  },
  lines: (value) => {
    const element = h("textarea", { value: (value ?? []).join("\n"), rows: Math.min(8, Math.max(3, value?.length ?? 0)), spellcheck: "false" });
    return [element, () => element.value.split(/[\n,]/).map((line) => line.trim()).filter(Boolean)];
  },
  number: (value) => {
    const element = h("input", { type: "text", inputmode: "numeric", value: value ?? "", autocomplete: "off" });
    return [element, () => {
      const text = element.value.trim();
      if (text && !/^\d+$/.test(text)) throw new Wrong("Give a whole number.");
      return text ? Number(text) : undefined;
    }];
  },
  check: (value) => {
    const element = h("input", { type: "checkbox", checked: Boolean(value) });
    return [element, () => element.checked];
  },
  select: (value, o) => {
    const known = o.options.map((option) => (Array.isArray(option) ? option : [option, option]));
    if (value !== undefined && value !== null && !known.some(([v]) => v === value)) known.unshift([value, value]);
    const element = h("select", {}, known.map(([v, text]) => h("option", { value: v, selected: v === value }, text)));
    return [element, () => element.value];
  },
  many: (value, o) => {
    const boxes = o.options.map((option) => (Array.isArray(option) ? option : [option, option])).map(([v, text]) => ({ v, text, box: h("input", { type: "checkbox", id: newID(), checked: (value ?? []).includes(v) }) }));
    const element = h("fieldset.many", { tabindex: "-1" }, boxes.map(({ box, text }) => h("div.field.tick", {}, box, h("label", { for: box.id }, text))));
    return [element, () => {
      const chosen = boxes.filter(({ box }) => box.checked).map(({ v }) => v);
      if (o.required && chosen.length === 0) throw new Wrong("Choose at least one.");
      return chosen;
    }];
  },
  code: (value, o) => {
    const element = h("textarea.code", { value: value ?? "", rows: o.rows ?? 22, spellcheck: "false", autocapitalize: "off", wrap: "off" });
    return [element, () => element.value];
  },
  json: (value, o) => {
    const text = print(value);
    const element = h("textarea.code", { value: text, rows: Math.min(o.rows ?? 24, Math.max(5, text.split("\n").length + 1)), spellcheck: "false", autocapitalize: "off", wrap: "off" });
    return [element, () => {
      let read;
      try {
        read = parse(element.value.trim() || "{}");
      } catch (error) {
        throw new Wrong(`This is not JSON: ${error.message}`);
      }
      if (!isObject(read)) throw new Wrong("Give a JSON object: { … }");
      return read;
    }];
  },
};

// field makes a field of a kind: text, area, lines, number, check, select, many, code, json. An empty text of a nullable one is null. One with when,
// such as {kind: ["smtp"]}, is there only while other fields of its form have such values.
export const field = (kind, label, value, options = {}) => {
  const [element, read] = kinds[kind](value, options);
  const id = newID();
  element.id = id;
  const problem = h("p.problem", { id: `${id}-problem`, hidden: true });
  const hint = options.hint && h("p.hint", { id: `${id}-hint` }, options.hint);
  element.setAttribute("aria-describedby", [hint && hint.id, problem.id].filter(Boolean).join(" "));
  const name = h(kind === "many" ? "legend" : "label", { for: kind !== "many" && id }, label);
  if (kind === "many") element.prepend(name);
  const node = kind === "many" ? h("div.field", {}, element, hint, problem) : kind === "check" ? h("div.field.tick", {}, element, name, hint, problem) : h("div.field", {}, name, hint, problem, element);
  const mark = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
    node.classList.toggle("wrong", Boolean(text));
    element.toggleAttribute("aria-invalid", Boolean(text));
  };
  return { node, element, read, mark, when: options.when };
};

// sized shows beside a field of JSON how many bytes its value has.
export const sized = (f) => {
  const size = h("p.hint", { "aria-live": "off" });
  const count = () => {
    try {
      size.textContent = `${number(bytes(f.read()))} bytes`;
    } catch {
      size.textContent = "";
    }
  };
  f.element.addEventListener("input", count);
  count();
  f.node.append(size);
  return f;
};

// form sends what its fields hold. What is not valid is said at the field, what the server says above the form; done, if it returns a text, is told.
export const form = (fields, send, verb = "Save") => {
  const names = Object.keys(fields);
  const submit = h("button.primary", {}, verb);
  const element = h("form", { novalidate: true, autocomplete: "off", "data-verb": verb }, names.map((name) => fields[name].node), h("div.row", {}, submit));
  const needed = ({ when = {} }) => Object.entries(when).every(([other, values]) => values.includes(fields[other].element.value));
  const arrange = () => names.forEach((name) => (fields[name].node.hidden = !needed(fields[name])));
  arrange();
  element.addEventListener("input", () => {
    element.dataset.changed = "1";
    arrange();
  });
  element.addEventListener("change", arrange);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.getAttribute("aria-disabled") === "true") return;
    element.querySelector(":scope > .problems")?.remove();
    const values = {};
    let first;
    for (const name of names.filter((one) => needed(fields[one]))) {
      const f = fields[name];
      try {
        f.mark("");
        if (!f.element.checkValidity()) throw new Wrong(f.element.validity.valueMissing ? "This is needed." : f.element.validationMessage);
        values[name] = f.read();
      } catch (error) {
        if (!(error instanceof Wrong)) throw error;
        f.mark(error.message);
        first ??= f.element;
      }
    }
    if (first) return first.focus();
    submit.setAttribute("aria-disabled", "true");
    element.dataset.sending = "1";
    try {
      const said = await send(values);
      delete element.dataset.changed;
      if (said) tell(said);
    } catch (problem) {
      element.prepend(alarm(problem));
      element.firstChild.scrollIntoView({ block: "nearest" });
    } finally {
      delete element.dataset.sending;
      submit.removeAttribute("aria-disabled");
    }
  });
  return element;
};

// unsaved are the forms on the page that have something in them that was not sent, and is not being sent.
const unsaved = () => [...document.querySelectorAll("form[data-changed]:not([data-sending])")];

// changed tells whether there are such forms.
export const changed = () => unsaved().length > 0;

const place = (form) => `${form.closest("section")?.querySelector("h2").textContent ?? ""}/${form.dataset.verb}`;

// keep returns what puts unsaved forms back into a page that was made anew: with what is in them, and with what they began from.
export const keep = () => {
  const forms = unsaved().map((form) => [place(form), form]);
  return () => {
    for (const [where, form] of forms) {
      const anew = [...document.querySelectorAll("form[data-verb]")].find((other) => place(other) === where);
      anew?.replaceWith(form);
      for (let e = form.closest("details"); e; e = e.parentElement.closest("details")) e.open = true;
    }
  };
};
