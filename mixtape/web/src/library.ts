import type { Api, Playlist, Song } from './api';
import { createStore } from './store';

export interface LibraryState {
  loaded: boolean;
  songs: Song[];
  playlists: Playlist[];
  featured: Playlist[];
  genres: string[];
  favGenre: string;
  problem?: Error;
}

/** The songs that the listener wants to hear of these. */
export function wanted(songs: Song[], listener: { explicitFilter: boolean }): Song[] {
  return listener.explicitFilter ? songs.filter((song) => !song.explicit) : songs;
}

/** Mixtape's data as last seen, and the ways to change them. */
export class Library {
  readonly state = createStore<LibraryState>({ loaded: false, songs: [], playlists: [], featured: [], genres: [], favGenre: '' });

  constructor(private readonly api: Api) {}

  async load(): Promise<void> {
    try {
      const [songs, playlists, featured, genres, favGenre] = await Promise.all([
        this.api.songs(),
        this.api.playlists(),
        this.api.featured(),
        this.api.genres(),
        this.api.favGenre(),
      ]);
      this.state.set({ loaded: true, songs, playlists, featured, genres, favGenre: favGenre.trim(), problem: undefined });
    } catch (problem) {
      this.state.set({ problem: problem as Error });
    }
  }

  /** Asks for the songs again, mainly for fresh addresses of their audio, and gives back one of them. */
  async freshSong(song: Song): Promise<Song | undefined> {
    const songs = await this.api.songs();
    this.state.set({ songs });
    return songs.find((one) => one.song_id === song.song_id);
  }

  played(song: Song, plays: number): void {
    const songs = this.state.get().songs.map((one) => (one.song_id === song.song_id ? { ...one, plays } : one));
    this.state.set({ songs });
    void this.reloadPlaylists().catch(() => {}); // their plays have grown as well
  }

  find(id: string): Playlist | undefined {
    const { playlists, featured } = this.state.get();
    return featured.find((list) => list.playlist_id === id) ?? playlists.find((list) => list.playlist_id === id);
  }

  songsOf(list: Playlist): Song[] {
    const { songs } = this.state.get();
    return list.songs.flatMap((id) => songs.find((song) => song.song_id === id) ?? []);
  }

  async create(name: string, songs: string[]): Promise<void> {
    await this.api.createPlaylist({ name, songs });
    await this.reloadPlaylists();
  }

  async change(list: Playlist, change: { name: string; songs: string[] }): Promise<void> {
    await this.api.changePlaylist(list, change);
    await this.reloadPlaylists();
  }

  async remove(list: Playlist): Promise<void> {
    await this.api.deletePlaylist(list);
    await this.reloadPlaylists();
  }

  async chooseGenre(genre: string): Promise<void> {
    await this.api.setFavGenre(genre);
    this.state.set({ favGenre: genre });
  }

  private async reloadPlaylists(): Promise<void> {
    const [playlists, featured] = await Promise.all([this.api.playlists(), this.api.featured()]);
    this.state.set({ playlists, featured });
  }
}
