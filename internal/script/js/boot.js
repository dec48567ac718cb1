// The script room. It is evaluated once in every fresh realm, before any tenant's code, and returns the one function through which the
// worker drives the realm: enter(op, ...). Whatever a script does to the prototypes it sees dies with the realm.
(function () {
'use strict';

const native = globalThis.__native, load = globalThis.__load;
delete globalThis.__native;
delete globalThis.__load;

const parse = JSON.parse, stringify = JSON.stringify;
const keysOf = Object.keys, define = Object.defineProperty, describe = Object.getOwnPropertyDescriptor;
const hidden = (target, name, value) => define(target, name, {value, writable: true, configurable: true, enumerable: false});
const stopwatch = () => native('now'); // how long rules take; scripts never see it

// --- what is going on -------------------------------------------------------------------------------------------------------------

let input = {};              // what the host sent
let rules = [];              // the rules' functions, in order
let current = -1;            // index of the rule that is running
let phase = 'idle';          // idle | ready (the next rule may start) | waiting (for a callback) | ended (the outcome is out)
let user, context;           // the live objects
let eventText = '';          // the event of a trigger, as JSON
let merged = [];             // [key, value] pairs that came from app_metadata
let projected = new Set();   // those of them that a rule has set
let began = 0;               // when the current rule started
let start = 0;               // when the run did
let runner = null;           // calls actions and hooks; null: rules
const timings = [];
let timing = null;           // the last of them, while it lacks how long it took
const old = [];              // what rules used that newer runtimes of theirs do not have: {rule, what}

// --- time and chance --------------------------------------------------------------------------------------------------------------

// What scripts take for the time stands still while they run, and moves with what happens to them: a timer that is due, an answer that
// has come. So a run can be repeated, whatever the machine is doing. All times are microseconds since the run began.
let now = 0;
let epoch = -1;              // when the run began, in milliseconds since 1970; -1: none has begun
let looks = 0;               // how often scripts have looked at the clock since something happened
let strayed = 0;             // what was taken before the run began, while modules were being made ready: 1 the time, 2 random numbers
const patience = 100;        // looks after which the clock moves on by itself, for scripts that wait in a loop

function clock() {
	if (++looks > patience) now += 10;
	return now;
}

// happened moves the clock to when something is due or came.
function happened(at) {
	looks = 0;
	if (at > now) now = at;
}

const OwnDate = Date, ownNow = Date.now, ownRandom = Math.random, construct = Reflect.construct;
function today() {
	if (epoch >= 0) return epoch + Math.floor(clock() / 1000);
	strayed |= 1;
	return ownNow();
}
globalThis.Date = new Proxy(OwnDate, {
	apply: () => new OwnDate(today()).toString(),
	construct: (target, args, to) => construct(target, args.length === 0 ? [today()] : args, to),
});
hidden(globalThis, 'Date', globalThis.Date);
hidden(OwnDate.prototype, 'constructor', Date);
hidden(OwnDate, 'now', function now() { return today(); });

// The generator behind Math.random is sfc32, begun with the run's seed; it is not for secrets, and neither is Math.random.
let chanceA = 1, chanceB = 2, chanceC = 3, chanceD = 4, unsown = '';
function draw() {
	if (unsown !== '') sow();
	const b = chanceB, c = chanceC, out = (chanceA + b | 0) + chanceD | 0;
	chanceA = b ^ b >>> 9;
	chanceB = c + (c << 3) | 0;
	chanceC = (c << 21 | c >>> 11) + out | 0;
	chanceD = chanceD + 1 | 0;
	return out >>> 0;
}
const number = parseInt, slice = Function.prototype.call.bind(String.prototype.slice);
function sow() { // most runs draw nothing
	const seed = unsown, part = at => number(slice(seed, at, at + 8), 16) | 0;
	unsown = '';
	chanceA = part(0);
	chanceB = part(8);
	chanceC = part(16);
	chanceD = part(24);
	for (let i = 0; i < 12; i++) draw();
}
hidden(Math, 'random', function random() {
	if (epoch >= 0) return ((draw() >>> 5) * 67108864 + (draw() >>> 6)) / 9007199254740992;
	strayed |= 2;
	return ownRandom();
});

// --- errors -----------------------------------------------------------------------------------------------------------------------

// site is a line of a stack as V8 gives it to Error.prepareStackTrace, which packages (depd) use to find who called them.
function site(line) {
	const [, name, place] = /^\s*at (?:(.*) \()?([^()]*)\)?$/.exec(line) || ['', '', line];
	const [, file, row, column] = /^(.*?)(?::(\d+))?(?::(\d+))?$/.exec(place);
	const none = () => undefined, no = () => false;
	return {
		getFileName: () => file, getLineNumber: () => Number(row) || null, getColumnNumber: () => Number(column) || null, getFunctionName: () => name || null,
		getTypeName: () => 'Object', getMethodName: () => null, getEvalOrigin: () => file, getThis: none, getFunction: none,
		isEval: no, isToplevel: () => true, isConstructor: no, isNative: () => place === 'native', toString: () => text(line).trim().replace(/^at /, ''),
	};
}

// heading is what a stack begins with.
const heading = error => {
	const name = property(error, 'name'), message = property(error, 'message');
	const title = name === undefined ? 'Error' : text(name);
	return message === undefined || message === '' ? title : title === '' ? text(message) : title + ': ' + text(message);
};

// headed gives it to the stack of an error that the engine has thrown by itself.
function headed(error) {
	const stack = property(error, 'stack');
	if (typeof stack !== 'string' || slice(stack, 0, 7) !== '    at ') return;
	try {
		define(error, 'stack', {value: heading(error) + '\n' + stack, writable: true, configurable: true, enumerable: false});
	} catch (e) {
		// it is frozen
	}
}

// The engine's own stacks are frames alone. Those of V8, which scripts print and packages read, begin with what the error says when somebody first
// looks at its stack.
if (!Error.captureStackTrace) {
	const OwnError = Error, find = Function.prototype.call.bind(String.prototype.indexOf);
	const below = (stack, lines) => {
		let from = 0;
		for (; lines > 0; lines--) from = find(stack, '\n', from) + 1;
		return slice(stack, from);
	};
	const trace = (error, stack, own) => define(error, 'stack', {
		configurable: true, enumerable: false,
		get() {
			const frames = below(stack, own), value = heading(error) + '\n' + (slice(frames, -1) === '\n' ? slice(frames, 0, -1) : frames);
			if (Object.isExtensible(error)) hidden(error, 'stack', value);
			return value;
		},
		set(value) { hidden(this, 'stack', value); },
	});
	// The frames of construct, of made, and of the trap are not the script's.
	const made = (make, args, to) => {
		const error = construct(make, args, to), stack = property(error, 'stack');
		return typeof stack === 'string' ? trace(error, stack, 3) : error; // there may be no memory for one
	};
	for (const name of ['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError']) {
		const make = globalThis[name];
		const wrapped = new Proxy(make, {apply: (target, self, args) => made(target, args, wrapped), construct: (target, args, to) => made(target, args, to)});
		hidden(make.prototype, 'constructor', wrapped);
		hidden(globalThis, name, wrapped);
		if (make !== OwnError) Object.setPrototypeOf(make, Error);
	}
	hidden(Error, 'stackTraceLimit', 10);
	hidden(Error, 'captureStackTrace', function captureStackTrace(target, above) {
		let frames = below(new OwnError().stack, 1);
		const from = typeof above === 'function' ? find(frames, '    at ' + above.name + ' (') : -1;
		if (from >= 0) frames = below(slice(frames, from), 1);
		const prepare = Error.prepareStackTrace;
		if (typeof prepare !== 'function') trace(target, frames, 0);
		else hidden(target, 'stack', prepare(target, frames.split('\n').filter(line => line !== '').map(site)));
	});
}

class UnauthorizedError extends Error {
	constructor(message) {
		super(message);
		this.name = 'UnauthorizedError';
		this.code = 'unauthorized';
		this.description = message;
		this.statusCode = 401;
	}
}
class ValidationError extends Error {
	constructor(code, message) {
		super(message);
		this.name = 'ValidationError';
		this.code = code;
		this.description = message;
		this.statusCode = 400;
	}
}
class WrongUsernameOrPasswordError extends Error {
	constructor(userID, message) {
		super(message);
		this.name = 'WrongUsernameOrPasswordError';
		this.code = 'wrongusernameorpassword';
		this.user_id = userID;
		this.description = message;
		this.statusCode = 400;
	}
}

// text turns anything into a string, whatever its getters and toString do.
function text(value) {
	try {
		return String(value);
	} catch (e) {
		return '[unprintable]';
	}
}

// property reads a member that may be a hostile getter or sit behind a proxy.
function property(object, name) {
	try {
		return object[name];
	} catch (e) {
		return undefined;
	}
}

// normalise is the error as it crosses the boundary: a string becomes a message, an object gives the members known to callers.
function normalise(error) {
	if (error === null || (typeof error !== 'object' && typeof error !== 'function')) {
		return {name: 'Error', message: text(error)};
	}
	const out = {};
	headed(error);
	for (const name of ['name', 'message', 'code', 'description', 'user_id', 'stack']) {
		const value = property(error, name);
		if (typeof value === 'string' || typeof value === 'number') out[name] = text(value);
	}
	const status = property(error, 'statusCode') || property(error, 'status_code');
	if (typeof status === 'number') out.status = status;
	if (!out.name) out.name = 'Error';
	if (!out.message) out.message = out.description || out.name;
	return out;
}

// named is whom an error is about; empty if it says nobody.
const named = error => {
	const id = error !== null && typeof error === 'object' ? property(error, 'user_id') : '';
	return id ? text(id).slice(0, 255) : '';
};

const isUnauthorized = e => e.name === 'UnauthorizedError';
const isOutOfMemory = e => e.name === 'InternalError' && e.message === 'out of memory';

// --- the pipeline -----------------------------------------------------------------------------------------------------------------

// finish hands the outcome to the host, once.
function finish(failure) {
	if (phase === 'ended') return;
	phase = 'ended';
	timed(stopwatch());
	const out = {failure, timings};
	if (old.length > 0) out.deprecated = old;
	let userText, contextText; // beside the rest: JSON within JSON would cost as much again
	if (!failure && runner) {
		out[runner.reports || 'effects'] = runner.report();
	} else if (!failure) {
		try {
			userText = stringify(user);
			contextText = stringify(context);
		} catch (e) {
			const error = normalise(e);
			out.failure = {rule: current, kind: 'exception', code: 'access_denied', message: error.message};
		}
		out.merged = [];
		for (const [key, value] of merged) if (user[key] === value && !projected.has(key)) out.merged.push(key);
	}
	native('outcome', stringify(out), userText, contextText);
}

function stop(kind, error) {
	if (phase === 'ended') return;
	time(kind);
	const e = normalise(error);
	const thrown = kind === 'exception';
	if (thrown && isOutOfMemory(e)) kind = 'memory';
	const failure = {rule: current, kind, code: !thrown && isUnauthorized(e) ? 'unauthorized' : 'access_denied', message: e.message, status: e.status || 0};
	if (thrown && error === null) failure.nothing = true;
	if (runner) Object.assign(failure, {code: e.code || '', name: e.name, stack: (e.stack || '').slice(0, 4096), userId: named(error)});
	finish(failure);
}

// time notes how a rule ended. How long it took is known when the next one starts, or the run is over: looking at the clock costs.
function time(outcome) {
	timing = {rule: current, micros: 0, outcome};
	if (runner) timing.began = Math.round(began - start);
	timings.push(timing);
}

function timed(at) {
	if (timing) timing.micros = Math.round(at - began);
	timing = null;
}

// pipe is what the runner of actions and hooks knows of the pipeline.
const pipe = () => ({
	input: input.trigger || input.call, event: eventText, functions: rules, require, missing, log,
	settled(index) {
		if (index !== current || phase !== 'waiting') return;
		time('continued');
		phase = 'ready';
	},
	failed(index, kind, error) {
		if (index === current && phase === 'waiting') stop(kind, error);
		else late(error, index);
	},
});

// uncaught is an exception that nobody handles, thrown by a timer or by a callback of an outgoing call.
function uncaught(error) {
	if (phase === 'ended') {
		const e = normalise(error);
		log('error', 'Uncaught after the last callback: ' + e.name + ': ' + e.message);
		return;
	}
	stop('exception', error);
}

// Promises that were rejected and that nobody looks at, with their reasons. While a script is to call back such a one ends the run, as it ends Node.js:
// else its text would be nowhere, and the run would wait until its time is up. That happens before the clock moves on: who looks at a promise by then
// has looked at it.
const unheeded = new Map();
let newest = 0;              // the last timer that there was when the first of them was noted: those behind it could go on for ever

function rejected(promise, reason, handled) {
	if (unheeded.size === 0) newest = sequence;
	if (handled) unheeded.delete(promise);
	else unheeded.set(promise, reason);
}

function giveUp() {
	const reasons = [...unheeded.values()];
	unheeded.clear();
	for (const reason of reasons) {
		if (phase === 'waiting') {
			stop('exception', reason);
			continue;
		}
		const e = normalise(reason);
		log('error', 'Unhandled rejection: ' + e.name + ': ' + e.message);
	}
}

// The embedded engine notes such promises here, each with its reason, or with the array itself when somebody looks at it after all; the first
// rejection tells it where. Node.js tells its worker.
const notes = [];
const inside = [];           // reasons of promises of the engine's own: of modules that threw when they were imported

function rejections(count) {
	const noted = notes.slice(0, count);
	notes.length = 0;
	for (let i = 0; i < count; i += 2) {
		const at = inside.indexOf(noted[i + 1]);
		if (at < 0) rejected(noted[i], noted[i + 1], noted[i + 1] === notes);
		else inside.splice(at, 1);
	}
}

function call(fn, ...args) {
	try {
		fn(...args);
	} catch (e) {
		uncaught(e);
	}
}

function callbackFor(index) {
	return function callback(error, nextUser, nextContext) {
		if (index !== current || phase !== 'waiting') {
			log('warning', 'callback was called more than once; the first call stands', index);
			return;
		}
		if (error) {
			stop('callback', error);
			return;
		}
		if (nextUser !== null && typeof nextUser === 'object') user = nextUser;
		else if (nextUser !== undefined && nextUser !== null) log('warning', 'callback got a user that is no object; it is ignored', index);
		if (nextContext !== null && typeof nextContext === 'object') context = nextContext;
		else if (nextContext !== undefined && nextContext !== null) log('warning', 'callback got a context that is no object; it is ignored', index);
		time('continued');
		phase = 'ready';
	};
}

// advance starts the next rule. It is called by the worker's loop only, never by a callback, so that a hundred rules that call back
// synchronously do not recurse, and what a rule does after its callback is done before the next rule starts.
function advance() {
	current++;
	const count = runner ? runner.count : rules.length;
	if (current >= count || runner && runner.over()) {
		current--;
		finish(null);
		return;
	}
	phase = 'waiting';
	const index = current;
	const at = native('rule', index); // and what the stopwatch shows
	timed(at);
	began = at;
	if (runner) {
		try {
			runner.start(index);
		} catch (e) {
			if (phase === 'waiting') stop('exception', e);
			else late(e, index);
		}
		return;
	}
	let result;
	try {
		result = (0, rules[index])(user, context, callbackFor(index)); // this is what it is for any function
	} catch (e) {
		if (phase === 'waiting') stop('exception', e);
		else late(e, index);
		return;
	}
	if (result === null || typeof result !== 'object') return;
	const then = property(result, 'then');
	if (typeof then !== 'function') return;
	const rejected = e => {
		if (phase === 'waiting' && current === index) stop(isUnauthorized(normalise(e)) ? 'callback' : 'exception', e);
		else late(e, index);
	};
	try {
		then.call(result, undefined, rejected);
	} catch (e) {
		rejected(e);
	}
}

function late(error, index) {
	const e = normalise(error);
	log('error', 'Thrown after the callback: ' + e.name + ': ' + e.message, index);
}

// Names that app_metadata cannot put at the root of the user, because the server owns them.
const reserved = new Set(['__tenant', '_id', 'blocked', 'clientID', 'created_at', 'email_verified', 'email', 'globalClientID',
	'global_client_id', 'identities', 'lastIP', 'lastLogin', 'loginsCount', 'metadata', 'multifactor_last_modified', 'multifactor',
	'updated_at', 'user_id', 'app_metadata', 'user_metadata', '__proto__']);

// begin takes the host's input, builds what the rules see and runs nothing yet. first and second are the JSON of user and context; first alone
// is that of a trigger's event.
function begin(json, kept, first, second) {
	input = parse(json);
	if (input.trigger) {
		eventText = first;
	} else if (first) {
		input.user = parse(first);
		input.context = parse(second);
	}
	start = stopwatch();
	if (input.trigger) {
		runner = load1('trigger')(pipe());
		if (!input.trigger.hook) for (const name of ofRules) delete globalThis[name];
		if (kept) unpackGlobals(kept);
		phase = 'ready';
		return;
	}
	if (input.call) {
		runner = load1('call')(pipe());
		hidden(globalThis, 'configuration', input.configuration || {});
		if (kept) unpackGlobals(kept);
		phase = 'ready';
		return;
	}
	user = input.user;
	context = input.context;
	const meta = user.app_metadata;
	if (meta !== null && typeof meta === 'object') {
		for (const key of keysOf(meta)) {
			if (reserved.has(key)) continue;
			const value = meta[key] !== null && typeof meta[key] === 'object' ? parse(stringify(meta[key])) : meta[key];
			merged.push([key, value]);
			// user.plan = user.app_metadata.plan changes nothing and yet says that the rule wants it there.
			Object.defineProperty(user, key, {
				configurable: true, enumerable: true, get: () => value,
				set: to => {
					projected.add(key);
					Object.defineProperty(user, key, {value: to, writable: true, configurable: true, enumerable: true});
				},
			});
		}
	}
	hidden(globalThis, 'configuration', input.configuration || {});
	hidden(globalThis, 'auth0', auth0());
	if (kept) unpackGlobals(kept);
	phase = 'ready';
}

function auth0() {
	const update = kind => function (userID, patch, callback) {
		const done = typeof callback === 'function' ? callback : null;
		const updated = new Promise((resolve, reject) => {
			if (typeof userID !== 'string' || userID === '') throw new TypeError('The first argument of auth0.users.update* must be a user id (a string)');
			if (patch === null || typeof patch !== 'object') throw new TypeError('The second argument of auth0.users.update* must be an object');
			ask('metadata', {user_id: userID, kind, patch}, (error, value) => {
				if (error) reject(error);
				else resolve(value);
				if (!done) return;
				then.call(updated, undefined, () => {}); // who is called back need not look at the promise
				done(error, value);
			});
		});
		return updated;
	};
	const object = {
		users: {updateUserMetadata: update('user_metadata'), updateAppMetadata: update('app_metadata')},
		domain: input.domain,
		baseUrl: input.baseUrl,
	};
	define(object, 'accessToken', {
		enumerable: true, configurable: true,
		get() {
			const token = native('token');
			define(object, 'accessToken', {value: token, enumerable: true, configurable: true, writable: true});
			return token;
		},
	});
	return object;
}

// --- calls to the host ------------------------------------------------------------------------------------------------------------

const waiting = new Map();   // call id → function (error, value)

function ask(method, params, done) {
	waiting.set(native('call', method, stringify(params)), done);
}

function settle(id, failed, json, at) {
	happened(at);
	const done = waiting.get(id);
	if (!done) return;
	waiting.delete(id);
	const value = parse(json);
	if (!failed) return call(done, null, value);
	call(done, errorOf(value));
}

// compute lets the host program work out something that needs nothing but its arguments, and takes its text or its error.
function compute(op, ...args) {
	const out = native(op, ...args);
	if (typeof out !== 'string' || out.charCodeAt(0) !== 33) return out;
	throw errorOf(parse(out.slice(1)));
}

// work is compute beside the event loop: done gets the error or the text.
function work(op, args, done) {
	waiting.set(native('work', op, ...args), (error, out) => {
		if (typeof out !== 'string' || out.charCodeAt(0) !== 33) return done(null, out);
		done(errorOf(parse(out.slice(1))));
	});
}

// errorOf is an Error with the members that the host gave it.
function errorOf(value) {
	const error = new (value.name === 'TypeError' ? TypeError : value.name === 'RangeError' ? RangeError : Error)(value.message);
	for (const key of keysOf(value)) if (key !== 'message' && (key !== 'name' || error.name !== value.name)) error[key] = value[key];
	return error;
}

// --- timers -----------------------------------------------------------------------------------------------------------------------

const maxTimers = 10000;
const due = [];              // timers by time, then by age
let sequence = 0;

class Timeout {
	constructor(fn, delay, args, repeat) {
		delay = Number(delay);
		if (!(delay >= 1 && delay <= 0x7fffffff)) delay = 1;
		this.id = ++sequence;
		hidden(this, 'fn', fn);
		hidden(this, 'delay', delay);
		hidden(this, 'args', args);
		hidden(this, 'repeat', repeat);
		hidden(this, 'held', true);
		this.set();
	}
	// set says when the timer is due by the run's clock, and when that is.
	set() {
		hidden(this, 'at', now + this.delay * 1000);
		hidden(this, 'due', stopwatch() + this.delay * 1000);
	}
	ref() { this.held = true; return this; }
	unref() { this.held = false; return this; }
	hasRef() { return this.held; }
	refresh() { if (drop(this)) { this.set(); keep(this); } return this; }
	[Symbol.toPrimitive]() { return this.id; }
}

function keep(timer) {
	if (due.length >= maxTimers) throw new RangeError('Too many timers');
	let low = 0, high = due.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (due[middle].at <= timer.at) low = middle + 1; else high = middle;
	}
	due.splice(low, 0, timer);
	return timer;
}

function drop(timer) {
	const at = due.findIndex(t => t === timer || t.id === timer);
	if (at < 0) return false;
	due.splice(at, 1);
	return true;
}

function timerFunction(fn) {
	if (typeof fn !== 'function') throw new TypeError('The "callback" argument must be of type function');
	return fn;
}
const setTimeout = (fn, delay, ...args) => keep(new Timeout(timerFunction(fn), delay, args, false));
const setInterval = (fn, delay, ...args) => keep(new Timeout(timerFunction(fn), delay, args, true));
const setImmediate = (fn, ...args) => {
	const timer = new Timeout(timerFunction(fn), 1, args, false);
	timer.at = timer.due = 0;
	return keep(timer);
};
define(setTimeout, Symbol.for('nodejs.util.promisify.custom'), {value: (delay, value, options) => load1('timers/promises').setTimeout(delay, value, options)});
define(setImmediate, Symbol.for('nodejs.util.promisify.custom'), {value: (value, options) => load1('timers/promises').setImmediate(value, options)});
const clearTimer = timer => {
	if (timer !== undefined && timer !== null) drop(typeof timer === 'string' ? Number(timer) : timer);
};

// What process.nextTick queues runs when what is going on has returned, before promises go on, as in Node.
let ticks = [];
const resolved = Promise.resolve(), then = resolved.then;
const microtask = fn => { then.call(resolved, fn); };

function nextTick(fn, ...args) {
	if (ticks.push([timerFunction(fn), args]) === 1) native('ticks'); // what promises queue runs when no promise can go on
}

function drain() {
	while (ticks.length > 0) {
		const batch = ticks;
		ticks = [];
		for (const [fn, args] of batch) call(fn, ...args);
	}
}

// horizon is the time of what happens now, if it is elapsed microseconds since the run began: before all timers that are not due yet.
function horizon(elapsed) {
	const time = stopwatch(), next = due.find(timer => timer.due > time);
	return Math.max(next ? Math.min(elapsed, next.at - 2) : elapsed, now);
}

// tick does one thing that is due and says when to come back: 0 at once, else in so many microseconds, -1 when only calls are waited for.
// An answer that comes at a time lets everything happen first that is due until then. Where still is set nothing happens that moves the clock: -2
// says that something would.
function tick(until, still) {
	if (phase === 'ready') {
		advance();
		return 0;
	}
	const timer = due[0];
	if (unheeded.size > 0 && !(timer && timer.at <= now && timer.id <= newest)) {
		giveUp();
		return 0;
	}
	if (!timer) return -1;
	let left = timer.due - stopwatch(); // microseconds
	if (until !== undefined) left = timer.at > now ? timer.at - until : 0;
	if (left > 0) return phase !== 'waiting' && !due.some(t => t.held) ? -1 : left;
	if (still && timer.at > now) return -2;
	due.shift();
	happened(timer.at);
	if (timer.repeat) {
		timer.set();
		keep(timer);
	}
	call(timer.fn, ...timer.args);
	return 0;
}

// --- console ----------------------------------------------------------------------------------------------------------------------

const lineLimit = 8192;

// log says something on the console. The level warning is that of the host itself: what a script asked for has no effect.

function log(level, line, rule) {
	line = text(line);
	native('log', level, line.length > lineLimit ? line.slice(0, lineLimit) + '…' : line, rule === undefined ? current : rule);
}

// plain tells whether a line needs none of util, which takes a while to load: words and numbers, and no marks to be filled in.
const plain = args => args.every((a, i) => typeof a === 'string' ? i > 0 || !a.includes('%') : typeof a === 'boolean' || a === undefined || a === null || typeof a === 'number' && !Object.is(a, -0));

const consoleLine = level => (...args) => {
	let line;
	try {
		line = args.length === 1 && typeof args[0] === 'string' ? args[0] : plain(args) ? args.map(String).join(' ') : require('util').format(...args);
	} catch (e) {
		line = '[unprintable]';
	}
	log(level, line);
};
const levels = {log: 'log', info: 'info', warn: 'warn', error: 'error', trace: 'trace', debug: 'debug', dir: 'log'};
const console = {};
for (const name of keysOf(levels)) console[name] = consoleLine(levels[name]);
console.time = console.timeEnd = console.group = console.groupEnd = console.table = console.assert = console.count = function () {};

// --- modules ----------------------------------------------------------------------------------------------------------------------

const loaded = new Map();
let loading = 0;             // how many modules are being loaded, one within the other

// core are Node's own modules; those that scripts cannot have (child_process, …) answer with errors that say so.
const core = new Set(('assert assert/strict async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns ' +
	'dns/promises domain events fs fs/promises http http2 https module net os path path/posix path/win32 perf_hooks process punycode querystring ' +
	'readline stream stream/promises stream/web string_decoder sys timers timers/promises tls tty url util util/types v8 vm worker_threads zlib').split(' '));

// internal is what the bundled modules share; scripts never see it.
const internal = {native, ask, call, log, text, property, headed, compute, work, nextTick, clock, epoch: () => epoch < 0 ? today() : epoch, core: () => [...core], inputValue: name => input[name], npm: specifier => requireWithin(specifier)};

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

function missing(name) {
	const why = machineCode.has(name.split('@')[0]) ? ': it is machine code, and scripts can load JavaScript alone' : '';
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

// --- locales ----------------------------------------------------------------------------------------------------------------------

// Node.js has all of them. Here js/modules/locale.js does what can be done right, and refuses the rest.
if (typeof Intl === 'undefined') {
	const localised = {Number: ['toLocaleString'], BigInt: ['toLocaleString'], Date: ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString'],
		String: ['localeCompare', 'toLocaleUpperCase', 'toLocaleLowerCase'], Array: ['toLocaleString']};
	for (const type of keysOf(localised)) for (const name of localised[type]) {
		hidden(globalThis[type].prototype, name, {[name](...args) { return load1('locale')[type][name](this, ...args); }}[name]);
	}
}

// --- globals ----------------------------------------------------------------------------------------------------------------------

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

const operations = {
	time(at, seed) {
		epoch = at;
		unsown = seed;
	},
	// add takes the functions of scripts and tells how many there are before the first that is none.
	add(...functions) {
		for (let i = 0; i < functions.length; i++) {
			if (typeof functions[i] !== 'function') return i;
			rules.push(functions[i]);
		}
		return functions.length;
	},
	begin, tick, horizon, happened, settle, drain, exported, imported, rejected, rejections,
	notes() {
		Promise.reject(notes);
		keysOf(globalThis); // makes what the engine makes when it is first looked at: every run would make it anew
	},
	knows: specifier => resolve(specifier) !== null,
	resolves: specifier => stringify(resolve(specifier)),
	globals() {
		for (const name of keysOf(globalThis)) if (!own.has(name)) return packGlobals();
		return '';
	},
	preload(names) { // the name of one that could not be loaded: this realm is not to be used; else what they took of time and chance
		for (const name of names.split(' ')) {
			try {
				if (name.startsWith('npm:')) part(name, '');
				else load1(name);
			} catch (e) {
				return name;
			}
		}
		return strayed;
	},
};
let told = 0;                // the time that the worker knows
return (op, ...args) => {
	const out = operations[op](...args);
	if (ticks.length > 0 && op !== 'exported' && op !== 'imported') drain(); // these are asked for in the middle of a script
	if (now !== told) native('at', told = now);
	return out;
};
})()
