import type { Answer } from '../api';

/** The answer of a server as it came: status and body. */
export function Exchange({ answer, testid, verdict }: { answer: Answer | undefined; testid: string; verdict?: string | false }) {
  return (
    <div data-testid={testid} data-status={answer?.status ?? ''} role="status">
      {answer && (
        <div class="exchange">
          <span class={answer.status < 300 ? 'status good' : 'status bad'}>{answer.status}</span>
          {verdict && <span class="verdict">{verdict}</span>}
          <pre>{pretty(answer.body) || '(no body)'}</pre>
        </div>
      )}
    </div>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
