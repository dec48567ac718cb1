import type { Song } from '../api';
import { useListener } from '../app';
import { wanted } from '../library';
import { useStore } from '../store';
import { useApp } from './context';
import { Cover } from './Cover';
import { clock, plays } from './format';
import { Icon } from './icons';

/** Songs as rows; each starts itself and the rest of the list follows. */
export function SongList({ songs }: { songs: Song[] }) {
  const { app, t } = useApp();
  const { playing } = useStore(app.player.state);
  const current = app.player.song?.song_id;
  const shown = wanted(songs, useListener(app));
  return (
    <ol class="songs">
      {shown.map((song, index) => {
        const active = song.song_id === current;
        return (
          <li key={song.song_id} class={active ? 'song active' : 'song'} data-testid="song-row" data-song-id={song.song_id}>
            <button class="song-play" data-testid="play-button"
              aria-label={t(active && playing ? 'pauseSong' : 'playSong', { song: song.songname, artist: song.artist })}
              onClick={() => (active ? app.player.toggle() : app.player.play(shown, index))}>
              <Cover id={song.song_id} />
              <span class="song-glyph"><Icon name={active && playing ? 'pause' : 'play'} /></span>
            </button>
            <span class="two">
              <strong>{song.songname}</strong>
              <span>{song.artist} <i>·</i> {song.genre}</span>
            </span>
            <span class="song-numbers">
              <span class="song-plays" data-testid="plays-count" data-plays={song.plays}>{plays(t, song.plays)}</span>
              <span class="time">{clock(song.seconds)}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
