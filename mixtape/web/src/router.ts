import { createStore } from './store';

/** The path that is shown. Screens are chosen by it in `ui/App.tsx`. */
export const route = createStore({ path: location.pathname });

/** Shows another path, as a new entry in the browser's history or in place of the present one. */
export function go(path: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'replace') history.replaceState(null, '', path);
  else if (path !== location.pathname) history.pushState(null, '', path);
  route.set({ path: new URL(path, location.origin).pathname });
  scrollTo(0, 0);
}

/** Makes ordinary links and the back button move between screens without loading the page. */
export function startRouter(): void {
  addEventListener('popstate', () => route.set({ path: location.pathname }));
  document.addEventListener('click', (event) => {
    const link = (event.target as Element).closest?.('a');
    if (!link || link.origin !== location.origin || link.target || link.hasAttribute('download')) return;
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.pathname);
  });
}
