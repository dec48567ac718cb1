// Custom domains: under which names a tenant answers beside its canonical one.
import { h, when } from "./dom.js";
import { api, at } from "./api.js";
import { badge, button, copyable, facts, tell } from "./parts.js";

const types = { auth0_managed_certs: "fetched by the server", self_managed_certs: "mine: I set it, here or at a proxy" };

const path = (domain, rest = "") => at`/custom-domains/${domain.custom_domain_id}` + rest;

const state = (domain) => (domain.status === "ready" ? badge("ready", "good") : badge("not proved yet"));

const leads = (domain) => (domain.status === "ready" ? "links lead to it" : "links lead to it once it is proved");

// record is what the DNS must have, and what a look at it said.
const record = (domain, again) => {
  const { methods: [method], last_verified_at, error_msg } = domain.verification;
  return [
    domain.status !== "ready" && h("p", {}, "Put this record into the DNS, then let it be looked for. It may take a while until everybody sees it."),
    facts([["Record", method.name], ["Name", copyable(method.domain)], ["Value", copyable(method.record)], ["Looked at", last_verified_at && when(last_verified_at)]]),
    error_msg && domain.status !== "ready" && h("p.problem", {}, error_msg),
    h("div.row", {}, button("Look for the record", async () => {
      const seen = await api("POST", path(domain, "/verify"));
      await again();
      tell(seen.status === "ready" ? "The domain is ready." : "The record is not there yet.");
    })),
  ];
};

// use says whether the domain answers, and whether links lead to it.
const use = (domain, again) => {
  const told = h("p", { role: "status" });
  return [
    h("p", {}, "Links in mails that a page has caused lead to the domain of that page. What the Management API causes leads to the default domain."),
    h("div.row", {},
      button("Ask the domain who it is", async () => {
        const answer = await api("POST", path(domain, "/test"));
        told.replaceChildren(badge(answer.success ? "answers" : "does not answer", answer.success ? "good" : "bad"), " ", answer.message);
      }),
      button(domain.is_default ? "Let it be the default no more" : "Make it the default", async () => {
        await api("PATCH", path(domain), { is_default: !domain.is_default });
        await again();
        tell(domain.is_default ? "Links lead to the canonical domain again." : `Default: ${leads(domain)}.`);
      })),
    told,
  ];
};

export const domains = {
  path: "custom-domains", whole: true, one: "domain", many: "Domains", id: "custom_domain_id", title: (d) => d.domain, none: "There is the canonical domain alone.",
  explain: "Names under which this tenant answers, beside its canonical one. Under each, the issuer, cookies and passkeys are of that domain.",
  columns: { State: state, "-Default": (d) => (d.is_default ? "yes" : "no") },
  create: {
    domain: ["text", "Domain", { required: true, hint: "Such as login.example.com." }],
    type: ["select", "Certificate", { options: Object.entries(types), hint: "The server fetches one where it has been told to (--acme-hosts)." }],
  },
  facts: (d) => [["State", state(d)], ["Default", d.is_default ? `yes: ${leads(d)}` : "no"], ["Certificate", types[d.type]]],
  parts: [["What the DNS must have", record], ["Use", use]],
  fixed: ["custom_domain_id", "domain", "primary", "status", "type", "verification", "origin_domain_name"], loss: "The tenant does not answer under it any more.",
};
