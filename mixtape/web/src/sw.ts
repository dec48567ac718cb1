/// <reference lib="webworker" />
// Keeps the shell on the device, so that the app opens without a connection. Music, tokens and
// everything else that belongs to a listener pass by untouched and are never stored.

declare const SHELL: string[];
declare const VERSION: string;
const worker = self as unknown as ServiceWorkerGlobalScope;
const cacheName = `mixtape-${VERSION}`;

worker.addEventListener('install', (event) => {
  event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll(SHELL)).then(() => worker.skipWaiting()));
});

worker.addEventListener('activate', (event) => {
  const drop = async () => {
    for (const name of await caches.keys()) if (name !== cacheName) await caches.delete(name);
    await worker.clients.claim();
  };
  event.waitUntil(drop());
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate') event.respondWith(newestOr('/', request));
  else if (url.pathname === '/config.json') event.respondWith(newestOr('/config.json', request));
  else if (SHELL.includes(url.pathname)) event.respondWith(stored(url.pathname, request));
});

/** The server's answer, or the stored copy when there is none. */
async function newestOr(path: string, request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(path)) ?? Response.error();
  }
}

async function stored(path: string, request: Request): Promise<Response> {
  return (await caches.match(path)) ?? fetch(request);
}
