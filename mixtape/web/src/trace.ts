/** One line of the renewal log: milliseconds since the renewal began, and what happened. */
export interface TraceLine {
  at: number;
  text: string;
  kind: 'ask' | 'answer' | 'done' | 'failed';
}

/**
 * Watches a silent renewal from outside, by what the browser lets a page see: the hidden frame
 * that the SDK adds, the message the frame posts, and the timing of the token request. Codes and
 * tokens themselves are never kept.
 */
export async function trace(issuer: string, renew: () => Promise<void>, report: (lines: TraceLine[]) => void): Promise<void> {
  const origin = new URL(issuer).origin;
  const start = performance.now();
  const lines: TraceLine[] = [];
  const add = (kind: TraceLine['kind'], text: string, at = performance.now()) => {
    lines.push({ kind, text, at: Math.round(at - start) });
    lines.sort((a, b) => a.at - b.at);
    report([...lines]);
  };

  const frames = new MutationObserver((records) => {
    for (const node of records.flatMap((record) => [...record.addedNodes])) {
      if (!(node instanceof HTMLIFrameElement) || !node.src.startsWith(origin)) continue;
      const query = new URL(node.src).searchParams;
      const shown = ['prompt', 'response_mode', 'response_type', 'audience', 'code_challenge_method'];
      add('ask', `hidden frame: GET /authorize ${shown.map((name) => `${name}=${query.get(name) ?? ''}`).join(' ')}`);
    }
  });
  const message = (event: MessageEvent) => {
    if (event.origin !== origin || event.data?.type !== 'authorization_response') return;
    const { error, error_description, code } = event.data.response ?? {};
    if (error) add('failed', `frame posted error=${error} “${error_description ?? ''}”`);
    else if (code) add('answer', `frame posted a code of ${String(code).length} characters, to this origin only`);
  };
  const requests = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as PerformanceResourceTiming[]) {
      if (!entry.name.startsWith(origin + '/oauth/token')) continue;
      add('answer', `POST /oauth/token answered ${entry.responseStatus || ''} in ${Math.round(entry.duration)} ms`, entry.responseEnd);
    }
  });

  frames.observe(document.body, { childList: true });
  addEventListener('message', message);
  requests.observe({ type: 'resource' });
  try {
    await renew();
    const end = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 80)); // timings are delivered a moment late
    if (!lines.some((line) => line.text.includes('/oauth/token'))) {
      add('answer', 'the token worker renewed with its refresh token, out of reach of this page', end);
    }
    add('done', 'new ID token and access token are in memory; rules ran again on the server', Math.max(end, ...lines.map((l) => l.at + start)));
  } catch (error) {
    add('failed', `renewal failed: ${(error as Error).message}`);
  } finally {
    frames.disconnect();
    requests.disconnect();
    removeEventListener('message', message);
  }
}
