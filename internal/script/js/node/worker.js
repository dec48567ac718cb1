// A Node.js worker: the frames of PROTOCOL.md on stdin and stdout, and what belongs to its tenant. The server never gives a Node.js worker
// to another tenant.
'use strict';
const fs = require('fs'), vm = require('vm');
const {Execution} = part('execution'), {newRealm, importModuleDynamically} = part('context');

const maxFrame = 32 << 20, maxGlobals = 4 << 20, spareRealms = 2;

// worker is what the parts share.
const worker = exports.worker = {
	runs: new Map(),
	sources: new Map(), // scripts by hash
	scripts: new Map(), // compiled, by form and hash
	globals: new Map(), // what scripts left on `global`: name → packed, as JSON
	modules: [],        // modules that runs have loaded: the next spare realm has them ready
	spares: [],
	table: file('packages'), // packages that scripts may require, as JSON: what comes with the program, and what was added
	added: new Map(),        // texts of packages that were added, by hash
	send, realm, newRealm: () => newRealm(worker), script, compile, keep, remember, finished, waitForReply,
};

// --- frames out -------------------------------------------------------------------------------------------------------------------

const nap = new Int32Array(new SharedArrayBuffer(4));

function write(bytes) {
	for (let at = 0; at < bytes.length;) {
		try {
			at += fs.writeSync(1, bytes, at, bytes.length - at);
		} catch (e) {
			if (e.code !== 'EAGAIN') process.exit(0); // nobody reads any more
			Atomics.wait(nap, 0, 0, 1);
		}
	}
}

const withParts = 0x80000000; // in the length of a frame: documents follow its JSON, see frame.go

// send writes a message; raw holds members whose values are JSON already, parts documents that go behind the JSON. It reports false when
// the frame would be too large.
function send(message, raw, parts) {
	const more = parts && parts.length > 0;
	if (more) message.parts = parts.map(part => Buffer.byteLength(part));
	let text = JSON.stringify(message);
	for (const name in raw) text = text.slice(0, -1) + ',' + JSON.stringify(name) + ':' + raw[name] + '}';
	const head = more ? 8 : 4, length = Buffer.byteLength(text);
	const size = more ? message.parts.reduce((n, part) => n + part, 4 + length) : length;
	if (size > maxFrame) return false;
	const frame = Buffer.allocUnsafe(4 + size);
	frame.writeUInt32BE(more ? size + withParts : size, 0);
	if (more) frame.writeUInt32BE(length, 4);
	let at = head + frame.write(text, head);
	if (more) for (const part of parts) at += frame.write(part, at);
	write(frame);
	return true;
}

// --- frames in --------------------------------------------------------------------------------------------------------------------

let rest = Buffer.alloc(0);
const parked = []; // frames that came while a run waited for an answer of its own, and those behind them

// feed takes bytes and gives what frames they complete to take.
function feed(bytes, take) {
	rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
	while (rest.length >= 4) {
		const length = rest.readUInt32BE(0), more = length >= withParts, size = more ? length - withParts : length;
		if (size === 0 || size > maxFrame) process.exit(1);
		if (rest.length - 4 < size) break;
		const start = more ? 8 : 4, end = more ? start + rest.readUInt32BE(4) : 4 + size;
		const m = JSON.parse(rest.toString('utf8', start, end));
		let at = end;
		const parts = (m.parts || []).map(length => rest.toString('utf8', at, at += length));
		rest = rest.subarray(4 + size); // before it is taken: what takes it may come back here, and must not meet it again
		take(m, parts);
	}
}

function handle(m, parts) {
	switch (m.type) {
	case 'modules':
		worker.table = JSON.stringify(JSON.parse(file('packages')).concat(m.table || []));
		worker.spares.length = 0; // they were made before the table changed
		prepareLater();
		break;
	case 'load':
		worker.sources.set(m.hash, m.source);
		break;
	case 'run':
		if (m.start) {
			const e = new Execution(worker, m.run, m.start, parts);
			worker.runs.set(m.run, e);
			e.begin();
		}
		break;
	case 'check':
		check(m);
		break;
	case 'reply': {
		const e = worker.runs.get(m.run);
		if (e) e.reply(m);
		break;
	}
	case 'cancel': {
		const e = worker.runs.get(m.run);
		if (e) e.cancel();
		break;
	}
	case 'ping':
		send({type: 'pong'});
		break;
	}
}

// arrive works a frame in, or lets it wait behind those that wait: what a run brings must be there before it.
function arrive(m, parts) {
	if (parked.length > 0) parked.push([m, parts]);
	else handle(m, parts);
}

function park(m, parts) {
	if (parked.push([m, parts]) === 1) setImmediate(unpark);
}

function unpark() {
	const [m, parts] = parked.shift();
	if (parked.length > 0) setImmediate(unpark);
	handle(m, parts);
}

process.stdin.on('data', bytes => feed(bytes, arrive));
process.stdin.on('end', () => process.exit(0));
process.stdin.on('error', () => process.exit(0));

// waitForReply reads until the answer to a call is there, because a script reads it as a plain property. Other frames wait.
function waitForReply(run, call, until) {
	const buffer = Buffer.allocUnsafe(64 << 10);
	let found = null;
	while (!found && Date.now() < until) {
		let n = 0;
		try {
			n = fs.readSync(0, buffer, 0, buffer.length, null);
			if (n === 0) process.exit(0);
		} catch (e) {
			if (e.code !== 'EAGAIN') throw e;
			Atomics.wait(nap, 0, 0, 0.2);
			continue;
		}
		feed(Buffer.from(buffer.subarray(0, n)), (m, parts) => {
			if (m.type === 'reply' && m.run === run && m.call === call) found = m;
			else park(m, parts);
		});
	}
	return found;
}

// --- scripts ----------------------------------------------------------------------------------------------------------------------

function compileAs(source) {
	return new vm.Script(source, {filename: 'script.js', importModuleDynamically});
}

// compileCall tries a script of a connection as an expression, as a program, and as an expression that is followed by semicolons; see
// call_compile.go, which this follows.
function compileCall(source) {
	let worst;
	for (const text of ['return (' + source + '\n);', source + '\n;return [' + declared(source) + '];', 'return 0,' + source + '\n;']) {
		try {
			return compileAs('(function (module, exports) {' + text + ' })');
		} catch (e) {
			if (worst === undefined || line(e) > line(worst)) worst = e;
		}
	}
	throw worst;
}

const line = e => Number((/^script\.js:(\d+)/.exec(e.stack || '') || [])[1] || 0);

const reserved = new Set(('await break case catch class const continue debugger default delete do else enum export extends false finally for ' +
	'function if import in instanceof new null return super switch this throw true try typeof var void while with yield let static implements ' +
	'interface package private protected public').split(' '));

function declared(source) {
	const names = new Set();
	for (const m of source.matchAll(/\bfunction\s*\*?\s*([A-Za-z_$][\w$]*)|\b(?:var|let|const)\s+([A-Za-z_$][\w$]*)\s*=/g)) {
		const name = m[1] || m[2];
		if (names.size < 200 && !reserved.has(name)) names.add(name);
	}
	return [...names].map(name => "['" + name + "', typeof " + name + " === 'function' ? " + name + ' : null],').join('');
}

// compile compiles a script in its form. The forms are those of worker.go.
function compile(source, form) {
	source = source.replace(/^\ufeff/, '');
	const body = parameters => compileAs('(function (' + parameters + ') {' + source + '\n})');
	switch (form) {
	case 'call': return compileCall(source);
	case 'module': return body('exports, require, module');
	case 'shared': return body('exports, require, module, actions');
	case 'hook':
		try {
			return compileAs('(function (exports, require, module) { module.exports = (' + source + '\n) })');
		} catch (e) {
			return body('exports, require, module');
		}
	}
	try {
		return compileAs('(' + source + '\n)');
	} catch (e) {
		try {
			return compileAs('0,' + source + '\n');
		} catch (again) {
			throw e;
		}
	}
}

// script is a compiled script of the tenant. It is compiled once and runs in any realm.
function script(hash, form) {
	const key = form + ' ' + hash;
	if (!worker.scripts.has(key)) {
		const source = worker.sources.get(hash);
		if (source === undefined) throw new Error('script was not loaded');
		worker.scripts.set(key, compile(source, form));
	}
	return worker.scripts.get(key);
}

// wrong is what is wrong with a script, and where.
exports.wrong = function (e) {
	const line = e instanceof SyntaxError && /^script\.js:(\d+)/.exec(e.stack || '');
	return e instanceof SyntaxError ? e.name + ': ' + e.message + (line ? ' (line ' + line[1] + ')' : '') : String(e.message);
};

function check(m) {
	const answer = {type: 'checked', run: m.run};
	try {
		compile(m.source || '', m.form || '');
	} catch (e) {
		answer.text = exports.wrong(e);
	}
	const realm = worker.realm();
	answer.modules = (m.modules || []).filter(name => realm.enter('knows', name) !== true);
	send(answer);
	prepareLater();
}

// --- realms -----------------------------------------------------------------------------------------------------------------------

function realm() {
	return worker.spares.pop() || newRealm(worker);
}

// prepareLater makes up for a realm that was taken when the loop has nothing else to do.
function prepareLater() {
	setImmediate(() => {
		if (worker.spares.length >= spareRealms) return;
		const realm = newRealm(worker);
		realm.preload(worker.modules);
		worker.spares.unshift(realm);
	});
}

function remember(realm) {
	for (const name of realm.loaded) if (!worker.modules.includes(name)) worker.modules.push(name);
}

function finished(execution) {
	worker.runs.delete(execution.id);
	const cpu = process.cpuUsage();
	const done = {type: 'done', run: execution.id, usage: {cpu: Math.round((cpu.user + cpu.system) / 1000), memory: process.memoryUsage.rss()}};
	if (!execution.start.record || !send({...done, answers: execution.answers}, {globals: object(execution.before || new Map())})) send(done);
	prepareLater();
}

// object is a map of JSON texts as one.
const object = worker.object = map => '{' + [...map].map(([name, value]) => JSON.stringify(name) + ':' + value).join(',') + '}';

// keep merges what a run left on `global` into what the tenant's next runs see: only what differs from what the run began with.
function keep(before, after) {
	for (const [name, value] of after) if (before.get(name) !== value) worker.globals.set(name, value);
	for (const name of before.keys()) if (!after.has(name)) worker.globals.delete(name);
	let size = 0;
	for (const [name, value] of worker.globals) size += name.length + value.length;
	if (size > maxGlobals) worker.globals.clear();
}

// What goes wrong behind the back of everything must not end the runs that are under way.
process.on('uncaughtException', () => {});
// A promise that a script leaves rejected is told to its run.
const tell = (promise, reason, handled) => {
	for (const e of worker.runs.values()) if (e.realm && e.realm.made(promise)) return e.rejected(promise, reason, handled);
};
process.on('unhandledRejection', (reason, promise) => tell(promise, reason, false));
process.on('rejectionHandled', promise => tell(promise, undefined, true));
prepareLater();
