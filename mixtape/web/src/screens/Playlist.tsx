import { useRef, useState } from 'preact/hooks';
import { useListener } from '../app';
import { wanted } from '../library';
import { go } from '../router';
import { useStore } from '../store';
import { Cassette } from '../ui/Cassette';
import { useApp } from '../ui/context';
import { plays, songCount, tapeName } from '../ui/format';
import { Icon } from '../ui/icons';
import { PlaylistEditor } from '../ui/PlaylistEditor';
import { SongList } from '../ui/SongList';
import { useProblem } from '../ui/problem';

/** One tape: play it, and change it if it is one's own or, for an editor, a featured one. */
export function PlaylistScreen({ id }: { id: string }) {
  const { app, t } = useApp();
  const me = useListener(app);
  const { loaded } = useStore(app.library.state);
  const { playing, queue } = useStore(app.player.state);
  const [editing, setEditing] = useState(false);
  const [problem, attempt] = useProblem();
  const ask = useRef<HTMLDialogElement>(null);
  const list = app.library.find(id);
  if (!list) {
    return loaded ? <><h1>{t('noSuchTape')}</h1><p><a href="/playlists">{t('playlists')}</a></p></> : <p class="faint">{t('starting')}</p>;
  }
  const name = tapeName(t, list);

  const all = app.library.songsOf(list);
  const songs = wanted(all, me);
  const hidden = all.length - songs.length;
  const mayEdit = list.featured ? me.editor : list.user_id === me.sub;
  const spinning = playing && songs.some((song) => song.song_id === app.player.song?.song_id) && queue.length === songs.length;
  return (
    <>
      <section class="tape-head">
        <Cassette id={list.playlist_id} title={name} note={list.featured ? t('featuredBy') : `@${me.displayName}`} progress={0.1} spinning={spinning} />
        <div>
          <h1 data-testid="playlist-title" dir="auto">{name}</h1>
          <p class="faint">
            {list.featured && <>{t('featuredBy')} <i>·</i> </>}{songCount(t, list.songs.length)} <i>·</i>{' '}
            <span data-testid="playlist-plays" data-plays={list.plays}>{plays(t, list.plays)}</span>
          </p>
          <div class="buttons">
            <button disabled={!songs.length} data-testid="playlist-play" onClick={() => app.player.play(songs, 0)}><Icon name="play" />{t('playAll')}</button>
            {mayEdit && !editing && (
              <button class="second" data-testid={list.featured ? 'featured-edit' : 'playlist-edit'} onClick={() => setEditing(true)}>
                <Icon name="edit" />{t('edit')}
              </button>
            )}
            {mayEdit && !list.featured && (
              <button class="second" data-testid="playlist-delete" onClick={() => ask.current?.showModal()}><Icon name="trash" />{t('remove')}</button>
            )}
          </div>
          {problem && <p class="notice bad" role="alert" data-testid="playlist-error">{problem}</p>}
        </div>
      </section>

      {editing && (
        <PlaylistEditor name={list.name} songs={list.songs} action={t('save')}
          save={(name, chosen) => app.library.change(list, { name, songs: chosen })} close={() => setEditing(false)} />
      )}
      {songs.length ? <SongList songs={songs} /> : <p class="faint">{t(list.songs.length ? 'allHidden' : 'emptyTape')}</p>}
      {hidden > 0 && songs.length > 0 && <p class="faint" data-testid="playlist-hidden" data-hidden={hidden}>{t(hidden === 1 ? 'oneHidden' : 'someHidden', { n: hidden })}</p>}

      <dialog ref={ask} aria-labelledby="remove-ask">
        <p id="remove-ask">{t('removeAsk', { name })}</p>
        <div class="buttons">
          <button class="danger" data-testid="playlist-delete-confirm"
            onClick={() => (ask.current?.close(), void attempt(async () => (await app.library.remove(list), go('/playlists', 'replace'))))}>{t('remove')}</button>
          <button class="second" autofocus data-testid="playlist-delete-cancel" onClick={() => ask.current?.close()}>{t('cancel')}</button>
        </div>
      </dialog>
    </>
  );
}
