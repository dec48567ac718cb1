// Lists and pages of what nouns.js describes.
import { h, when } from "./dom.js";
import { api, at, every, query } from "./api.js";
import { button, copyable, facts, pager, permitted, pick, section, sure, table, tell } from "./parts.js";
import { field, form, sized } from "./form.js";
import { changes, isObject } from "./json.js";
import { secondFactors } from "./factors.js";
import { singles } from "./singles.js";

const size = 50;

// list shows all things of a kind, page by page.
export const list = (noun) => async ({ query: asked }) => {
  const page = Number(asked.get("page") ?? 0);
  const got = await api("GET", `/${noun.path}${noun.whole ? "" : query({ page, per_page: size, include_totals: true, ...noun.narrow })}`);
  const all = Array.isArray(got) ? got : got[noun.key ?? noun.path.replaceAll("-", "_")];
  return {
    title: noun.many,
    body: [
      noun.explain && h("p.lead", {}, noun.explain),
      noun.create && h("div.row", {}, h("a.button", { href: `#/${noun.path}/new` }, `New ${noun.one}`)),
      table(noun.many, ["Name", ...Object.keys(noun.columns)], all.map((thing) => [
        h("a", { href: `#/${noun.path}/${encodeURIComponent(thing[noun.id])}` }, noun.title(thing)), ...Object.values(noun.columns).map((cell) => cell(thing)),
      ]), noun.none ?? `There is no ${noun.one} yet.`),
      !noun.whole && pager(page, size, all.length, Array.isArray(got) ? undefined : got.total, (p) => `#/${noun.path}?page=${p}`),
    ],
  };
};

// fieldsOf makes the fields that are described so: [kind, label, options].
export const fieldsOf = (described, thing) => Object.fromEntries(Object.entries(described).map(([key, [kind, label, options]]) => [key, field(kind, label, thing[key] ?? options?.first, options)]));

// create asks for what a new thing needs.
export const create = (noun) => async ({ go }) => {
  if (!noun.create) return { title: "Not found", body: h("p", {}, "This cannot be made here.") };
  const described = typeof noun.create === "function" ? await noun.create() : noun.create;
  const body = form(fieldsOf(described, {}), async (values) => {
    const made = await api("POST", `/${noun.path}`, noun.made?.(values) ?? values);
    setTimeout(() => go(`#/${noun.path}/${encodeURIComponent(made[noun.id])}`));
    return `The ${noun.one} is there.`;
  }, "Create");
  body.classList.add("narrow");
  return { title: `New ${noun.one}`, focus: "form input, form select", body };
};

// whole edits all of a thing as JSON. What is sent are the members that were changed.
export const whole = (noun, path, thing, again) => {
  const fixed = new Set([noun.id, "tenant", "created_at", "updated_at", ...(noun.fixed ?? [])]);
  const before = Object.fromEntries(Object.entries(thing).filter(([key]) => !fixed.has(key)));
  return h("details", {}, h("summary", {}, "All settings, as JSON"), form({ value: sized(field("json", "Settings", before, { hint: "Only what you change is sent. A member that you take away is set to null." })) }, async ({ value }) => {
    const change = changes(before, value);
    if (Object.keys(change).length === 0) return "Nothing was changed.";
    await api("PATCH", path, change);
    await again();
    return "Saved.";
  }, "Save all"));
};

// changed are the values that differ from what a thing has.
export const changed = (thing, values) => Object.fromEntries(Object.entries(values).filter(([key, value]) => value !== undefined && !filled(thing[key], value)));

const filled = (a, b) => (b === null ? !a : JSON.stringify(a ?? (Array.isArray(b) ? [] : isObject(b) ? {} : typeof b === "boolean" ? false : "")) === JSON.stringify(b));

const main = ({ fields }, path, thing, again) => {
  const before = Object.fromEntries(Object.entries(fields).map(([key, [, , options]]) => [key, thing[key] ?? options?.first]));
  return form(fieldsOf(fields, thing), async (values) => {
    const change = changed(before, values);
    if (Object.keys(change).length === 0) return "Nothing was changed.";
    await api("PATCH", path, change);
    await again();
    return "Saved.";
  });
};

// record shows one thing.
export const record = (noun) => async ({ id, again, go }) => {
  const path = at`/${noun.path}/${id}`;
  const thing = await api("GET", path);
  const title = noun.title(thing);
  const parts = await Promise.all((noun.parts ?? []).filter(([, , has]) => !has || has(thing)).map(async ([name, make]) => section(name, await permitted(() => make(thing, again)))));
  return {
    title,
    body: [
      facts([...(noun.facts?.(thing) ?? [["ID", copyable(thing[noun.id])]]), ["Created", thing.created_at && when(thing.created_at)]]),
      noun.deeds?.(thing, again),
      noun.fields && main({ fields: typeof noun.fields === "function" ? noun.fields(thing) : noun.fields }, path, thing, again),
      ...parts,
      section("More", noun.still ? "" : whole(noun, path, thing, again), !noun.keeps?.(thing) && h("p", {}, button(`Delete this ${noun.one}`, async () => {
        if (!(await sure(`Delete ${title}?`, noun.loss ?? "There is no way back.", "Delete", title))) return;
        await api("DELETE", path);
        tell("Deleted.");
        go(`#/${noun.path}`);
      }, "danger.button"))),
    ],
  };
};

// settings are what a tenant has one of.
export const settings = async ({ again }) => {
  const single = async (one) => {
    const thing = await api("GET", one.path);
    return [one.explain && h("p.lead", {}, one.explain), main(one, one.path, thing, again), whole(one, one.path, thing, again)];
  };
  const parts = [...singles.map((one) => [one.title, () => single(one)]), ["Second factors", () => secondFactors(again)]];
  return { title: "Settings", body: await Promise.all(parts.map(async ([title, make]) => section(title, await permitted(make)))) };
};

// chosen lets somebody choose among all things at an address.
export const chosen = async (path, key, id, name, label, act, without = []) => {
  const all = (await every(path, key)).filter((thing) => !without.includes(thing[id]));
  return pick(label, all.map((thing) => [thing[id], name(thing)]), label, act);
};
