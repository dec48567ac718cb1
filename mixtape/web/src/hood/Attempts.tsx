import { useState } from 'preact/hooks';
import type { Answer } from '../api';
import { useStore } from '../store';
import { useApp } from '../ui/context';
import { Exchange } from './Exchange';

interface Props {
  withPermission<T>(action: () => Promise<T>): Promise<T | undefined>;
  sub: string;
}

/** Things that must not work, to be tried. */
export function Attempts({ withPermission, sub }: Props) {
  const { app } = useApp();
  const { featured } = useStore(app.library.state);
  const [other, setOther] = useState('auth0|000000000000000000000000');
  const [answers, setAnswers] = useState<{ [id: string]: Answer | undefined }>({});

  async function attempt(id: string, action: () => Promise<Answer>) {
    setAnswers((now) => ({ ...now, [id]: undefined }));
    const answer = await withPermission(action);
    setAnswers((now) => ({ ...now, [id]: answer }));
  }

  const grab = { app_metadata: { plan: 'platinum', roles: ['playlist_editor'] } };
  const list = featured[0];
  return (
    <section aria-labelledby="cheat">
      <h2 id="cheat">Try to cheat</h2>
      <p>Each of these goes out for real, with your own token. The expected answer is 403, and that nothing changes.</p>
      <div class="cheats">
        <article class="card">
          <h3>Give yourself a better plan</h3>
          <pre class="request">{`PATCH …/users/${encodeURIComponent(sub)}\n${JSON.stringify(grab)}`}</pre>
          <button class="danger" data-testid="cheat-app-metadata" onClick={() => void attempt('plan', () => app.record.attempt(grab))}>Change my app_metadata</button>
          <Exchange answer={answers.plan} verdict={verdict(answers.plan)} testid="cheat-app-metadata-result" />
        </article>
        <article class="card">
          <h3>Rename somebody else</h3>
          <label class="field"><span>Their user_id</span>
            <input value={other} spellcheck={false} data-testid="cheat-other-id" onInput={(e) => setOther(e.currentTarget.value)} />
          </label>
          <pre class="request">{`PATCH …/users/${encodeURIComponent(other)}\n{"user_metadata":{"displayName":"gotcha"}}`}</pre>
          <button class="danger" data-testid="cheat-other-user"
            onClick={() => void attempt('other', () => app.record.attempt({ user_metadata: { displayName: 'gotcha' } }, other))}>Change their record</button>
          <Exchange answer={answers.other} verdict={verdict(answers.other)} testid="cheat-other-user-result" />
        </article>
        <article class="card">
          <h3>Edit the featured shelf</h3>
          <p>Editors may: for them the same request answers with success, so it sends the playlist as it is.</p>
          <pre class="request">{`PATCH …/playlists/featured/${list?.playlist_id ?? '…'}`}</pre>
          <button class="danger" data-testid="cheat-featured" disabled={!list}
            onClick={() => void attempt('shelf', () => app.api.raw('PATCH', `/playlists/featured/${encodeURIComponent(list!.playlist_id)}`, { name: list!.name, songs: list!.songs }))}>
            Change a featured playlist
          </button>
          <Exchange answer={answers.shelf} verdict={verdict(answers.shelf)} testid="cheat-featured-result" />
        </article>
      </div>
    </section>
  );
}

function verdict(answer: Answer | undefined): string | false {
  return answer?.status === 403 && 'Refused, as it should be.';
}
