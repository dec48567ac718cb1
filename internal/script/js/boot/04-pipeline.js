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
			out.failure = {rule: current, kind: isOutOfMemory(error, e) ? 'memory' : 'exception', code: 'access_denied', message: error.message};
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
	if (thrown && isOutOfMemory(e, error)) kind = 'memory';
	const failure = {rule: current, kind, code: !thrown && isUnauthorized(e) ? 'unauthorized' : 'access_denied', message: e.message, status: e.status || 0};
	if (thrown && error === null) failure.nothing = true;
	failure.name = e.name;
	if (error !== null && kind !== 'memory' && (thrown || failure.code !== 'unauthorized')) failure.stack = theirs(e); // there may be no memory for one
	if (runner) Object.assign(failure, {code: e.code || '', userId: named(error)});
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
