// Builds src/ into dist/ (or the folder named on the command line). The result depends on the
// sources and the locked packages only, so that the committed files can be checked.
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(here, 'dist'));
const src = (name) => path.join(here, 'src', name);
const pkg = (name) => path.join(here, 'node_modules', name);

await rm(out, { recursive: true, force: true });
await mkdir(path.join(out, 'assets'), { recursive: true });
await cp(src('public'), out, { recursive: true });

// The SDK's token worker, served from this origin instead of a blob so that the policy stays strict.
const worker = (await readFile(pkg('@auth0/auth0-spa-js/dist/auth0-spa-js.worker.production.js'), 'utf8')).replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n');
const workerURL = `/assets/token-worker-${digest(worker).slice(0, 8)}.js`;
await writeFile(path.join(out, workerURL), worker);

const common = { bundle: true, minify: true, charset: 'utf8', target: 'es2022', legalComments: 'none', absWorkingDir: here, metafile: true };
const built = await esbuild.build({
  ...common,
  entryPoints: { app: src('main.tsx'), style: src('style/main.css') },
  outdir: path.join(out, 'assets'),
  entryNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  publicPath: '/assets/',
  format: 'esm',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  loader: { '.woff2': 'file' },
  define: { TOKEN_WORKER: JSON.stringify(workerURL) },
});
const assets = Object.keys(built.metafile.outputs).map((name) => '/assets/' + path.basename(name));
const find = (start, end) => assets.find((name) => name.startsWith('/assets/' + start) && name.endsWith(end));

const page = (await readFile(src('index.html'), 'utf8'))
  .replace('{{SCRIPT}}', find('app-', '.js'))
  .replace('{{STYLE}}', find('style-', '.css'))
  .replace('{{MARKER}}', find('permanent-marker', '.woff2'));
await writeFile(path.join(out, 'index.html'), page);

const shell = ['/', '/config.json', '/manifest.webmanifest', '/icon.svg', '/icon-192.png', workerURL, ...assets].sort();
await esbuild.build({
  ...common,
  entryPoints: { sw: src('sw.ts') },
  outdir: out,
  format: 'iife',
  define: { SHELL: JSON.stringify(shell), VERSION: JSON.stringify(digest(page + shell.join()).slice(0, 12)) },
});

await writeFile(path.join(out, 'licenses.txt'), await licenses());
if (out === path.join(here, 'dist')) await writeFile(path.join(here, 'dist.sum'), (await sources()) + '\n');

/** The licences of everything that ends up in the built files. */
async function licenses() {
  const names = ['@auth0/auth0-spa-js', '@auth0/auth0-auth-js', 'browser-tabs-lock', 'dpop', 'es-cookie', 'jose', 'lodash',
    'oauth4webapi', 'openid-client', 'preact', '@fontsource-variable/bricolage-grotesque', '@fontsource/permanent-marker'];
  const texts = [];
  for (const name of names) {
    const file = (await readdir(pkg(name))).find((entry) => /^licen[cs]e/i.test(entry));
    const { version, license } = JSON.parse(await readFile(pkg(name + '/package.json'), 'utf8'));
    const text = file ? await readFile(pkg(`${name}/${file}`), 'utf8') : `Licensed under ${license}.`;
    texts.push(`${name} ${version}\n\n${text.trim()}\n`);
  }
  return texts.join('\n' + '-'.repeat(80) + '\n\n');
}

/** One hash over all that the build reads, known to the Go test that asks whether dist/ is current. */
async function sources() {
  const names = (await readdir(path.join(here, 'src'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(here, path.join(entry.parentPath ?? entry.path, entry.name)).split(path.sep).join('/'));
  names.push('build.mjs', 'package.json', 'package-lock.json', 'tsconfig.json');
  const hash = createHash('sha256');
  for (const name of names.sort()) hash.update(`${name}\n${digest(await readFile(path.join(here, name)))}\n`);
  return hash.digest('hex');
}

function digest(content) {
  return createHash('sha256').update(content).digest('hex');
}
