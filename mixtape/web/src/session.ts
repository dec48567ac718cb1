import { Auth0Client, type GetTokenSilentlyOptions } from '@auth0/auth0-spa-js';
import type { Config } from './config';
import { decode, type Decoded } from './jwt';
import { keepFresh } from './renewal';
import { createStore, type Store } from './store';

declare const TOKEN_WORKER: string;

/** Scopes that let the listener's own token read and change the listener's own record. */
export const managementScope = 'openid profile email read:current_user update:current_user_metadata';

export type Phase = 'starting' | 'offline' | 'unreachable' | 'signed-out' | 'signed-in';

/** What is known about the listener. Tokens live in the SDK's memory; here are their readable sides. */
export interface SessionState {
  phase: Phase;
  idToken?: Decoded;
  apiToken?: Decoded;
  managementToken?: Decoded;
  /** The pair that the latest renewal replaced. */
  before?: { idToken: Decoded; apiToken: Decoded };
  /** Silent renewal said login_required while tokens were in use: the listener has to step in. */
  interrupted: boolean;
  /** What went wrong on the way through the login page, in the server's words. */
  problem?: string;
}

/** What survives a trip through the login page. */
export interface Trip {
  returnTo: string;
  /** Settings that were being saved when permission was missing. */
  draft?: Record<string, unknown>;
}

/** The Management API cannot be called yet: a page has to be shown first. */
export class NeedsPage extends Error {
  constructor(readonly reason: 'consent' | 'login') {
    super(reason === 'consent' ? 'consent_required' : 'login_required');
  }
}

export interface Session {
  state: Store<SessionState>;
  /** Finds the session again, or finishes a trip through the login page; the trip is returned. */
  start(): Promise<Trip | undefined>;
  signIn(): Promise<void>;
  signUp(): Promise<void>;
  signOut(): Promise<void>;
  /** The everyday access token, renewed silently when it is about to expire. */
  apiToken(): Promise<string>;
  /** The token for the listener's own record. Throws NeedsPage when the server must ask first. */
  managementToken(): Promise<string>;
  /** Replaces ID token and access token, so that what changed on the server is in them. */
  renew(): Promise<void>;
  /** Shows the page that NeedsPage asked for and comes back to the trip's screen. */
  showPage(reason: NeedsPage['reason'], trip: Trip): Promise<Trip | undefined>;
}

/**
 * Where renewal stands in this browser. The hidden frame is the rule; a browser that keeps the
 * login server's cookie from the frame is found out and served with rotating refresh tokens.
 */
const renewalKey = 'mixtape.renewal';
type Renewal = 'frame' | 'suspected' | 'refused';

export function createSession(config: Config): Session {
  const state = createStore<SessionState>({ phase: 'starting', interrupted: false });
  const management: GetTokenSilentlyOptions = {
    authorizationParams: { audience: config.management_audience, scope: managementScope },
  };
  let client = newClient(renewal());
  const timer = keepFresh(
    () => (state.get().interrupted ? undefined : state.get().apiToken),
    () => renew().catch(() => {}),
  );

  function renewal(): Renewal {
    return (localStorage.getItem(renewalKey) as Renewal | null) ?? 'frame';
  }

  function setRenewal(how: Renewal): void {
    if (how === 'frame') localStorage.removeItem(renewalKey);
    else localStorage.setItem(renewalKey, how);
    client = newClient(how);
  }

  function newClient(how: Renewal): Auth0Client {
    return new Auth0Client({
      domain: config.domain,
      clientId: config.client_id,
      useRefreshTokens: config.use_refresh_tokens || how !== 'frame',
      useRefreshTokensFallback: how === 'frame', // a frame known to fail would only end the session
      workerUrl: TOKEN_WORKER,
      authorizeTimeoutInSeconds: 15,
      sessionCheckExpiryDays: 7,
      authorizationParams: { redirect_uri: location.origin, audience: config.audience },
    });
  }

  /** Takes note of the tokens that the SDK holds now, if they are not the ones already known. */
  async function adopt(access: string): Promise<void> {
    const known = state.get();
    const idToken = newer(known.idToken, (await client.getIdTokenClaims())?.__raw);
    const apiToken = newer(known.apiToken, access);
    if (!idToken || !apiToken) throw new Error('The login server sent tokens that this app cannot read.');
    if (known.phase === 'signed-in' && !known.interrupted && idToken === known.idToken && apiToken === known.apiToken) return;
    const replaced = known.idToken && known.apiToken && apiToken !== known.apiToken;
    const before = replaced ? { idToken: known.idToken!, apiToken: known.apiToken! } : known.before;
    state.set({ phase: 'signed-in', interrupted: false, idToken, apiToken, before });
    timer.reschedule();
  }

  /** Turns "no longer signed in" into a request to step in, and passes every error on. */
  function failed(error: unknown): never {
    const code = (error as { error?: string }).error;
    if (state.get().phase === 'signed-in' && (code === 'login_required' || code === 'missing_refresh_token' || code === 'invalid_grant')) {
      state.set({ interrupted: true });
    }
    throw error;
  }

  async function silently(options?: GetTokenSilentlyOptions): Promise<string> {
    const access = await client.getTokenSilently(options);
    if (!access) throw new Error('The login server sent no access token.');
    return access;
  }

  async function apiToken(): Promise<string> {
    try {
      const access = await silently();
      await adopt(access);
      return access;
    } catch (error) {
      return failed(error);
    }
  }

  async function renew(): Promise<void> {
    try {
      await adopt(await silently({ cacheMode: 'off' }));
    } catch (error) {
      failed(error);
    }
  }

  async function managementToken(): Promise<string> {
    try {
      const access = await silently(management);
      const known = state.get().managementToken;
      const managementToken = newer(known, access);
      if (managementToken !== known) state.set({ managementToken });
      return access;
    } catch (error) {
      const code = (error as { error?: string }).error;
      if (code === 'consent_required' || code === 'interaction_required' || code === 'missing_refresh_token') throw new NeedsPage('consent');
      if (code === 'login_required') {
        state.set({ interrupted: true });
        throw new NeedsPage('login');
      }
      throw error;
    }
  }

  async function showPage(reason: NeedsPage['reason'], trip: Trip): Promise<Trip | undefined> {
    if (reason === 'login') {
      setRenewal('suspected');
      await client.loginWithRedirect({ appState: trip });
    } else if (renewal() === 'frame') {
      await client.loginWithRedirect({ ...management, appState: trip });
    } else {
      // Without the frame, leaving the page would lose the other token: ask in a window beside it.
      await client.loginWithPopup(management);
      return trip;
    }
    return new Promise(() => {}); // the page is being left
  }

  /**
   * After a suspicious login_required the listener signed in again. One look through the frame
   * tells whether the session had really ended or the cookie does not reach the frame.
   */
  async function settleSuspicion(): Promise<void> {
    const frame = newClient('frame');
    try {
      await frame.getTokenSilently({ cacheMode: 'off' });
      setRenewal('frame');
      client = frame;
    } catch {
      localStorage.setItem(renewalKey, 'refused' satisfies Renewal);
    }
  }

  async function start(): Promise<Trip | undefined> {
    if (!navigator.onLine) {
      state.set({ phase: 'offline' });
      return;
    }
    const query = new URLSearchParams(location.search);
    if (query.has('state') && (query.has('code') || query.has('error'))) return finishTrip();
    // The SDK's own mark, the one that checkSession goes by: no mark, no question to the server.
    if (!document.cookie.includes(`auth0.${config.client_id}.is.authenticated`)) {
      state.set({ phase: 'signed-out' });
      return;
    }
    if (renewal() !== 'frame') return lookFromTheTop();
    try {
      await apiToken();
    } catch (error) {
      if ((error as { error?: string }).error === 'login_required') return lookFromTheTop();
      settle(error);
    }
  }

  /** Asks as a whole page, which the cookie always reaches, and still shows none (prompt=none). */
  async function lookFromTheTop(): Promise<Trip | undefined> {
    setRenewal('refused');
    await client.loginWithRedirect({
      authorizationParams: { prompt: 'none' },
      appState: { returnTo: location.pathname } satisfies Trip,
    });
    return new Promise(() => {});
  }

  async function finishTrip(): Promise<Trip | undefined> {
    let trip: Trip | undefined;
    try {
      trip = (await client.handleRedirectCallback<Trip>()).appState;
    } catch (error) {
      const { error: code, error_description: text, appState } = error as { error?: string; error_description?: string; appState?: Trip };
      history.replaceState(null, '', '/');
      if (code === 'login_required') {
        setRenewal('frame');
        await client.logout({ openUrl: false });
        state.set({ phase: 'signed-out' });
        return;
      }
      if (code !== 'missing_transaction' && code !== 'state_mismatch') state.set({ problem: text || (error as Error).message });
      trip = appState && { returnTo: appState.returnTo };
    }
    history.replaceState(null, '', trip?.returnTo ?? '/');
    if (renewal() === 'suspected') await settleSuspicion();
    try {
      await apiToken();
    } catch (error) {
      settle(error);
    }
    return trip;
  }

  /** Chooses what to show when the session could not be found. */
  function settle(error: unknown): void {
    const code = (error as { error?: string }).error;
    const silence = code === 'timeout' || error instanceof TypeError || (error as Error).message === 'Failed to fetch';
    state.set({ phase: silence ? 'unreachable' : 'signed-out' });
  }

  const home = { appState: { returnTo: '/' } satisfies Trip };
  return {
    state,
    start,
    apiToken,
    managementToken,
    renew,
    showPage,
    signIn: () => client.loginWithRedirect(home),
    signUp: () => client.loginWithRedirect({ ...home, authorizationParams: { screen_hint: 'signup' } }),
    signOut: async () => {
      localStorage.removeItem(renewalKey);
      await client.logout({ logoutParams: { returnTo: location.origin } });
    },
  };
}

/** The known token if it is still the same one, so that its moment of receipt is kept. */
function newer(known: Decoded | undefined, raw: string | undefined): Decoded | undefined {
  const decoded = decode(raw);
  return known && JSON.stringify(known.claims) === JSON.stringify(decoded?.claims) ? known : decoded;
}
