// The session is a token of the Management API, got with the credentials of a machine client. It lies in memory, and in the tab's own storage if its
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

// begin gets a token for a client's credentials. It throws an Error for people.
export const begin = async (id, secret, keep) => {
  let answer, told;
  try {
    answer = await fetch("/oauth/token", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ grant_type: "client_credentials", client_id: id, client_secret: secret, audience: `${location.origin}/api/v2/` }),
      cache: "no-store",
      credentials: "omit",
    });
    told = await answer.json();
  } catch {
    throw new Error("The server does not answer. Is it running, and is this device online?");
  }
  if (!answer.ok) throw new Error(reasons[told.error] ?? told.error_description ?? `The server answered ${answer.status}.`);
  session = { token: told.access_token, expires: Date.now() + told.expires_in * 1000 };
  if (keep) sessionStorage.setItem(key, JSON.stringify(session));
};

const reasons = {
  access_denied: "The client ID or the secret is wrong, or the client may not use the Management API.",
  invalid_client: "The client ID or the secret is wrong.",
  unauthorized_client: "This client may not sign in with a secret alone: it needs the grant type client_credentials.",
};
