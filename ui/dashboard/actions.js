import { h, when } from "./dom.js";
import { api, at, every } from "./api.js";
import { badge, button, facts, section, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";

const triggerOf = (action) => action.supported_triggers[0]?.id ?? "";

const bindingsOf = (trigger) => every(at`/actions/triggers/${trigger}/bindings`, "bindings");

// bind writes the list of a trigger anew: those that stay keep their binding.
const bind = (trigger, refs) => api("PATCH", at`/actions/triggers/${trigger}/bindings`, { bindings: refs });

const stays = (b) => ({ ref: { type: "binding_id", value: b.id }, display_name: b.display_name });

const flow = async (trigger, again) => {
  const bound = await bindingsOf(trigger);
  const order = async (list, said) => {
    await bind(trigger, list.map(stays));
    await again();
    tell(said);
  };
  const move = (i, by) => button(by < 0 ? "Up" : "Down", () => {
    const list = [...bound];
    [list[i], list[i + by]] = [list[i + by], list[i]];
    return order(list, "Moved.");
  }, "textual", bound[i].display_name);
  return section(`At ${trigger}`, table(`What runs at ${trigger}`, ["Action", "Order", ""], bound.map((b, i) => [
    h("a", { href: `#/actions/${b.action.id}` }, b.display_name), h("span.row", {}, i > 0 && move(i, -1), i < bound.length - 1 && move(i, 1)),
    button(`Take out ${b.display_name}`, () => order(bound.filter((other) => other.id !== b.id), "It does not run any more."), "textual"),
  ]), "Nothing runs."));
};

export const actions = async ({ again }) => {
  const list = await every("/actions/actions", "actions");
  const triggers = [...new Set(["post-login", ...list.map(triggerOf)])].filter(Boolean);
  return {
    title: "Actions",
    body: [
      h("p.lead", {}, "Code that runs at a trigger: after a login, before a registration, and more."),
      h("div.row", {}, h("a.button", { href: "#/actions/new" }, "New action")),
      table("Actions", ["Action", "Trigger", "", "-Changed"], list.map((a) => [
        h("a", { href: `#/actions/${a.id}` }, a.name), triggerOf(a), a.all_changes_deployed ? badge("deployed", "good") : badge("not deployed"), when(a.updated_at),
      ]), "There is no action yet."),
      ...(await Promise.all(triggers.map((t) => flow(t, again)))),
    ],
  };
};

export const newAction = async ({ go }) => {
  const { triggers } = await api("GET", "/actions/triggers");
  const current = triggers.filter((t) => t.status === "CURRENT");
  const known = (current.length ? current : triggers).map((t) => [`${t.id} ${t.version}`, t.id]);
  const fields = {
    name: field("text", "Name", "", { required: true }),
    trigger: field("select", "Trigger", known.find(([, id]) => id === "post-login")?.[0], { options: known }),
  };
  return {
    title: "New action",
    body: form(fields, async ({ name, trigger }) => {
      const [id, version] = trigger.split(" ");
      const code = id === "post-login" ? "exports.onExecutePostLogin = async (event, api) => {\n  api.idToken.setCustomClaim('https://example.com/plan', event.user.app_metadata.plan);\n};\n" : "";
      const made = await api("POST", "/actions/actions", { name, supported_triggers: [{ id, version }], code });
      setTimeout(() => go(`#/actions/${made.id}`));
      return "The action is there.";
    }, "Create"),
  };
};

const secrets = (a, again) => {
  const set = (list) => api("PATCH", at`/actions/actions/${a.id}`, { secrets: list });
  const kept = a.secrets.map(({ name }) => ({ name })); // without values they keep those they have
  return [
    table("Secrets", ["Name", "-Set", ""], a.secrets.map((one) => [h("code", {}, one.name), when(one.updated_at), button(`Remove ${one.name}`, async () => {
      await set(kept.filter((k) => k.name !== one.name));
      await again();
      tell("Removed. Deploy the action for it to count.");
    }, "textual")]), "No secret. Code reads them from event.secrets."),
    form({ name: field("text", "Name", "", { required: true }), value: field("text", "Value", "", { required: true, type: "password", autocomplete: "new-password" }) }, async ({ name, value }) => {
      await set([...kept.filter((k) => k.name !== name), { name, value }]);
      await again();
      return "Set. Deploy the action for it to count.";
    }, "Set the secret"),
  ];
};

export const action = async ({ id, again, go }) => {
  const a = await api("GET", at`/actions/actions/${id}`);
  const trigger = triggerOf(a);
  const bound = await bindingsOf(trigger);
  const runs = bound.some((b) => b.action.id === a.id);
  const row = h("div.row", {}, a.all_changes_deployed ? badge("deployed", "good") : badge("not deployed"), runs ? badge(`runs at ${trigger}`, "good") : badge("runs nowhere"));
  if (!a.all_changes_deployed) {
    row.append(button("Deploy", async () => {
      await api("POST", at`/actions/actions/${a.id}/deploy`);
      await again();
      tell(runs ? "Deployed. It runs so at the next login." : "Deployed.");
    }));
  }
  row.append(button(runs ? "Take out of the flow" : `Let it run at ${trigger}`, async () => {
    const others = bound.filter((b) => b.action.id !== a.id).map(stays);
    await bind(trigger, runs ? others : [...others, { ref: { type: "action_id", value: a.id }, display_name: a.name }]);
    await again();
    tell(runs ? "It does not run any more." : "It runs after the others.");
  }));
  row.append(button("Delete", async () => {
    if (!(await sure(`Delete ${a.name}?`, "Its code and its versions are deleted with it.", "Delete"))) return;
    await api("DELETE", at`/actions/actions/${a.id}`);
    tell("The action is deleted.");
    go("#/actions");
  }, "danger.button"));
  return {
    title: a.name,
    body: [
      row,
      a.errors?.length > 0 && h("div.problems", {}, a.errors.map((e) => h("p", {}, e.msg ?? e.message ?? String(e)))),
      facts([["Trigger", trigger], ["Runtime", a.runtime], ["Version in force", a.deployed_version?.number], ["Packages", a.dependencies.map((d) => `${d.name} ${d.version}`).join(", ")]]),
      form({ code: field("code", "Code", a.code) }, async ({ code }) => {
        await api("PATCH", at`/actions/actions/${a.id}`, { code });
        await again();
        return "Saved. Deploy it for it to count.";
      }),
      section("Secrets", secrets(a, again)),
    ],
  };
};
