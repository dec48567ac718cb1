import { h } from "./dom.js";
import { field, form } from "./form.js";
import { begin } from "./session.js";

// signIn asks for the credentials of a machine client.
export const signIn = (told, done) => {
  const fields = {
    id: field("text", "Client ID", "", { required: true, autocomplete: "username" }),
    secret: field("text", "Client secret", "", { required: true, type: "password", autocomplete: "current-password" }),
    keep: field("check", "Stay signed in when this page is reloaded", false, { hint: "The token then lies in this tab until you close it or sign out." }),
  };
  const body = form(fields, async ({ id, secret, keep }) => {
    await begin(id, secret, keep);
    done();
  }, "Sign in");
  body.classList.add("narrow");
  body.setAttribute("autocomplete", "on");
  return {
    title: "Sign in",
    focus: "input",
    body: [
      told && h("p.notice", { role: "status" }, told),
      h("p.lead", {}, "The dashboard does what a client of the Management API may do, with that client's credentials: those that ", h("code", {}, "stagedoor init"),
        " or ", h("code", {}, "stagedoor demo"), " printed, or new ones by ", h("code", {}, "stagedoor tenants credentials"), "."),
      body,
    ],
  };
};
