import type { ComponentChildren } from 'preact';
import { expiresAt, type Decoded } from '../jwt';
import { useApp } from '../ui/context';

const times = new Set(['exp', 'iat', 'nbf', 'auth_time']);

interface Props {
  title: string;
  use: string;
  token: Decoded | undefined;
  /** The current time in milliseconds, so that all cards tick together. */
  now: number;
  testid: string;
  /** Shown while there is no token. */
  children?: ComponentChildren;
}

/** One token, claim by claim. */
export function TokenCard({ title, use, token, now, testid, children }: Props) {
  const left = token ? Math.round((expiresAt(token) - now) / 1000) : 0;
  return (
    <article class="card token" data-testid={testid}>
      <header>
        <h3>{title}</h3>
        <p class="faint">{use}</p>
        {token && <p class={left > 0 ? 'pill countdown' : 'pill countdown over'} data-testid={`${testid}-countdown`} data-seconds={left}>{left > 0 ? `expires in ${span(left)}` : 'expired'}</p>}
      </header>
      {token ? (
        <dl class="claims">
          {Object.entries(token.claims).map(([name, value]) => (
            <div key={name} data-claim={name}>
              <dt><Name name={name} /></dt>
              <dd>{times.has(name) ? moment(Number(value)) : typeof value === 'string' ? value : json(value)}</dd>
            </div>
          ))}
        </dl>
      ) : children}
    </article>
  );
}

/** A claim's name, with the namespace in the background. */
export function Name({ name }: { name: string }) {
  const { claim_namespace: namespace } = useApp().app.config;
  if (!name.startsWith(namespace)) return <code>{name}</code>;
  return <code><span class="faint">{namespace}</span><wbr />{name.slice(namespace.length)}</code>;
}

/** On one line when it fits on a phone. */
function json(value: unknown): string {
  const line = JSON.stringify(value);
  return line.length < 44 ? line : JSON.stringify(value, null, 1);
}

function moment(seconds: number): string {
  return `${seconds} (${new Date(seconds * 1000).toLocaleString()})`;
}

/** Seconds as a length of time that can be read at a glance. */
function span(seconds: number): string {
  const [d, h, m, s] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${m} min`;
  return `${m}:${String(s).padStart(2, '0')}`;
}
