const loaded = new Map();
let loading = 0;             // how many modules are being loaded, one within the other

// core are Node's own modules; those that scripts cannot have (child_process, …) answer with errors that say so.
const core = new Set(('assert assert/strict async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns ' +
	'dns/promises domain events fs fs/promises http http2 https module net os path path/posix path/win32 perf_hooks process punycode querystring ' +
	'readline stream stream/promises stream/web string_decoder sys timers timers/promises tls tty url util util/types v8 vm worker_threads zlib').split(' '));

// internal is what the bundled modules share; scripts never see it.
const internal = {native, ask, call, log, text, property, headed, edge, compute, work, nextTick, clock, epoch: () => epoch < 0 ? today() : epoch, core: () => [...core], inputValue: name => input[name], npm: specifier => requireWithin(specifier)};

// load1 loads a module of the room, with what it may use of the room, or a bundle, which sees what scripts see.
function load1(name) {
	if (loaded.has(name)) return loaded.get(name).exports;
	const factory = load(name);
	if (factory === 0) throw Object.assign(new Error('out of memory'), {name: 'InternalError'});
	if (typeof factory !== 'function') throw missing(name);
	const module = {exports: {}};
	loaded.set(name, module);
	loading++;
	try {
		if (name.startsWith('npm:')) factory.call(module.exports, module, module.exports, requireWithin);
		else factory.call(undefined, module, module.exports, load1, internal);
	} catch (e) {
		loaded.delete(name);
		throw e;
	} finally {
		loading--;
	}
	return module.exports;
}

// Packages that scripts ask for and that cannot be had here.
const machineCode = new Set(['ibm_db', 'couchbase', 'oracledb', 'sqlite3', 'better-sqlite3', 'sharp', 'canvas', 'argon2']);

function missing(name, advice = '') {
	const why = machineCode.has(name.split('@')[0]) ? ': it is machine code, and scripts can load JavaScript alone' : advice;
	const error = new Error("Cannot find module '" + name + "'" + why);
	error.code = 'MODULE_NOT_FOUND';
	return error;
}

// The resolver is made when a script first requires something that is no core module.
let resolver = null;
function resolve(specifier, pins) {
	if (!resolver) resolver = load1('resolve')(parse(native('packages')), name => core.has(name));
	return resolver(specifier, pins);
}

// give is what a resolved specifier stands for.
function give(found, specifier) {
	if (found.core) return load1(found.name);
	if (found.name === 'request#fresh') return load1('request').fresh();
	if (found.manifest) return {name: found.name, version: found.version};
	let exports;
	try {
		exports = found.module.startsWith('npm:') ? part(found.module, found.part) : load1(found.module);
	} catch (e) {
		throw e && e.code === 'MODULE_NOT_FOUND' && e.message === missing(found.module).message ? missing(specifier) : e;
	}
	if (!found.member) return exports;
	if (exports === null || exports === undefined || exports[found.member] === undefined) throw missing(specifier);
	return exports[found.member];
}

// part is what requiring a part of a bundle gives.
function part(name, which) {
	loading++;
	try {
		return load1(name)[which]();
	} catch (e) {
		loaded.delete(name); // half of it is there: whoever requires it next begins anew, as with Node.js
		throw e;
	} finally {
		loading--;
	}
}

function require(specifier, pins) {
	if (typeof specifier !== 'string' || specifier === '') throw new TypeError('The "id" argument must be a string that is not empty');
	if (core.has(specifier)) return load1(specifier);
	const found = resolve(specifier, pins);
	if (!found) throw missing(specifier);
	if (found.warning) log('warn', found.warning);
	return give(found, specifier);
}

// requireWithin is the require of bundles.
function requireWithin(specifier) {
	const found = resolve(specifier);
	if (!found) throw missing(specifier);
	return give(found, specifier);
}

// exported is what import() gives of a module, as lists of names and values. The default is what require gives, and what is in it has its own
// name. Exports of an ES module that became a bundle keep theirs: their default is an accessor, unlike that of a module written as CommonJS.
function exported(specifier) {
	const script = input.trigger && input.trigger.scripts[current];
	const exports = require(specifier, script ? script.dependencies : undefined);
	const names = ['default'], values = [exports];
	if (exports === null || typeof exports !== 'object' && typeof exports !== 'function') return [names, values];
	const found = describe(exports, 'default');
	if (exports.__esModule && found && found.get) values[0] = exports.default;
	for (const name of keysOf(exports)) {
		if (name === 'default' || !name.isWellFormed()) continue;
		names.push(name);
		values.push(property(exports, name));
	}
	return [names, values];
}

// imported is the text of a module of the embedded engine that exports the same, or throws what require does. It takes them from a global that
// is there until it runs, before anything else does.
function imported(specifier) {
	let names = [], values, error;
	try {
		[names, values] = exported(specifier);
	} catch (e) {
		error = e;
	}
	define(globalThis, '__imported', {configurable: true, value: () => {
		delete globalThis.__imported;
		if (values) return values;
		inside.push(error);
		throw error;
	}});
	return 'const all = globalThis.__imported();' + names.map((name, i) => 'const v' + i + ' = all[' + i + ']; export {v' + i + ' as ' + stringify(name) + '};').join('');
}
