import { Api } from './api';
import type { Config } from './config';
import { Library } from './library';
import { listener, type Listener } from './listener';
import { Player } from './player';
import { Record } from './record';
import { createSession, type Session, type Trip } from './session';
import { createStore, useStore } from './store';

/** Everything the screens work with, made once. */
export interface App {
  config: Config;
  session: Session;
  api: Api;
  record: Record;
  library: Library;
  player: Player;
  /** What came back from the login page and a screen has yet to finish. */
  trip: { get(): { draft?: Trip['draft'] }; set(change: { draft?: Trip['draft'] }): void };
}

export function createApp(config: Config): App {
  const session = createSession(config);
  const api = new Api(config.api_url, session);
  const library = new Library(api);
  const player = new Player(api, (song, plays) => library.played(song, plays), (song) => library.freshSong(song));
  return { config, session, api, record: new Record(config, session), library, player, trip: createStore<{ draft?: Trip['draft'] }>({}) };
}

/** The listener, as the current ID token tells. */
export function useListener(app: App): Listener {
  return listener(app.config, useStore(app.session.state));
}
