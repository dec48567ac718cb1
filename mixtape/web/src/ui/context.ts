import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { App } from '../app';
import type { Translate } from '../texts';

/** The app and the listener's language, within reach of every component. */
export const Surroundings = createContext<{ app: App; t: Translate }>(undefined!);

export function useApp(): { app: App; t: Translate } {
  return useContext(Surroundings);
}
