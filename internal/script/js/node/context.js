// newRealm makes a fresh context with the script room in it, for one run.
'use strict';
const vm = require('vm'), crypto = require('crypto'), zlib = require('zlib');
const bridge = part('bridge'), {isProxy} = require('util').types;

// turning is the realm that is in a turn. import() of any script gets of it what require gives.
let turning = null;
const importModuleDynamically = exports.importModuleDynamically = async specifier => {
	if (!turning || !turning.execution) throw new Error('no modules');
	return turning.imported(String(specifier));
};

// Kept objects: each is compiled once and runs in every context.
const compiled = new Map();
function kept(name, make) {
	if (!compiled.has(name)) {
		const source = make();
		if (source === undefined) return undefined;
		compiled.set(name, new vm.Script(source, {filename: 'stagedoor:' + name, importModuleDynamically}));
	}
	return compiled.get(name);
}

const empty = new vm.Script('0', {filename: 'stagedoor:turn'});
const entry = new vm.Script('(() => { const f = __turn; delete globalThis.__turn; f(); })()', {filename: 'stagedoor:turn'});

// text is the source of a module of the room, and what it is a function of.
function text(name, added) {
	if (name.startsWith('npm:')) return {source: added === undefined ? file(name) : added, parameters: ['module', 'exports', 'require']};
	const parameters = ['module', 'exports', 'require', 'internal'];
	if (name.startsWith('trigger:')) return {source: file('triggers/' + name.slice(8) + '.js'), parameters};
	if (name.startsWith('vendor/')) return {source: file(name + '.js'), parameters};
	const base = name.replace(/\//g, '-') + '.js';
	for (const folder of ['node/modules/', 'modules/', 'net/']) {
		const source = file(folder + base);
		if (source !== undefined) return {source, parameters};
	}
	return {parameters};
}

// cached keeps what V8 makes of modules that are first required in the middle of a run.
const cached = new Map();

// module gives the function of a module in a context. Before a run it is a script, whose compiled functions all contexts share. In a run it
// must be compiled without running anything: a script would let promises go on in the middle of what called require.
function module_(context, name, running, added) {
	const {source, parameters} = text(name, added);
	if (source === undefined) return undefined;
	if (!running) return kept('module ' + name, () => '(function (' + parameters.join(', ') + ') {' + source + '\n})').runInContext(context);
	const options = {parsingContext: context, filename: 'stagedoor:' + name, importModuleDynamically, cachedData: cached.get(name), produceCachedData: !cached.has(name)};
	const fn = vm.compileFunction(source, parameters, options);
	if (fn.cachedData) {
		cached.set(name, fn.cachedData);
		delete fn.cachedData;
	}
	return fn;
}

// What scripts get of Node's own modules. The JavaScript of the others comes from js/modules, which run inside of the realm.
const cryptoNames = Object.keys(crypto).filter(name => !['setEngine', 'setFips', 'getFips', 'fips', 'secureHeapUsed', 'Certificate', 'prng', 'rng', 'pseudoRandomBytes'].includes(name));
const zlibNames = Object.keys(zlib).filter(name => typeof zlib[name] !== 'function' || !/^[A-Z]|^create/.test(name));
const given = {
	crypto: b => b.module(crypto, [...cryptoNames, 'webcrypto', 'subtle', 'getRandomValues']),
	zlib: b => b.module(zlib, zlibNames),
	encoding: b => b.module({TextDecoder, TextEncoder}, ['TextDecoder', 'TextEncoder']),
};

const bufferStatics = ['from', 'alloc', 'allocUnsafe', 'allocUnsafeSlow', 'concat', 'compare', 'byteLength', 'isEncoding', 'copyBytesFrom'];
const bufferMethods = Object.getOwnPropertyNames(Buffer.prototype).filter(name => !['constructor', 'parent', 'offset'].includes(name));
Buffer.poolSize = 0; // no two buffers share memory

exports.newRealm = function (worker) {
	const sandbox = Object.create(null);
	const context = vm.createContext(sandbox, {microtaskMode: 'afterEvaluate', codeGeneration: {strings: true, wasm: false}, name: 'script'});
	const realm = {context, execution: null, loaded: [], enter: null, strayed: false};

	const host = (op, ...args) => {
		bridge.settled();
		if (op === 'packages') return worker.table;
		const compute = computed[op];
		if (compute) return compute(...args);
		if (!realm.execution && op === 'random') { // drawn by a module that is made ready: no run's
			realm.strayed = true;
			return crypto.randomBytes(args[0]).toString('base64');
		}
		if (!realm.execution) throw new Error('no host');
		const answer = realm.execution.native(op, args);
		return op === 'rule' ? computed.now() : answer;
	};
	const load = name => {
		bridge.settled();
		if (name.startsWith('npm:+') && !worker.added.has(name)) {
			if (!realm.execution) return undefined;
			try {
				worker.added.set(name, realm.execution.module(name.slice(5)));
			} catch (e) {
				realm.execution.native('log', ['error', 'A package could not be loaded: ' + e.message, -1]);
				return undefined;
			}
		}
		let fn;
		try {
			fn = module_(context, name, realm.execution !== null, worker.added.get(name));
		} catch (e) {
			if (!realm.execution || !name.startsWith('npm:')) throw e;
			realm.execution.native('log', ['error', 'A package could not be loaded: ' + part('worker').wrong(e), -1]);
		}
		if (fn) realm.loaded.push(name);
		return fn;
	};
	const inner = kept('realm', () => file('node/realm.js')).runInContext(context)(host, load, Object.prototype);
	const b = bridge(inner, () => realm.execution.later());
	const modules = new Map();
	inner.native.node = name => {
		if (!modules.has(name)) modules.set(name, name === 'buffer' ? buffers() : given[name](b));
		return modules.get(name);
	};
	// buffers is from what node/modules/buffer.js builds the realm's own Buffer.
	const buffers = () => {
		const group = (object, names) => {
			const out = inner.object(null);
			for (const name of names) if (typeof object[name] === 'function') out[name] = b.wrapped(object[name], name);
			return out;
		};
		const table = inner.object(null);
		table.statics = group(Buffer, bufferStatics);
		table.methods = group(Buffer.prototype, bufferMethods);
		table.prototype = inner.wrap((self, args) => { b.buffers(args[0]); }, 'prototype');
		table.kMaxLength = require('buffer').kMaxLength;
		table.kStringMaxLength = require('buffer').constants.MAX_STRING_LENGTH;
		return table;
	};

	// turn lets work go on inside of the realm, under the clock: what it calls, and the promises that go on because of it.
	realm.turn = (work, milliseconds) => {
		sandbox.__turn = work;
		turning = realm;
		try {
			entry.runInContext(context, milliseconds === undefined ? undefined : {timeout: milliseconds});
		} finally {
			turning = null;
		}
	};
	// imported is a module around what require gives; one for each specifier. It is of the main realm, where its promises go on without the
	// script's; what scripts get of it, its namespace, has no prototype.
	const namespaces = new Map();
	realm.imported = specifier => {
		realm.execution.importing = true;
		if (namespaces.has(specifier)) return namespaces.get(specifier);
		const [names, values] = realm.enter('exported', specifier);
		const module = new vm.SyntheticModule(Array.from(names), () => { for (let i = 0; i < names.length; i++) module.setExport(names[i], values[i]); });
		const made = module.link(() => {}).then(() => module.evaluate()).then(() => module);
		namespaces.set(specifier, made);
		return made;
	};
	// made tells whether a promise is the realm's. It asks nothing that a script could answer.
	realm.made = promise => {
		for (let p = promise, n = 0; p !== null && n < 20 && !isProxy(p); p = Object.getPrototypeOf(p), n++) if (p === inner.protos.Promise) return true;
		return false;
	};
	// promises lets promise jobs go on, within a turn.
	realm.promises = () => { empty.runInContext(context); };
	realm.run = script => script.runInContext(context);
	realm.preload = names => {
		if (names.length) realm.turn(() => { realm.strayed = realm.enter('preload', names.join(' ')) || realm.strayed; });
	};
	realm.enter = kept('boot', () => file('boot')).runInContext(context);
	return realm;
};

const bytes = view => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
const began = process.hrtime.bigint();

// computed are the operations that need nothing but their arguments. They take and give primitives, and bytes.
const computed = {
	now: () => Number(process.hrtime.bigint() - began) / 1000,
	tobase64: view => bytes(view).toString('base64'),
	frombase64: text => Buffer.from(text, 'base64'),
	tohex: view => bytes(view).toString('hex'),
	fromhex: text => Buffer.from(text, 'hex'),
	utf8: text => Buffer.from(text).toString('base64'),
	string: text => Buffer.from(text, 'base64').toString('utf8'),
	isutf8: text => {
		const data = Buffer.from(text, 'base64');
		try {
			new TextDecoder('utf-8', {fatal: true}).decode(data);
			return true;
		} catch (e) {
			return false;
		}
	},
	url: (text, base) => {
		let u;
		try {
			u = base ? new URL(text, base) : new URL(text);
		} catch (e) {
			return '';
		}
		const special = /^(https?|wss?|ftp|file):$/.test(u.protocol);
		return JSON.stringify({protocol: u.protocol, username: u.username, password: u.password, hostname: u.hostname, port: u.port, pathname: u.pathname,
			search: u.search, hash: u.hash, opaque: !special && u.host === '', href: u.href});
	},
};
