import { useState } from 'preact/hooks';
import { useStore } from '../store';
import { useApp } from '../ui/context';
import { Icon } from '../ui/icons';
import { PlaylistEditor } from '../ui/PlaylistEditor';
import { TapeCard } from '../ui/TapeCard';

/** The listener's own tapes, and the editors'. */
export function Playlists() {
  const { app, t } = useApp();
  const { loaded, playlists, featured } = useStore(app.library.state);
  const [creating, setCreating] = useState(false);
  const own = playlists.filter((list) => !list.featured);
  return (
    <>
      <div class="row">
        <h1>{t('yourTapes')}</h1>
        {!creating && (
          <button data-testid="playlist-new" onClick={() => setCreating(true)}>
            <Icon name="plus" /><span class="short">{t('newShort')}</span><span class="long">{t('newTape')}</span>
          </button>
        )}
      </div>
      {creating && (
        <PlaylistEditor name="" songs={[]} action={t('create')} save={(name, songs) => app.library.create(name, songs)} close={() => setCreating(false)} />
      )}
      {loaded && !own.length && !creating && <p class="faint">{t('noTapes')}</p>}
      <div class="grid">{own.map((list) => <TapeCard list={list} key={list.playlist_id} />)}</div>
      <h2>{t('featured')}</h2>
      {loaded && !featured.length && <p class="faint">{t('nothingFeatured')}</p>}
      <div class="grid">{featured.map((list) => <TapeCard list={list} key={list.playlist_id} />)}</div>
    </>
  );
}
