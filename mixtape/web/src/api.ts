import type { Session } from './session';

export interface Song {
  song_id: string;
  songname: string;
  user_id: string;
  artist: string;
  genre: string;
  seconds: number;
  plays: number;
  audio_url: string;
  explicit?: boolean;
}

export interface Playlist {
  playlist_id: string;
  name: string;
  user_id: string;
  featured: boolean;
  songs: string[];
  plays: number;
}

/** An answer other than success, with the code and the words of whoever answered. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

/** Mixtape's own API. Every call carries the listener's access token; the API decides by it. */
export class Api {
  constructor(private readonly base: string, private readonly session: Session) {}

  genres = async () => (await this.json<{ genres: string[] }>('GET', '/genres')).genres;
  favGenre = () => this.text('GET', '/genres/getFav');
  setFavGenre = (genre: string) => this.text('PUT', '/genres/fav', { genre });

  songs = () => this.json<Song[]>('GET', '/songs');
  countPlay = async (song: string, play: string) =>
    (await this.json<{ plays: number }>('POST', `/songs/${encodeURIComponent(song)}/play`, { play_id: play })).plays;
  audio = (song: Song) => new URL(song.audio_url, this.base + '/').href;

  playlists = () => this.json<Playlist[]>('GET', '/playlists');
  featured = () => this.json<Playlist[]>('GET', '/playlists/featured');
  createPlaylist = (list: Pick<Playlist, 'name' | 'songs'>) => this.text('POST', '/playlists', list);
  changePlaylist = (list: Playlist, change: Partial<Pick<Playlist, 'name' | 'songs'>>) =>
    this.text('PATCH', `/playlists/${list.featured ? 'featured/' : ''}${encodeURIComponent(list.playlist_id)}`, change);
  deletePlaylist = (list: Playlist) => this.text('DELETE', `/playlists/${encodeURIComponent(list.playlist_id)}`);

  setDisplayName = (displayName: string) => this.text('PUT', '/displayName', { displayName });

  /** Sends a request as it is and gives back status and body, whatever they are. */
  async raw(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await send(this.base + path, await this.session.apiToken(), method, body);
    return { status: answer.status, body: await answer.text() };
  }

  private async text(method: string, path: string, body?: unknown): Promise<string> {
    let answer = await send(this.base + path, await this.session.apiToken(), method, body);
    if (answer.status === 401) {
      await this.session.renew(); // the token may have died early: one new one, then the answer stands
      answer = await send(this.base + path, await this.session.apiToken(), method, body);
    }
    return expectSuccess(answer);
  }

  private async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse(await this.text(method, path, body)) as T;
  }
}

export interface Answer {
  status: number;
  body: string;
}

/** Sends one JSON request with a bearer token. */
export function send(url: string, token: string, method: string, body?: unknown): Promise<Response> {
  return fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

/** The body of a successful answer; any other answer becomes an ApiError. */
export async function expectSuccess(answer: Response): Promise<string> {
  const text = await answer.text();
  if (answer.ok) return text;
  let parsed: { error?: string; errorCode?: string; message?: string } = {};
  try {
    parsed = JSON.parse(text);
  } catch {
    // not JSON: the status has to speak for itself
  }
  throw new ApiError(answer.status, parsed.errorCode ?? parsed.error ?? String(answer.status), parsed.message ?? (text || answer.statusText));
}
