// The session is a token of the Management API, got with the credentials of a machine client or by a login at the operator's provider. It lies in memory, and in the tab's own storage if its
// owner wants it to outlive a reload; the secret lies nowhere.
const key = "stagedoor.dashboard";

let session = null;
let ended = () => {};

const read = () => {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
};

// current is the session, null if nobody is signed in.
export const current = () => {
  session ??= read();
  if (session && session.expires <= Date.now()) session = null;
  return session;
};

// onEnd says what is to happen when the session ends.
export const onEnd = (fn) => {
  ended = fn;
};

// end forgets the session, and says why.
export const end = (why) => {
  session = null;
  sessionStorage.removeItem(key);
  ended(why);
};

// provider is the host at which administrators sign in; undefined if there is none.
export const provider = document.querySelector("meta[name=stagedoor-provider]")?.content;

// ask posts something for a token. It throws an Error for people.
const ask = async (address, body, credentials) => {
  let answer, told;
  try {
    answer = await fetch(address, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), cache: "no-store", credentials });
    told = await answer.json();
  } catch {
    throw new Error("The server does not answer. Is it running, and is this device online?");
  }
  if (answer.ok) return { token: told.access_token, expires: Date.now() + told.expires_in * 1000, name: told.name };
  throw Object.assign(new Error(told.error_description ?? `The server answered ${answer.status}.`), { code: told.error });
};

// begin gets a token for a client's credentials.
export const begin = async (id, secret, keep) => {
  try {
    session = await ask("/oauth/token", { grant_type: "client_credentials", client_id: id, client_secret: secret, audience: `${location.origin}/api/v2/` }, "omit");
  } catch (problem) {
    throw new Error(reasons[problem.code] ?? problem.message);
  }
  if (keep) sessionStorage.setItem(key, JSON.stringify(session));
};

// leave goes to the provider, from which people come back to the page that they left.
export const leave = (keep) => {
  sessionStorage.setItem(key + ".back", JSON.stringify({ keep, hash: location.hash }));
  location.assign("sign-in");
};

// comeBack gets a token for what the provider put into the address, if it did, and takes it out of there.
export const comeBack = async () => {
  const given = new URLSearchParams(location.search);
  if (!given.has("state")) return;
  const { keep, hash } = JSON.parse(sessionStorage.getItem(key + ".back")) ?? {};
  sessionStorage.removeItem(key + ".back");
  history.replaceState(null, "", location.pathname + (hash ?? ""));
  const answer = {};
  for (const name of ["code", "state", "iss", "error", "error_description"]) if (given.has(name)) answer[name] = given.get(name);
  session = await ask("token", answer, "same-origin");
  if (keep) sessionStorage.setItem(key, JSON.stringify(session));
};

const reasons = {
  access_denied: "The client ID or the secret is wrong, or the client may not use the Management API.",
  invalid_client: "The client ID or the secret is wrong.",
  unauthorized_client: "This client may not sign in with a secret alone: it needs the grant type client_credentials.",
};
