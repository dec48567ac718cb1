import type { Api, Song } from './api';
import { createStore } from './store';

export interface PlayerState {
  queue: Song[];
  /** Place of the current song in the queue, -1 when nothing was chosen yet. */
  index: number;
  playing: boolean;
  /** Seconds. */
  position: number;
  duration: number;
  problem?: string;
}

/** One audio element, the queue it plays through, and the keys of the operating system. */
export class Player {
  readonly state = createStore<PlayerState>({ queue: [], index: -1, playing: false, position: 0, duration: 0 });
  /** Goes on to the next song by itself. A preference of the listener. */
  autoplay = true;
  private readonly audio = new Audio();
  /** Names the running start of a song, so that the API counts it once whatever is sent twice. */
  private start: { id: string; counted: boolean } | undefined;
  private retried = false;

  constructor(
    private readonly api: Api,
    private readonly counted: (song: Song, plays: number) => void,
    private readonly freshSong: (song: Song) => Promise<Song | undefined>,
  ) {
    const { audio, state } = this;
    audio.preload = 'auto';
    audio.addEventListener('playing', () => {
      state.set({ playing: true, problem: undefined });
      this.retried = false;
      void this.count();
    });
    audio.addEventListener('pause', () => state.set({ playing: false }));
    audio.addEventListener('timeupdate', () => this.moved());
    audio.addEventListener('durationchange', () => this.moved());
    audio.addEventListener('ended', () => this.ended());
    audio.addEventListener('error', () => void this.broken());
    this.listenToKeys();
  }

  get song(): Song | undefined {
    const { queue, index } = this.state.get();
    return queue[index];
  }

  /** Starts a song of a list; the rest of the list follows. */
  play(queue: Song[], index: number): void {
    const song = queue[index];
    if (!song) return;
    this.start = { id: crypto.randomUUID(), counted: false };
    this.retried = false;
    this.state.set({ queue, index, position: 0, duration: song.seconds, problem: undefined });
    this.load(song);
  }

  /** Pauses or goes on; a song that ran to its end starts anew and counts anew. */
  toggle(): void {
    const { queue, index } = this.state.get();
    if (!this.song) return;
    if (this.audio.ended) this.play(queue, index);
    else if (this.audio.paused) void this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  /** Moves by one song, round the ends of the queue. Early in a song, back means the song before. */
  step(by: 1 | -1): void {
    const { queue, index } = this.state.get();
    if (!queue.length) return;
    if (by === -1 && this.audio.currentTime > 3) return this.seek(0);
    this.play(queue, (index + by + queue.length) % queue.length);
  }

  seek(seconds: number): void {
    this.audio.currentTime = seconds;
    this.moved();
  }

  stop(): void {
    this.audio.pause();
    this.audio.removeAttribute('src');
    this.state.set({ queue: [], index: -1, playing: false, position: 0 });
  }

  private load(song: Song): void {
    this.audio.src = this.api.audio(song);
    this.describe(song);
    void this.audio.play().catch(() => this.state.set({ playing: false }));
  }

  private moved(): void {
    const duration = Number.isFinite(this.audio.duration) ? this.audio.duration : (this.song?.seconds ?? 0);
    const position = Math.min(this.audio.currentTime, duration);
    this.state.set({ position, duration });
    if (duration > 0) navigator.mediaSession?.setPositionState?.({ duration, position, playbackRate: 1 });
  }

  private ended(): void {
    const { queue, index } = this.state.get();
    this.state.set({ playing: false });
    if (this.autoplay && index + 1 < queue.length) this.play(queue, index + 1);
  }

  private async count(): Promise<void> {
    const { start, song } = this;
    if (!start || !song || start.counted) return;
    start.counted = true;
    try {
      this.counted(song, await this.api.countPlay(song.song_id, start.id));
    } catch {
      start.counted = false; // the same play_id is sent again when the song goes on playing
    }
  }

  /** An address of audio lives for a short time: ask for a fresh one once before giving up. */
  private async broken(): Promise<void> {
    const { song } = this;
    if (!song || !this.audio.hasAttribute('src')) return;
    const at = this.audio.currentTime;
    const fresh = this.retried ? undefined : await this.freshSong(song).catch(() => undefined);
    this.retried = true;
    if (this.song !== song) return;
    if (!fresh) {
      this.state.set({ playing: false, problem: song.songname });
      return;
    }
    this.load(fresh);
    if (at > 0) this.audio.currentTime = at;
  }

  private describe(song: Song): void {
    if (!('mediaSession' in navigator)) return;
    navigator.mediaSession.metadata = new MediaMetadata({
      title: song.songname,
      artist: song.artist,
      album: 'Mixtape',
      artwork: [{ src: '/icon-512.png', sizes: '512x512', type: 'image/png' }],
    });
  }

  private listenToKeys(): void {
    const keys = navigator.mediaSession;
    if (!keys) return;
    keys.setActionHandler('play', () => this.toggle());
    keys.setActionHandler('pause', () => this.toggle());
    keys.setActionHandler('nexttrack', () => this.step(1));
    keys.setActionHandler('previoustrack', () => this.step(-1));
    keys.setActionHandler('seekto', (detail) => detail.seekTime !== undefined && this.seek(detail.seekTime));
  }
}
