import { current, end } from "./session.js";
import { parse } from "./json.js";

// Problem is an answer that is none: what it says is for people.
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// at makes a path: what is put into it is one segment, or one value of the query, whatever characters it has.
export const at = (texts, ...values) => String.raw({ raw: texts }, ...values.map((value) => encodeURIComponent(value)));

// query makes the query of a path of what has a value.
export const query = (parameters) => {
  const q = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  return q.size ? `?${q}` : "";
};

const over = "Your session has ended. Sign in to go on.";

// api asks the Management API. A session that it does not know any more has ended.
export const api = async (method, path, body) => {
  if (!current()) {
    end(over);
    throw new Problem(401, over);
  }
  let answer;
  try {
    answer = await fetch(`/api/v2${path}`, {
      method,
      headers: { authorization: `Bearer ${current().token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
    });
  } catch {
    throw new Problem(0, "The server does not answer. Is it running, and is this device online?");
  }
  const text = await answer.text();
  if (answer.ok) return text ? parse(text) : null;
  let told = {};
  try {
    told = JSON.parse(text);
  } catch {
    // of a proxy, perhaps
  }
  if (answer.status === 401) end(over);
  throw new Problem(answer.status, told.message ?? `The server answered ${answer.status}.`);
};

// every reads a list to its end, page by page, up to a bound.
export const every = async (path, key, bound = 1000) => {
  const size = 50, all = [];
  for (let page = 0; all.length < bound; page++) {
    const got = await api("GET", `${path}${path.includes("?") ? "&" : "?"}per_page=${size}&page=${page}`); // with no totals: not all lists know them
    const list = Array.isArray(got) ? got : got[key];
    all.push(...list);
    if (list.length < size) break;
  }
  return all;
};

// kept asks for what may not be there yet: then it is null.
export const kept = async (path) => {
  try {
    return await api("GET", path);
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 404) return null;
    throw problem;
  }
};
