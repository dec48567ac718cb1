// Streams: what is told elsewhere as it happens, lines of the log or events.
import { badge, copyable } from "./parts.js";

export const logStreams = {
  path: "log-streams", one: "log stream", many: "Log streams", id: "id", title: (l) => l.name,
  explain: "Where the log is sent.",
  columns: { Kind: (l) => l.type, Status: (l) => badge(l.status, l.status === "active" ? "good" : undefined) },
  create: {
    name: ["text", "Name", { required: true }],
    type: ["select", "Kind", { options: [["http", "Webhook"], ["datadog", "Datadog"], ["splunk", "Splunk"], ["sumo", "Sumo Logic"], ["segment", "Segment"], ["mixpanel", "Mixpanel"]] }],
    sink: ["json", "Sink", { first: { httpEndpoint: "https://logs.example.com/in", httpContentFormat: "JSONLINES", httpContentType: "application/json", httpAuthorization: "" }, rows: 10 }],
  },
  facts: (l) => [["ID", copyable(l.id)], ["Kind", l.type], ["Status", l.status]],
  fields: { name: ["text", "Name", { required: true }], status: ["select", "Status", { options: ["active", "paused"] }] },
  fixed: ["type"],
};
