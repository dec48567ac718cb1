// Second factors of a tenant: which there are, and who is asked for one.
import { h } from "./dom.js";
import { api, at } from "./api.js";
import { badge, button, table, tell } from "./parts.js";

const names = {
  otp: "Codes of an app", "push-notification": "Approval on a phone", sms: "Codes by text message", email: "Codes by mail", "recovery-code": "Recovery codes",
  "webauthn-roaming": "Security keys", "webauthn-platform": "Fingerprint or face of the device", duo: "Duo",
};

const policies = [["", "Nobody, unless code or the application asks"], ["confidence-score", "Who logs in unlike before"], ["all-applications", "Everybody, always"]];

export const secondFactors = async (again) => {
  const [factors, policy] = await Promise.all([api("GET", "/guardian/factors"), api("GET", "/guardian/policies")]);
  const choice = h("select", { "aria-label": "Who is asked" }, policies.map(([value, text]) => h("option", { value, selected: value === (policy[0] ?? "") }, text)));
  return [
    table("Second factors", ["Factor", "", ""], factors.map((f) => [names[f.name] ?? f.name, f.enabled ? badge("on", "good") : badge("off"), button(f.enabled ? "Switch off" : "Switch on", async () => {
      await api("PUT", at`/guardian/factors/${f.name}`, { enabled: !f.enabled });
      await again();
      tell(f.enabled ? "Switched off." : "Switched on.");
    }, "textual", names[f.name] ?? f.name)]), "None."),
    h("p.hint", {}, "Who is asked for one at the login:"),
    h("div.row", {}, choice, button("Ask them", async () => {
      await api("PUT", "/guardian/policies", choice.value ? [choice.value] : []);
      tell("Saved, for the next login.");
    })),
  ];
};
