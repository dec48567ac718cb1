import { useState } from 'preact/hooks';
import { useStore } from '../store';
import { useApp } from './context';
import { Cover } from './Cover';
import { useProblem } from './problem';

interface Props {
  name: string;
  songs: string[];
  action: string;
  save(name: string, songs: string[]): Promise<void>;
  close(): void;
}

/** Name and songs of a playlist, new or known. */
export function PlaylistEditor({ name, songs, action, save, close }: Props) {
  const { app, t } = useApp();
  const { songs: all } = useStore(app.library.state);
  const [draft, setDraft] = useState({ name, songs });
  const [busy, setBusy] = useState(false);
  const [problem, attempt] = useProblem();

  const choose = (id: string, on: boolean) =>
    setDraft((now) => ({ ...now, songs: on ? [...now.songs, id] : now.songs.filter((one) => one !== id) }));

  async function submit(event: Event) {
    event.preventDefault();
    setBusy(true);
    if (await attempt(() => save(draft.name.trim(), draft.songs))) close();
    else setBusy(false);
  }

  return (
    <form class="card editor-form" onSubmit={submit} data-testid="playlist-form">
      <label class="field">
        <span>{t('tapeName')}</span>
        <input required maxLength={80} autoComplete="off" value={draft.name} data-testid="playlist-name" autofocus
          onInput={(e) => setDraft({ ...draft, name: e.currentTarget.value })} />
      </label>
      <fieldset>
        <legend>{t('songsOnTape')}</legend>
        <div class="options">
          {all.map((song) => (
            <label class="option" key={song.song_id} data-testid="playlist-song-option" data-song-id={song.song_id}>
              <input type="checkbox" checked={draft.songs.includes(song.song_id)} onChange={(e) => choose(song.song_id, e.currentTarget.checked)} />
              <Cover id={song.song_id} />
              <span class="two"><strong>{song.songname}</strong><span>{song.artist}</span></span>
            </label>
          ))}
        </div>
      </fieldset>
      {problem && <p class="notice bad" role="alert" data-testid="playlist-error">{problem}</p>}
      <div class="buttons">
        <button disabled={busy} data-testid="playlist-save">{action}</button>
        <button type="button" class="second" data-testid="playlist-cancel" onClick={close}>{t('cancel')}</button>
      </div>
    </form>
  );
}
