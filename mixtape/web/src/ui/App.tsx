import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { App as TheApp } from '../app';
import { useListener } from '../app';
import { route } from '../router';
import { Genre } from '../screens/Genre';
import { Home } from '../screens/Home';
import { Hood } from '../screens/Hood';
import { LibraryScreen } from '../screens/Library';
import { Message } from '../screens/Message';
import { NowPlaying } from '../screens/NowPlaying';
import { PlaylistScreen } from '../screens/Playlist';
import { Playlists } from '../screens/Playlists';
import { Settings } from '../screens/Settings';
import { Welcome } from '../screens/Welcome';
import { useStore } from '../store';
import { translator, type TextKey } from '../texts';
import { Surroundings, useApp } from './context';
import { Icon } from './icons';
import { MiniPlayer } from './MiniPlayer';
import { Wordmark } from './Wordmark';

export function App({ app }: { app: TheApp }) {
  const listener = useListener(app);
  const { phase } = useStore(app.session.state);
  const language = phase === 'signed-in' ? listener.language : navigator.language.startsWith('de') ? 'de' : 'en';
  const t = useMemo(() => translator(language), [language]);

  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset.theme = listener.theme;
    for (const bar of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
      const device = bar.media.includes('dark') ? 'dark' : 'light';
      bar.content = barColours[listener.theme === 'system' ? device : listener.theme];
    }
  }, [listener.theme]);
  useEffect(() => {
    app.player.autoplay = listener.autoplay;
  }, [listener.autoplay]);

  return (
    <Surroundings.Provider value={{ app, t }}>
      {phase === 'signed-in' ? <SignedIn /> : phase === 'signed-out' ? <Welcome /> : <Message phase={phase} />}
    </Surroundings.Provider>
  );
}

/** What the browser's own bar is painted with: `--ground` of theme.css, as in index.html. */
const barColours = { light: '#fbf1e0', dark: '#17101f' };

const tabs: { path: string; text: TextKey; icon: Parameters<typeof Icon>[0]['name'] }[] = [
  { path: '/', text: 'home', icon: 'home' },
  { path: '/library', text: 'library', icon: 'library' },
  { path: '/playlists', text: 'playlists', icon: 'tape' },
  { path: '/settings', text: 'settings', icon: 'settings' },
  { path: '/hood', text: 'hoodShort', icon: 'hood' },
];

const titles: { [name: string]: TextKey } = {
  library: 'library', playlists: 'playlists', genre: 'genre', settings: 'settings', hood: 'hood', playing: 'nowPlaying',
};

function SignedIn() {
  const { app, t } = useApp();
  const { path } = useStore(route);
  const [name, id] = path.split('/').slice(1) as [string, string?];
  const main = useRef<HTMLElement>(null);
  const title = titles[name];

  useEffect(() => {
    void app.library.load();
  }, []);
  useEffect(() => {
    document.title = title ? `${t(title)} · Mixtape` : 'Mixtape';
    return () => void (document.title = 'Mixtape');
  }, [title, t]);
  const first = useRef(true);
  useEffect(() => {
    // A new screen is announced by moving the reading position to its start.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [path]);

  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), e.stopPropagation(), main.current?.focus())}>{t('skip')}</a>
      <header class="top">
        <a href="/" aria-label={`Mixtape, ${t('home')}`}><Wordmark /></a>
        <button class="quiet sign-out" data-testid="sign-out" onClick={() => (app.player.stop(), void app.session.signOut())}>
          <Icon name="out" /><span>{t('signOut')}</span>
        </button>
      </header>
      <nav class="tabs" aria-label={t('navigation')}>
        {tabs.map((tab) => (
          <a href={tab.path} data-testid={`tab-${tab.path.slice(1) || 'home'}`}
            aria-current={`/${name}` === tab.path || (name === 'genre' && tab.path === '/') ? 'page' : undefined}>
            <Icon name={tab.icon} />
            {tab.text === 'hoodShort' ? <><span class="short">{t('hoodShort')}</span><span class="long">{t('hood')}</span></> : <span>{t(tab.text)}</span>}
          </a>
        ))}
      </nav>
      <main id="main" ref={main} tabIndex={-1}>
        <Banners />
        {screen(name, id) ?? <><h1>{t('notFound')}</h1><p><a href="/">{t('home')}</a></p></>}
      </main>
      {name !== 'playing' && <MiniPlayer />}
    </div>
  );
}

function screen(name: string, id: string | undefined): ComponentChildren {
  switch (name) {
    case '': return <Home />;
    case 'library': return <LibraryScreen />;
    case 'playlists': return id ? <PlaylistScreen id={decoded(id)} key={id} /> : <Playlists />;
    case 'genre': return <Genre />;
    case 'settings': return <Settings />;
    case 'hood': return <Hood />;
    case 'playing': return <NowPlaying />;
  }
}

/** An id as it stands in a path; what is not well-formed is the id of nothing. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

/** Troubles that concern every screen. */
function Banners() {
  const { app, t } = useApp();
  const { interrupted, problem } = useStore(app.session.state);
  const { problem: data, loaded } = useStore(app.library.state);
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    addEventListener('online', look);
    addEventListener('offline', look);
    return () => (removeEventListener('online', look), removeEventListener('offline', look));
  }, []);
  return (
    <div class="banners" role="status">
      {!online && <p class="banner" data-testid="offline-banner"><Icon name="offline" />{t('offlineBar')}</p>}
      {problem && (
        <p class="banner" data-testid="session-problem">
          {problem}<button class="quiet" onClick={() => app.session.state.set({ problem: undefined })}>OK</button>
        </p>
      )}
      {interrupted && (
        <p class="banner" data-testid="session-interrupted">
          {t('interrupted')}
          <button data-testid="session-resume" onClick={() => void app.session.showPage('login', { returnTo: location.pathname })}>{t('resume')}</button>
        </p>
      )}
      {online && !interrupted && data && !loaded && (
        <p class="banner" data-testid="load-problem">
          {t('loadFailed', { message: data.message })}
          <button onClick={() => void app.library.load()}>{t('retry')}</button>
        </p>
      )}
    </div>
  );
}
