import { useState } from 'preact/hooks';
import { useListener } from '../app';
import { wanted } from '../library';
import { useStore } from '../store';
import { useApp } from '../ui/context';
import { Icon } from '../ui/icons';
import { SongList } from '../ui/SongList';
import { songCount } from '../ui/format';

/** Every song the listener may play, to be searched and narrowed by genre. */
export function LibraryScreen() {
  const { app, t } = useApp();
  const { loaded, songs } = useStore(app.library.state);
  const [query, setQuery] = useState('');
  const [genre, setGenre] = useState('');
  const genres = [...new Set(songs.map((song) => song.genre))].sort();
  const words = query.trim().toLowerCase();
  const found = wanted(songs, useListener(app)).filter(
    (song) => (!genre || song.genre === genre) && `${song.songname} ${song.artist} ${song.genre}`.toLowerCase().includes(words),
  );
  return (
    <>
      <div class="row"><h1>{t('library')}</h1><span class="faint">{loaded && songCount(t, found.length)}</span></div>
      <label class="search">
        <Icon name="search" />
        <span class="visually-hidden">{t('search')}</span>
        <input type="search" placeholder={t('search')} value={query} data-testid="search" onInput={(e) => setQuery(e.currentTarget.value)} />
      </label>
      <div class="chips" role="group" aria-label={t('genre')}>
        <button class="chip" aria-pressed={!genre} onClick={() => setGenre('')}>{t('allSongs')}</button>
        {genres.map((one) => <button class="chip" aria-pressed={genre === one} onClick={() => setGenre(one)}>{one}</button>)}
      </div>
      <SongList songs={found} />
      {loaded && !found.length && <p class="faint" role="status">{t('noneFound', { query: query || genre })}</p>}
    </>
  );
}
