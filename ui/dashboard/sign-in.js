import { h } from "./dom.js";
import { field, form } from "./form.js";
import { begin, leave, provider } from "./session.js";

const stays = () => field("check", "Stay signed in when this page is reloaded", false, { hint: "The token then lies in this tab until you close it or sign out." });

// byProvider leads to the provider of the operator's, where administrators have accounts of their own.
const byProvider = () => {
  const body = form({ keep: stays() }, ({ keep }) => leave(keep), `Sign in at ${provider}`);
  body.classList.add("narrow");
  return [h("p.lead", {}, `Administrators have accounts of their own at ${provider}. Whoever runs this server says who may look after it here.`), body];
};

// byCredentials asks for the credentials of a machine client.
const byCredentials = (done) => {
  const fields = {
    id: field("text", "Client ID", "", { required: true, autocomplete: "username" }),
    secret: field("text", "Client secret", "", { required: true, type: "password", autocomplete: "current-password" }),
    keep: stays(),
  };
  const body = form(fields, async ({ id, secret, keep }) => {
    await begin(id, secret, keep);
    done();
  }, "Sign in");
  body.classList.add("narrow");
  body.setAttribute("autocomplete", "on");
  return [
    h("p.lead", {}, "The dashboard does what a client of the Management API may do, with that client's credentials: those that ", h("code", {}, "stagedoor init"),
      " or ", h("code", {}, "stagedoor demo"), " printed, or new ones by ", h("code", {}, "stagedoor tenants credentials"), "."),
    body,
  ];
};

// signIn is the page for those who are not signed in. told says why they are here.
export const signIn = (told, done) => {
  const [lead, credentials] = byCredentials(done);
  const ways = provider
    ? [...byProvider(), h("details", {}, h("summary", {}, "Sign in with the credentials of a machine client"), lead, credentials)]
    : [lead, credentials];
  return { title: "Sign in", focus: provider ? "button.primary" : "input", body: [told && h("p.notice", { role: "status" }, told), ...ways] };
};
