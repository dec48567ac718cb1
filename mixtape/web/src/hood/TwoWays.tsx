import { useState } from 'preact/hooks';
import type { Answer } from '../api';
import { useListener } from '../app';
import type { Claims } from '../jwt';
import { useApp } from '../ui/context';
import { Exchange } from './Exchange';

interface Props {
  withPermission<T>(action: () => Promise<T>): Promise<T | undefined>;
  /** Tells what a server accepted. */
  changed(metadata: Claims): void;
}

/** The same change, by the app itself and by way of Mixtape's API. */
export function TwoWays({ withPermission, changed }: Props) {
  const { app } = useApp();
  const me = useListener(app);
  const [direct, setDirect] = useState({ name: me.displayName, answer: undefined as Answer | undefined });
  const [via, setVia] = useState({ name: me.displayName, answer: undefined as Answer | undefined });

  async function saveDirect(event: Event) {
    event.preventDefault();
    setDirect({ ...direct, answer: undefined });
    const answer = await withPermission(() => app.record.attempt({ user_metadata: { displayName: direct.name } }));
    if (!answer) return;
    setDirect({ ...direct, answer });
    if (answer.status === 200) changed({ displayName: direct.name });
  }

  async function saveVia(event: Event) {
    event.preventDefault();
    setVia({ ...via, answer: undefined });
    const answer = await withPermission(() => app.api.raw('PUT', '/displayName', { displayName: via.name }));
    if (!answer) return;
    setVia({ ...via, answer });
    if (answer.status < 300) changed({ displayName: via.name });
  }

  return (
    <section aria-labelledby="ways">
      <h2 id="ways">Two ways to change metadata</h2>
      <div class="two-ways">
        <form class="card" onSubmit={saveDirect}>
          <h3>The app itself</h3>
          <p>With a token for the Management API that reaches nothing but the listener’s own user_metadata.</p>
          <pre class="request">{`PATCH ${app.config.domain}/api/v2/users/${encodeURIComponent(me.sub)}\n{"user_metadata":{"displayName":${JSON.stringify(direct.name)}}}`}</pre>
          <label class="field"><span>displayName</span>
            <input required maxLength={60} value={direct.name} data-testid="hood-direct-input" onInput={(e) => setDirect({ ...direct, name: e.currentTarget.value })} />
          </label>
          <button data-testid="hood-direct-save">Send PATCH</button>
          <Exchange answer={direct.answer} testid="hood-direct-result" />
        </form>
        <form class="card" onSubmit={saveVia}>
          <h3>By way of Mixtape’s API</h3>
          <p>The recommended way: the API takes the listener from the verified token and uses a machine token of its own.</p>
          <pre class="request">{`PUT ${app.config.api_url}/displayName\n{"displayName":${JSON.stringify(via.name)}}`}</pre>
          <label class="field"><span>displayName</span>
            <input required maxLength={60} value={via.name} data-testid="hood-via-input" onInput={(e) => setVia({ ...via, name: e.currentTarget.value })} />
          </label>
          <button data-testid="hood-via-save">Send PUT</button>
          <Exchange answer={via.answer} testid="hood-via-result" />
        </form>
      </div>
    </section>
  );
}
