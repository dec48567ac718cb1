import { useEffect } from 'preact/hooks';
import type { Phase } from '../session';
import { Cassette } from '../ui/Cassette';
import { useApp } from '../ui/context';
import { Wordmark } from '../ui/Wordmark';

/** The shell alone: while starting, offline, or without an answer from the login server. */
export function Message({ phase }: { phase: Phase }) {
  const { t } = useApp();
  const waiting = phase === 'starting';
  const again = () => location.reload();
  useEffect(() => {
    if (phase !== 'offline') return;
    addEventListener('online', again);
    return () => removeEventListener('online', again);
  }, [phase]);
  return (
    <main class="message" id="main" data-testid={`phase-${phase}`}>
      <header><Wordmark /></header>
      <div class={waiting ? 'message-tape' : 'message-tape still'}>
        <Cassette id="message" title={waiting ? '' : '· · ·'} progress={0.5} spinning={waiting} />
      </div>
      {waiting ? <p role="status">{t('starting')}</p> : (
        <div role="status">
          <h1>{t(phase === 'offline' ? 'offlineTitle' : 'unreachableTitle')}</h1>
          <p>{t(phase === 'offline' ? 'offlineText' : 'unreachableText')}</p>
          <button class="second" data-testid="retry" onClick={again}>{t('retry')}</button>
        </div>
      )}
    </main>
  );
}
