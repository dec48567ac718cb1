hidden(globalThis, 'global', globalThis);
hidden(globalThis, 'require', specifier => require(specifier));
globalThis.require.resolve = specifier => { if (!resolve(specifier)) throw missing(specifier); return specifier; };
globalThis.require.cache = {};
hidden(globalThis, 'console', console);
for (const [name, value] of [['UnauthorizedError', UnauthorizedError], ['ValidationError', ValidationError],
	['WrongUsernameOrPasswordError', WrongUsernameOrPasswordError], ['setTimeout', setTimeout], ['setInterval', setInterval],
	['setImmediate', setImmediate], ['clearTimeout', clearTimer], ['clearInterval', clearTimer], ['clearImmediate', clearTimer],
	['queueMicrotask', fn => { timerFunction(fn); microtask(() => call(fn)); }]]) hidden(globalThis, name, value);

// lazily defines a global that costs nothing until a script looks at it. That of a magic one, which was there before scripts had to require
// what they use, is noted when a rule does.
function lazily(name, make, magic) {
	define(globalThis, name, {
		configurable: true, enumerable: false,
		get() {
			if (magic && loading === 0 && !runner && phase === 'waiting') old.push({rule: current, what: name});
			const value = make();
			if (value !== undefined) hidden(globalThis, name, value);
			return value;
		},
		set(value) { hidden(globalThis, name, value); },
	});
}
for (const [name, module] of [['request', 'request'], ['jwt', 'jwt'], ['crypto', 'crypto'], ['querystring', 'querystring'],
	['uuid', 'uuid'], ['bcrypt', 'bcrypt']]) lazily(name, () => load1(module), name !== 'crypto'); // newer ones have another crypto
for (const name of ['mysql', 'mysql_pool', 'pg', 'postgres', 'sqlserver', 'mongo']) lazily(name, () => loading ? undefined : load1(name), true);
lazily('ObjectID', () => loading ? undefined : load1('mongo').ObjectID, true);
// Packages look for what was there under their own name while they are being loaded: nothing.
for (const [name, module] of [['_', 'underscored'], ['ip', 'ip'], ['pbkdf2', 'pbkdf2']]) lazily(name, () => loading ? undefined : load1(module), true);
for (const [name, module] of [['async', 'async@0.9.2'], ['Auth0', 'auth0@2.44.1'], ['q', 'q'], ['xml2js', 'xml2js'], ['xmldom', 'xmldom'],
	['xpath', 'xpath'], ['xtend', 'xtend'], ['Knex', 'knex'], ['azure_storage', 'azure-storage'], ['Pubnub', 'pubnub'],
	['couchbase', 'couchbase']]) lazily(name, () => loading ? undefined : requireWithin(module), true);
for (const [module, names] of [
	['buffer', 'Buffer'], ['process', 'process'], ['whatwg', 'URL URLSearchParams'], ['encoding', 'TextEncoder TextDecoder atob btoa'],
	['abort', 'AbortController AbortSignal Event EventTarget CustomEvent DOMException'], ['structured', 'structuredClone'],
	['body', 'Headers Request Response FormData Blob File'], ['fetch', 'fetch'], ['perf_hooks', 'performance'], ['webglobals', 'CryptoKey SubtleCrypto'],
	['stream/web', 'ReadableStream WritableStream TransformStream'],
]) for (const name of names.split(' ')) lazily(name, () => name === 'process' ? load1(module) : load1(module)[name]);

// What rules have as globals and actions do not.
const ofRules = ['UnauthorizedError', 'ValidationError', 'WrongUsernameOrPasswordError', '_', 'request', 'jwt', 'querystring', 'uuid', 'ip', 'pbkdf2', 'async',
	'Auth0', 'bcrypt', 'q', 'xml2js', 'xmldom', 'xpath', 'xtend', 'mysql', 'mysql_pool', 'pg', 'postgres', 'sqlserver', 'mongo', 'ObjectID', 'Knex', 'azure_storage',
	'Pubnub', 'couchbase'];

const own = new Set(Reflect.ownKeys(globalThis).concat(['configuration', 'auth0']));

const before = new Set(); // names on `global` that a run before has left

// What scripts put on `global` is kept for the tenant's next run, value by value: kept whole or not at all. A flag that was set in the same run
// as a live object, such as a pool, may say that the object is there: it is not kept either.
function packGlobals() {
	const out = {}, flags = [];
	const pack = load1('clone').pack;
	let live = false;
	for (const name of keysOf(globalThis)) {
		if (own.has(name)) continue;
		const found = describe(globalThis, name);
		if (!found || !('value' in found)) continue;
		if (found.value === true && !before.has(name)) flags.push(name);
		try {
			out[name] = pack(found.value);
		} catch (e) { // a function or a live object: made anew by the next run
			live = live || typeof found.value === 'object';
		}
	}
	if (live) for (const name of flags) delete out[name];
	return keysOf(out).length > 0 ? stringify(out) : '';
}

function unpackGlobals(json) {
	const table = parse(json), unpack = load1('clone').unpack;
	for (const name of keysOf(table)) {
		before.add(name);
		if (!own.has(name)) define(globalThis, name, {value: unpack(table[name]), writable: true, configurable: true, enumerable: true});
	}
}
