import { h } from "./dom.js";
import { api, at, every } from "./api.js";
import { badge, button, section, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";
import { print } from "./json.js";

const first = `function (user, context, callback) {
  // What a rule writes into the metadata it also keeps: auth0.users.updateAppMetadata(user.user_id, user.app_metadata)
  context.idToken["https://example.com/plan"] = user.app_metadata && user.app_metadata.plan;
  callback(null, user, context);
}
`;

const patch = (rule, change) => api("PATCH", at`/rules/${rule.id}`, change);

// swap lets two neighbours change places; both orders are written anew where they are equal.
const swap = async (all, i, j) => {
  const moved = [...all];
  [moved[i], moved[j]] = [moved[j], moved[i]];
  for (const [place, rule] of moved.entries()) {
    if (rule.order !== place + 1) await patch(rule, { order: all.length + place + 1 + Math.max(...all.map((r) => r.order)) });
  }
  for (const [place, rule] of moved.entries()) {
    if (rule.order !== place + 1) await patch(rule, { order: place + 1 });
  }
};

// configuration are the values that rules read from the object configuration. They are never shown again.
const configuration = async (again) => {
  const keys = await api("GET", "/rules-configs");
  return section("Configuration", table("Configuration", ["Name", ""], keys.map(({ key }) => [h("code", {}, key), button(`Remove ${key}`, async () => {
    if (!(await sure(`Remove ${key}?`, "Rules that need it fail from the next login on.", "Remove"))) return;
    await api("DELETE", at`/rules-configs/${key}`);
    await again();
    tell("Removed.");
  }, "textual")]), "Nothing. Rules read it from the object configuration."),
  h("details", {}, h("summary", {}, "Set a value"), form({
    key: field("text", "Name", "", { required: true }), value: field("text", "Value", "", { required: true, type: "password", autocomplete: "new-password", hint: "It is not shown again." }),
  }, async ({ key, value }) => {
    await api("PUT", at`/rules-configs/${key}`, { value });
    await again();
    return "Set, for the next login.";
  }, "Set")));
};

export const rules = async ({ again }) => {
  const all = (await every("/rules", "rules")).sort((a, b) => a.order - b.order);
  const move = (i, by) => button(by < 0 ? "Up" : "Down", async () => {
    await swap(all, i, i + by);
    await again();
    tell(`${all[i].name} moved ${by < 0 ? "up" : "down"}.`);
  }, "textual", all[i].name);
  return {
    title: "Rules",
    body: [
      h("p.lead", {}, "Code that runs at every login, one after the other."),
      h("div.row", {}, h("a.button", { href: "#/rules/new" }, "New rule")),
      table("Rules in their order", ["Rule", "", "Order"], all.map((r, i) => [
        h("a", { href: `#/rules/${r.id}` }, r.name), r.enabled ? badge("on", "good") : badge("off"),
        h("span.row", {}, i > 0 && move(i, -1), i < all.length - 1 && move(i, 1)),
      ]), "There is no rule yet."),
      await configuration(again),
    ],
  };
};

export const newRule = async ({ go }) => ({
  title: "New rule",
  body: form({ name: field("text", "Name", "", { required: true, hint: "Letters, digits, spaces, hyphens." }), script: field("code", "Code", first) }, async (values) => {
    const made = await api("POST", "/rules", { ...values, enabled: false });
    setTimeout(() => go(`#/rules/${made.id}`));
    return "The rule is there. It runs once you switch it on.";
  }, "Create"),
});

// tried shows how a run ended, and what it did.
const tried = (result) => h("div.told-run", {},
  h("p", {}, h("strong", {}, result.error ? `${result.outcome}: ${result.error.message}` : `Outcome: ${result.outcome}`)),
  result.error?.stack && h("pre.text.scroll", { tabindex: "0" }, result.error.stack),
  result.console?.length > 0 && h("pre.text.scroll", { tabindex: "0" }, result.console.map((line) => line.text ?? line.message ?? print(line)).join("\n")),
  h("details", {}, h("summary", {}, "The whole result"), h("pre.text.scroll", { tabindex: "0" }, print(result))));

const trial = (rule, script) => {
  const person = field("text", "User ID", "", { hint: "Whom the rule gets as user. Nothing: an example." });
  const out = h("div", { "aria-live": "polite" });
  const run = form({ person }, async (values) => {
    out.replaceChildren(h("p.empty", {}, "Running…"));
    try {
      out.replaceChildren(tried(await api("POST", at`/rules/${rule.id}/try`, { script: script.element.value, ...(values.person ? { user_id: values.person } : {}) })));
    } catch (problem) {
      out.replaceChildren();
      throw problem;
    }
  }, "Try it");
  return [h("p.hint", {}, "Runs the code above as a login would, saved or not. Nothing is written, and no call goes out."), run, out];
};

export const rule = async ({ id, again, go }) => {
  const r = await api("GET", at`/rules/${id}`);
  const script = field("code", "Code", r.script);
  return {
    title: r.name,
    body: [
      h("div.row", {}, r.enabled ? badge("on", "good") : badge("off"),
        button(r.enabled ? "Switch off" : "Switch on", async () => {
          await patch(r, { enabled: !r.enabled });
          await again();
          tell(r.enabled ? "The rule is off." : "The rule runs at the next login.");
        }),
        button("Delete", async () => {
          if (!(await sure(`Delete ${r.name}?`, "Its code is deleted with it.", "Delete"))) return;
          await api("DELETE", at`/rules/${r.id}`);
          tell("The rule is deleted.");
          go("#/rules");
        }, "danger.button")),
      form({ name: field("text", "Name", r.name, { required: true }), script }, async (values) => {
        await patch(r, values);
        document.querySelector("h1").textContent = values.name;
        return "Saved. It runs so at the next login.";
      }),
      section("Try it", trial(r, script)),
    ],
  };
};
