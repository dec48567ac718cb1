import { useState } from 'preact/hooks';
import { useStore } from '../store';
import { useApp } from '../ui/context';
import { Cover } from '../ui/Cover';
import { Icon } from '../ui/icons';
import { useProblem } from '../ui/problem';

/** The favourite genre, kept by Mixtape's API. */
export function Genre() {
  const { app, t } = useApp();
  const { genres, favGenre } = useStore(app.library.state);
  const [saved, setSaved] = useState('');
  const [problem, attempt] = useProblem();

  async function choose(genre: string) {
    setSaved('');
    if (await attempt(() => app.library.chooseGenre(genre))) setSaved(genre);
  }

  return (
    <>
      <h1>{t('genre')}</h1>
      <p class="lead">{t('genreLead')}</p>
      <p class="genre-now" data-testid="fav-genre">{favGenre || '—'}</p>
      <div class="genres" role="group" aria-label={t('genre')}>
        {genres.map((genre) => (
          <button class="genre" key={genre} aria-pressed={genre === favGenre} data-testid="genre-option" data-genre={genre} onClick={() => void choose(genre)}>
            <Cover id={`genre ${genre}`} /><span>{genre}</span>{genre === favGenre && <Icon name="heart" />}
          </button>
        ))}
      </div>
      <p role="status" class={saved ? 'notice good' : 'visually-hidden'} data-testid="genre-status">{saved && t('genreSaved', { genre: saved })}</p>
      {problem && <p class="notice bad" role="alert">{problem}</p>}
    </>
  );
}
