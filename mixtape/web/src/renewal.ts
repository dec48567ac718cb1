import { expiresAt, type Decoded } from './jwt';

/** How long before a token expires it is renewed: a minute, or a third of a shorter life. */
export function renewAt(token: Decoded): number {
  const life = expiresAt(token) - token.receivedAt;
  return expiresAt(token) - Math.min(60_000, life / 3);
}

/** Longest delay that browsers accept for a timer. */
const longest = 2 ** 31 - 1;

/**
 * Calls renew shortly before the current token expires. Timers sleep with the device, so the
 * moment is looked at again when the page becomes visible and when the network returns.
 */
export function keepFresh(current: () => Decoded | undefined, renew: () => Promise<unknown>): { reschedule(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;

  function reschedule() {
    clearTimeout(timer);
    const token = current();
    if (token) timer = setTimeout(look, Math.min(longest, Math.max(0, renewAt(token) - Date.now())));
  }

  async function look() {
    const token = current();
    if (!token || busy) return;
    if (Date.now() < renewAt(token)) return reschedule();
    if (!navigator.onLine) return; // the online event looks again
    busy = true;
    try {
      await renew();
    } finally {
      busy = false;
    }
    // A failed renewal leaves the old token in place: ask again later, not at once.
    if (current() === token) timer = setTimeout(look, 15_000);
    else reschedule();
  }

  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void look());
  addEventListener('online', () => void look());
  return { reschedule };
}
