import type { Answer } from '../api';

/** The answer of a server as it came: status and body. */
export function Exchange({ answer, testid }: { answer: Answer | undefined; testid: string }) {
  return (
    <div data-testid={testid} data-status={answer?.status ?? ''} role="status">
      {answer && (
        <div class="exchange">
          <span class={answer.status < 300 ? 'status good' : 'status bad'}>{answer.status}</span>
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
