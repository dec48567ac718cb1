import type { Config } from './config';
import { isObject } from './jwt';
import type { SessionState } from './session';

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'en' | 'de';

/** The preferences kept in `user_metadata`, each a key of the first level. */
export interface Preferences {
  displayName: string;
  theme: Theme;
  language: Language;
  autoplay: boolean;
  explicitFilter: boolean;
}

/** The listener as the ID token tells. What the screens show comes from here; rights are the API's business. */
export interface Listener extends Preferences {
  sub: string;
  email: string;
  plan: string;
  roles: string[];
  editor: boolean;
}

export function listener(config: Config, state: SessionState): Listener {
  const claims = state.idToken?.claims ?? {};
  const claim = (name: string) => claims[config.claim_namespace + name];
  const metadata = isObject(claim('user_metadata')) ? (claim('user_metadata') as Record<string, unknown>) : {};
  const roles = Array.isArray(claim('roles')) ? (claim('roles') as unknown[]).map(String) : [];
  return {
    ...preferences(metadata),
    sub: String(claims.sub ?? ''),
    email: String(claims.email ?? ''),
    plan: String(claim('plan') ?? 'free'),
    roles,
    editor: roles.includes('playlist_editor'),
  };
}

/** The name of who has not chosen one; a rule of the tenant gives it. */
export const nameless = 'user';

/** Reads preferences out of metadata that anybody may have written: what does not fit is the default. */
export function preferences(metadata: Record<string, unknown>): Preferences {
  const { displayName, theme, language, autoplay, explicitFilter } = metadata;
  return {
    displayName: typeof displayName === 'string' && displayName ? displayName : nameless,
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
    language: language === 'de' ? 'de' : 'en',
    autoplay: autoplay !== false,
    explicitFilter: explicitFilter === true,
  };
}
