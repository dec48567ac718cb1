export type Claims = Record<string, unknown>;

/** A token's readable side. The app only shows it: whoever receives a token verifies it. */
export interface Decoded {
  claims: Claims;
  /** When this browser received it, in milliseconds since 1970. */
  receivedAt: number;
}

/** Reads the claims of a JSON Web Token (RFC 7519), or undefined when the token is opaque. */
export function decode(token: string | undefined, receivedAt = Date.now()): Decoded | undefined {
  const payload = token?.split('.')[1];
  if (!payload) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    return { claims: JSON.parse(new TextDecoder().decode(bytes)), receivedAt };
  } catch {
    return undefined;
  }
}

/**
 * When the token expires by this browser's clock, in milliseconds. The lifetime is counted from
 * the moment of receipt, so that a clock which differs from the server's does no harm.
 */
export function expiresAt(token: Decoded): number {
  const { exp, iat } = token.claims;
  if (typeof exp !== 'number') return Infinity;
  return typeof iat === 'number' ? token.receivedAt + (exp - iat) * 1000 : exp * 1000;
}

/** One claim that differs between two tokens. */
export interface Difference {
  name: string;
  before: unknown;
  after: unknown;
}

/** Claims that differ in every token and say nothing about the listener. */
const bookkeeping = new Set(['iat', 'exp', 'nonce', 'sid', 'jti', 'at_hash', 'c_hash', 'updated_at', 'auth_time']);

/** Compares two sets of claims, one level into objects, so that a single preference is one line. */
export function compare(before: Claims, after: Claims, prefix = ''): Difference[] {
  const found: Difference[] = [];
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!prefix && bookkeeping.has(name)) continue;
    const [a, b] = [before[name], after[name]];
    if (JSON.stringify(a) === JSON.stringify(b)) continue;
    if (!prefix && isObject(a ?? {}) && isObject(b ?? {})) {
      found.push(...compare((a ?? {}) as Claims, (b ?? {}) as Claims, `${name}.`));
    } else {
      found.push({ name: prefix + name, before: a, after: b });
    }
  }
  return found;
}

export function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
