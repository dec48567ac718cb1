// Streams: what is told elsewhere as it happens, lines of the log or events.
import { h, number, when } from "./dom.js";
import { api, at, every } from "./api.js";
import { badge, button, copyable, facts, pick, sure, table, tell } from "./parts.js";
import { field, form } from "./form.js";

const secret = { required: true, type: "password", autocomplete: "new-password" };

// sinks are what each kind of log stream has to be told.
const sinks = {
  http: ["Webhook", {
    httpEndpoint: ["text", "Address", { required: true, hint: "Begins with https://." }], httpAuthorization: ["text", "Authorization", { type: "password", autocomplete: "new-password", hint: "What that header says, such as Bearer and a token." }],
    httpContentFormat: ["select", "Format", { options: [["JSONLINES", "a line for each event"], ["JSONARRAY", "an array"], ["JSONOBJECT", "each event by itself"]] }], httpContentType: ["text", "Content type", { first: "application/json" }],
  }],
  datadog: ["Datadog", { datadogApiKey: ["text", "API key", secret], datadogRegion: ["select", "Region", { options: ["us", "us3", "us5", "eu"] }] }],
  splunk: ["Splunk", {
    splunkDomain: ["text", "Domain", { required: true }], splunkPort: ["text", "Port", { required: true, first: "8088" }], splunkToken: ["text", "Token of the event collector", secret], splunkSecure: ["check", "Check its certificate", { first: true }],
  }],
  sumo: ["Sumo Logic", { sumoSourceAddress: ["text", "Address of the source", { required: true }] }],
  segment: ["Segment", { segmentWriteKey: ["text", "Write key", secret] }],
  mixpanel: ["Mixpanel", {
    mixpanelRegion: ["select", "Region", { options: ["us", "eu"] }], mixpanelProjectId: ["text", "Project ID", { required: true }],
    mixpanelServiceAccountUsername: ["text", "User of the service account", { required: true }], mixpanelServiceAccountPassword: ["text", "Password of the service account", secret],
  }],
};

const newLogStream = {
  name: ["text", "Name", { required: true }], type: ["select", "Kind", { options: Object.entries(sinks).map(([type, [title]]) => [type, title]) }],
  ...Object.fromEntries(Object.entries(sinks).flatMap(([type, [, fields]]) => Object.entries(fields).map(([name, [kind, label, options]]) => [name, [kind, label, { ...options, when: { type: [type] } }]]))),
};

export const logStreams = {
  path: "log-streams", one: "log stream", many: "Log streams", id: "id", title: (l) => l.name,
  explain: "Where the log is sent.",
  columns: { Kind: (l) => sinks[l.type]?.[0] ?? l.type, Status: (l) => badge(l.status, l.status === "active" ? "good" : undefined) },
  create: newLogStream, made: ({ name, type, ...sink }) => ({ name, type, sink: Object.fromEntries(Object.entries(sink).filter(([, value]) => value !== "")) }),
  facts: (l) => [["ID", copyable(l.id)], ["Kind", l.type], ["Status", l.status]],
  fields: { name: ["text", "Name", { required: true }], status: ["select", "Status", { options: ["active", "paused"] }] },
  fixed: ["type"],
};

const eventTypes = [
  "user.created", "user.updated", "user.deleted", "organization.created", "organization.updated", "organization.deleted", "organization.member.added", "organization.member.deleted",
  "organization.member.role.assigned", "organization.member.role.deleted", "organization.connection.added", "organization.connection.updated", "organization.connection.removed",
  "organization.group.role.assigned", "organization.group.role.deleted", "group.created", "group.updated", "group.deleted", "group.member.added", "group.member.deleted", "group.role.assigned", "group.role.deleted",
];

const destinations = { webhook: "A webhook", action: "An action", eventbridge: "Amazon EventBridge" };

// newStream is what has to be said of a new stream. Its actions are those that are written for events.
const newStream = async () => {
  const actions = (await every("/actions/actions?triggerId=event-stream", "actions")).map((a) => [a.id, a.name]);
  const webhook = { when: { type: ["webhook"] } };
  return {
    name: ["text", "Name", { required: true }],
    type: ["select", "To", { options: Object.entries(destinations).filter(([type]) => type !== "action" || actions.length > 0) }],
    webhook_endpoint: ["text", "Address", { required: true, hint: "Begins with https://.", ...webhook }],
    token: ["text", "Token", { required: true, type: "password", autocomplete: "new-password", hint: "Sent as Authorization: Bearer. Other ways are set as JSON, afterwards.", ...webhook }],
    action_id: ["select", "Action", { options: actions, when: { type: ["action"] } }],
    aws_account_id: ["text", "AWS account", { required: true, hint: "Twelve digits.", when: { type: ["eventbridge"] } }],
    aws_region: ["text", "AWS region", { required: true, hint: "Such as eu-central-1.", when: { type: ["eventbridge"] } }],
    subscriptions: ["many", "Events", { required: true, options: eventTypes }],
  };
};

const madeStream = ({ name, type, subscriptions, token, ...configuration }) => ({
  name, subscriptions: subscriptions.map((event_type) => ({ event_type })),
  destination: { type, configuration: { ...configuration, ...(type === "webhook" && { webhook_authorization: { method: "bearer", token } }) } },
});

const subscriptionsOf = (stream, again) => {
  const told = stream.subscriptions.map((one) => one.event_type);
  return h("details", {}, h("summary", {}, told.length ? told.join(", ") : "None"), form({ value: field("many", "Events", told, { required: true, options: eventTypes }) }, async ({ value }) => {
    await api("PATCH", at`/event-streams/${stream.id}`, { subscriptions: value.map((event_type) => ({ event_type })) });
    await again();
    return "Saved.";
  }, "Save the events"));
};

const statistics = async (stream) => {
  const { metrics } = await api("GET", at`/event-streams/${stream.id}/stats`);
  return facts([["Delivered in seven days", number(metrics[0].window_total)], ["Failed in seven days", number(metrics[1].window_total)]]);
};

// failuresOf are the deliveries that were given up, the first hundred of them.
const failuresOf = async (stream, again) => {
  const path = at`/event-streams/${stream.id}`;
  const list = await api("GET", `${path}/deliveries?take=100&statuses=failed`);
  return [
    table("Failed deliveries", ["Event", "-Tried last", "What went wrong", ""], list.map((one) => [
      one.event_type, when(one.attempts.at(-1)?.timestamp), one.attempts.at(-1)?.error_message ?? one.attempts.at(-1)?.status ?? "",
      button("Send again", async () => {
        await api("POST", path + at`/redeliver/${one.id}`);
        await again();
        tell("It is on its way again.");
      }, "textual", `${one.event_type} ${one.id}`),
    ]), "None failed."),
    list.length > 0 && h("div.row", {}, button("Send all again", async () => {
      if (!(await sure("Send all again?", "All that failed in the last thirty days is sent once more.", "Send all again"))) return;
      await api("POST", `${path}/redeliver`, {});
      await again();
      tell("They are on their way again.");
    })),
  ];
};

const tests = (stream, again) => (stream.status === "disabled" ? h("p.empty", {}, "The stream is off: nothing is sent.")
  : pick("Event", stream.subscriptions.map((one) => [one.event_type, one.event_type]), "Send a made-up event", async (event_type) => {
    await api("POST", at`/event-streams/${stream.id}/test`, { event_type });
    await again();
    tell("It is on its way.");
  }));

export const eventStreams = {
  path: "event-streams", key: "eventStreams", one: "event stream", many: "Event streams", id: "id", title: (s) => s.name,
  explain: "What happens to users, organizations and groups, sent elsewhere as it happens.",
  columns: { To: (s) => destinations[s.destination.type] ?? s.destination.type, Status: (s) => (s.status === "disabled" ? badge("off") : badge("sends", "good")) },
  create: newStream, made: madeStream,
  facts: (s) => [
    ["ID", copyable(s.id)], ["To", destinations[s.destination.type]], ["Address", s.destination.configuration.webhook_endpoint],
    ["Action", s.destination.configuration.action_id && h("a", { href: at`#/actions/${s.destination.configuration.action_id}` }, s.destination.configuration.action_id)],
  ],
  fields: { name: ["text", "Name", { required: true }], status: ["select", "Status", { options: [["enabled", "sends"], ["disabled", "off"]] }] },
  parts: [["Events", subscriptionsOf], ["What became of them", statistics], ["Failed deliveries", failuresOf], ["Try it", tests]],
  loss: "What waits to be delivered, and what failed, is deleted with it.",
};
