import { useEffect, useState } from 'preact/hooks';
import { useListener } from '../app';
import { Attempts } from '../hood/Attempts';
import { Changes } from '../hood/Changes';
import { TokenCard } from '../hood/TokenCard';
import { TwoWays } from '../hood/TwoWays';
import type { Claims } from '../jwt';
import { NeedsPage } from '../session';
import { useStore } from '../store';
import { trace, type TraceLine } from '../trace';
import { useApp } from '../ui/context';
import { Icon } from '../ui/icons';
import { Permission } from '../ui/Permission';

/** What the tokens say, what went stale, how they are renewed, and who may change what. */
export function Hood() {
  const { app } = useApp();
  const me = useListener(app);
  const { idToken, apiToken, managementToken } = useStore(app.session.state);
  const [log, setLog] = useState<TraceLine[]>([]);
  const [busy, setBusy] = useState(false);
  const [needs, setNeeds] = useState<NeedsPage['reason']>();
  const [trouble, setTrouble] = useState('');
  const [record, setRecord] = useState<Claims>();
  const [now, setNow] = useState(Date.now());

  useEffect(() => {
    const tick = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(tick);
  }, []);

  /** Runs what needs the Management token; when a page is needed first, says so. */
  async function withPermission<T>(action: () => Promise<T>): Promise<T | undefined> {
    setTrouble('');
    try {
      const result = await action();
      setNeeds(undefined);
      return result;
    } catch (error) {
      if (error instanceof NeedsPage) setNeeds(error.reason);
      else setTrouble((error as Error).message);
    }
  }

  async function renew() {
    setBusy(true);
    setLog([]);
    await trace(app.config.domain, () => app.session.renew(), setLog);
    setBusy(false);
  }

  return (
    <div lang="en" class="hood">
      <h1>Under the hood</h1>
      <p class="lead">
        Three tokens live in this page’s memory, none in local storage. They are snapshots: a change on the server shows in them
        only after a renewal.
      </p>
      {needs && <Permission reason={needs} trip={{ returnTo: '/hood' }} granted={() => void withPermission(() => app.session.managementToken())} />}
      {trouble && <p class="notice bad" role="alert">{trouble}</p>}

      <section aria-labelledby="renewal" class="card">
        <div class="row">
          <h2 id="renewal">Silent renewal</h2>
          <button data-testid="hood-renew" disabled={busy} onClick={() => void renew()}><Icon name="renew" />Renew silently</button>
        </div>
        <p>The session cookie of the login server is asked for new tokens, without any page. The app does the same by itself a minute before they expire.</p>
        <ol class="log" data-testid="hood-log" aria-live="polite">
          {log.map((line) => <li class={line.kind} data-kind={line.kind}><span class="time">+{line.at} ms</span><span>{line.text}</span></li>)}
        </ol>
      </section>

      <Changes record={record} />

      <TwoWays withPermission={withPermission} changed={(metadata) => setRecord({ ...record, ...metadata })} />

      <section aria-labelledby="tokens">
        <h2 id="tokens">Tokens in memory</h2>
        <div class="token-cards">
          <TokenCard title="ID token" use="tells this app who is listening" token={idToken} now={now} testid="hood-id" />
          <TokenCard title="Access token for Mixtape’s API" use="sent with every call for music" token={apiToken} now={now} testid="hood-api" />
          <TokenCard title="Access token for the Management API" use="may read and change the listener’s own record" token={managementToken} now={now} testid="hood-mgmt">
            <p>Not asked for yet.</p>
            <button class="second" data-testid="hood-mgmt-get" onClick={() => void withPermission(() => app.session.managementToken())}>Get it silently</button>
          </TokenCard>
        </div>
      </section>

      <Attempts withPermission={withPermission} sub={me.sub} />
    </div>
  );
}
