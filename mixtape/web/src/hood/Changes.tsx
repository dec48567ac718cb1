import { compare, isObject, type Claims, type Difference } from '../jwt';
import { useStore } from '../store';
import { useApp } from '../ui/context';
import { Name } from './TokenCard';

/** Where the tokens lag behind the record, and what the latest renewal brought. */
export function Changes({ record }: { record: Claims | undefined }) {
  const { app } = useApp();
  const { idToken, apiToken, before } = useStore(app.session.state);
  const claim = app.config.claim_namespace + 'user_metadata';
  const held = idToken?.claims[claim];
  const told: Claims = isObject(held) ? held : {};
  const stale = record ? compare(told, { ...told, ...record }, `${claim}.`) : [];
  const renewed = before && idToken && apiToken
    ? [
        ...compare(before.idToken.claims, idToken.claims).map((d) => ({ ...d, token: 'ID token' })),
        ...compare(before.apiToken.claims, apiToken.claims).map((d) => ({ ...d, token: 'API token' })),
      ]
    : [];
  return (
    <section aria-labelledby="changes" class="card">
      <h2 id="changes">What went stale</h2>
      <div data-testid="hood-stale" data-stale={stale.length}>
        {stale.length ? (
          <>
            <p class="notice bad">The record has moved on; the token in memory still tells the old story. Renew silently to catch up.</p>
            <Table rows={stale} left="Your token says" right="The record says" />
          </>
        ) : <p class={record ? 'notice good' : ''}>{record ? 'The token tells what the record holds.' : 'Change your name below, one way or the other, and watch this place.'}</p>}
      </div>
      <div data-testid="hood-diff" data-changes={renewed.length}>
        {before && (renewed.length
          ? <><h3>The last renewal changed</h3><Table rows={renewed} left="Before" right="After" /></>
          : <p class="faint">The last renewal brought new tokens with the same claims.</p>)}
      </div>
    </section>
  );
}

function Table({ rows, left, right }: { rows: (Difference & { token?: string })[]; left: string; right: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${left}, ${right}`}>
      <table>
        <thead><tr><th scope="col">Claim</th><th scope="col">{left}</th><th scope="col">{right}</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr data-claim={row.name}>
              <th scope="row"><Name name={row.name} />{row.token && <span class="faint"> {row.token}</span>}</th>
              <td class="old">{text(row.before)}</td>
              <td class="new">{text(row.after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function text(value: unknown): string {
  return value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value);
}
