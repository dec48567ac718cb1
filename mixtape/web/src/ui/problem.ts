import { useState } from 'preact/hooks';
import { ApiError } from '../api';
import type { Translate } from '../texts';
import { useApp } from './context';

/** Says what went wrong, in words for the listener. */
export function explain(t: Translate, error: unknown): string {
  if (error instanceof TypeError) return t('networkFailed'); // fetch could not reach anybody
  if (error instanceof ApiError && error.status === 403) return `${t('forbiddenFeatured')} (403 ${error.code})`;
  if (error instanceof ApiError) return t('loadFailed', { message: `${error.message} (${error.status})` });
  return (error as Error).message;
}

/** Runs an action and keeps the words for its failure, until the next try. True when it succeeded. */
export function useProblem(): [string | undefined, (action: () => Promise<unknown>) => Promise<boolean>] {
  const { t } = useApp();
  const [problem, setProblem] = useState<string>();
  async function attempt(action: () => Promise<unknown>): Promise<boolean> {
    setProblem(undefined);
    try {
      await action();
      return true;
    } catch (error) {
      setProblem(explain(t, error));
      return false;
    }
  }
  return [problem, attempt];
}
