import { render } from 'preact';
import { createApp } from './app';
import { loadConfig } from './config';
import { go, startRouter } from './router';
import { App } from './ui/App';

async function main(): Promise<void> {
  const root = document.getElementById('app')!;
  const app = createApp(await loadConfig());
  render(<App app={app} />, root);
  startRouter();
  const trip = await app.session.start();
  if (trip) {
    app.trip.set({ draft: trip.draft });
    go(trip.returnTo, 'replace');
  }
}

if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js').catch(() => {});

main().catch((error) => {
  const root = document.getElementById('app')!;
  root.textContent = `Mixtape could not start: ${(error as Error).message}`;
  root.setAttribute('role', 'alert');
});
