// Forms and flows: what people are asked for while they log in, and what is done with the answers.
import { h } from "./dom.js";
import { api, at, every } from "./api.js";
import { copyable, table } from "./parts.js";

const ends = { $ending: "the end", $continue: "go on" };

// leads are the places that a node, or the start, leads to, each with what has to hold.
const leads = ({ config = {}, next_node }) => [
  [next_node ?? config.next_node, ""], ...(config.rules ?? []).map((rule, i) => [rule.next_node, rule.alias || `rule ${i + 1}`]), [config.fallback, "else"],
].filter(([to]) => to);

const kinds = { STEP: "Page", ROUTER: "Fork", FLOW: "Flow" };

const what = (node) => node.alias || (node.config?.components ?? []).map((one) => one.label).filter(Boolean).join(", ");

// pathsOf shows the nodes of a form in the order in which they are come to, and where each leads.
const pathsOf = (form) => {
  const nodes = new Map((form.nodes ?? []).map((node) => [node.id, node])), order = [];
  const visit = (thing) => leads(thing).forEach(([to]) => {
    if (!nodes.has(to) || order.includes(to)) return;
    order.push(to);
    visit(nodes.get(to));
  });
  visit(form.start ?? {});
  const lost = [...nodes.keys()].filter((id) => !order.includes(id));
  return table("Steps", ["Step", "Kind", "-Asks for", "Leads to"], [...order, ...lost].map((id) => {
    const node = nodes.get(id);
    return [
      [h("code", {}, id), lost.includes(id) && " (nothing leads here)"], kinds[node.type] ?? node.type,
      node.type === "FLOW" && node.config?.flow_id ? h("a", { href: at`#/flows/${node.config.flow_id}` }, "what the flow does") : what(node),
      leads(node).map(([to, why]) => h("span.line", {}, why && `${why}: `, ends[to] ?? h("code", {}, to))),
    ];
  }), "The form has no step yet.");
};

// shownBy are the actions whose code names a form: they show it.
const shownBy = async (form) => {
  const actions = (await every("/actions/actions", "actions")).filter((a) => a.code?.includes(form.id));
  return table("Actions", ["Action"], actions.map((a) => [h("a", { href: at`#/actions/${a.id}` }, a.name)]), "No action names it, so nobody sees it: api.prompt.render shows it.");
};

const fixed = ["id", "created_at", "updated_at", "embedded_at", "submitted_at", "flow_count", "links"];

// made puts the name of a new form or flow to what it is made of.
const made = ({ name, definition }) => ({ ...definition, name });

export const forms = {
  path: "forms", one: "form", many: "Forms", id: "id", title: (f) => f.name,
  explain: "What people are asked for while they log in. An action decides who sees a form.",
  columns: { "-ID": (f) => h("code", {}, f.id) },
  create: {
    name: ["text", "Name", { required: true }],
    definition: ["json", "Steps, as JSON", { rows: 24, first: {
      start: { next_node: "ask" }, languages: { primary: "en" },
      nodes: [{ id: "ask", type: "STEP", config: { next_node: "$ending", components: [
        { id: "company", category: "FIELD", type: "TEXT", label: "Company", required: true, config: { max_length: 50 } },
        { id: "next", category: "BLOCK", type: "NEXT_BUTTON", config: { text: "Continue" } },
      ] } }],
      ending: { resume_flow: true },
    } }],
  },
  made, facts: (f) => [["ID", copyable(f.id)]], fields: { name: ["text", "Name", { required: true }] },
  parts: [["Steps", pathsOf], ["Where it is shown", shownBy]], fixed, loss: "Logins in which an action shows it fail from then on.",
};

const actionsOf = (flow) => table("Actions", ["Action", "Does"], (flow.actions ?? []).map((a) => [h("code", {}, a.id), `${a.type} · ${a.action}`]), "The flow does nothing yet.");

// usedBy are the forms that run a flow; lists do not say what is in a form.
const usedBy = async (flow) => {
  const all = await Promise.all((await every("/forms", "forms", 100)).map((one) => api("GET", at`/forms/${one.id}`)));
  return table("Forms", ["Form"], all.filter((one) => JSON.stringify(one).includes(flow.id)).map((one) => [h("a", { href: at`#/forms/${one.id}` }, one.name)]), "No form runs it.");
};

export const flows = {
  path: "flows", one: "flow", many: "Flows", id: "id", title: (f) => f.name,
  explain: "What is done with the answers of a form: calls, mails, changes of the user.",
  columns: { "-ID": (f) => h("code", {}, f.id) },
  create: { name: ["text", "Name", { required: true }], definition: ["json", "Actions, as JSON", { rows: 16, first: { actions: [] } }] },
  made, facts: (f) => [["ID", copyable(f.id)]], fields: { name: ["text", "Name", { required: true }] },
  parts: [["What it does", actionsOf], ["Forms that run it", usedBy]], fixed, loss: "Forms that run it end their login with an error from then on.",
};
