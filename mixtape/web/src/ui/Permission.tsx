import { useState } from 'preact/hooks';
import type { NeedsPage, Trip } from '../session';
import { useApp } from './context';
import { Icon } from './icons';

interface Props {
  reason: NeedsPage['reason'];
  trip: Trip;
  /** Called when permission came without leaving the page. */
  granted(trip: Trip): void;
}

/** One sentence on why a page of the login server is needed, and the way there. */
export function Permission({ reason, trip, granted }: Props) {
  const { app, t } = useApp();
  const [problem, setProblem] = useState<string>();
  const host = new URL(app.config.domain).host;

  async function proceed() {
    setProblem(undefined);
    try {
      const back = await app.session.showPage(reason, trip);
      if (back) granted(back);
    } catch {
      setProblem(t('popupFailed'));
    }
  }

  return (
    <aside class="card permission" data-testid="permission" data-reason={reason}>
      <Icon name="lock" />
      <div>
        <p>{t(reason === 'consent' ? 'consentAsk' : 'loginAsk', { host })}</p>
        {problem && <p role="alert">{problem}</p>}
        <button data-testid="permission-continue" onClick={() => void proceed()}>{t('consentGo')}</button>
      </div>
    </aside>
  );
}
