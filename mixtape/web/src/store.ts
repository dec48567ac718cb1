import { useEffect, useState } from 'preact/hooks';

/** A value that screens watch. It is the only kind of state that lives outside a component. */
export interface Store<T extends object> {
  get(): T;
  /** Merges a change into the value and tells whoever watches. */
  set(change: Partial<T>): void;
  watch(listener: () => void): () => void;
}

export function createStore<T extends object>(value: T): Store<T> {
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(change) {
      value = { ...value, ...change };
      for (const listener of [...listeners]) listener();
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Re-renders the calling component whenever the store changes. */
export function useStore<T extends object>(store: Store<T>): T {
  const [, redraw] = useState({});
  const drawn = store.get();
  useEffect(() => {
    if (store.get() !== drawn) redraw({}); // it changed between drawing and watching
    return store.watch(() => redraw({}));
  }, [store]);
  return drawn;
}
