// JSON as it was: numbers that JavaScript cannot hold keep their digits.
const exact = (_, value, context) =>
  typeof value === "number" && context?.source && JSON.rawJSON && String(value) !== context.source ? JSON.rawJSON(context.source) : value;

export const parse = (text) => JSON.parse(text, exact);

export const print = (value) => JSON.stringify(value, null, 2);

// isObject tells a JSON object from everything else.
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !(JSON.isRawJSON?.(value));

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// changes are the members of an object that somebody changed, null for those taken away: what a PATCH needs, and no more, so that nobody else's
// changes of other members are lost.
export const changes = (before, after) => ({
  ...Object.fromEntries(Object.keys(before).filter((key) => !(key in after)).map((key) => [key, null])),
  ...Object.fromEntries(Object.entries(after).filter(([key, value]) => !same(before[key], value))),
});

// bytes are the bytes that a value takes as compact JSON.
export const bytes = (value) => new TextEncoder().encode(JSON.stringify(value)).length;
