// How the scripts of a trigger are called and what they may ask for: actions one after the other, or one hook. What is special to a
// trigger is in js/triggers. module.exports(pipe) returns the runner that js/boot drives; pipe is what it may use of it.
'use strict';

const parse = JSON.parse, stringify = JSON.stringify, keysOf = Object.keys, define = Object.defineProperty, isArray = Array.isArray;
const Promised = Promise, {text, property, edge} = internal;

const put = (object, name, value) => define(object, name, {value, writable: true, configurable: true, enumerable: true});

// Limits of api.cache, in bytes and milliseconds.
const maxEntries = 20, maxKey = 64, maxValue = 4096, maxCache = 8192, maxLife = 24 * 3600e3, usualLife = 15 * 60e3;

// Limits of metadata of the transaction, in bytes.
const maxName = 64, maxText = 8192;

function bytes(s) {
	let n = 0;
	for (const c of s) {
		const p = c.codePointAt(0);
		n += p < 0x80 ? 1 : p < 0x800 ? 2 : p < 0x10000 ? 3 : 4;
	}
	return n;
}

// unchanged is what scripts change of a session or a refresh token, at first.
const unchanged = () => ({expiresAt: 0, idleExpiresAt: 0, cookieMode: '', evict: false, metadata: new Map()});

module.exports = function (pipe) {
	const input = pipe.input, trigger = require('trigger:' + input.id), eventText = pipe.event;
	const effects = {denied: null, scopes: [], methods: [], primary: '', revoke: '', keepTokens: false, suspend: null, factor: null, unsupported: ''};
	const claims = {id: new Map(), access: new Map()}, metadata = {user: new Map(), app: new Map()}, transaction = new Map(), answers = new Map();
	const records = new Map(), touched = new Set();
	for (const key of keysOf(input.cache)) records.set(key, input.cache[key]);
	const changes = {session: unchanged(), refreshToken: unchanged()}, setBy = {user: new Map(), app: new Map()};
	let primaryBy = -1;
	let current = -1, open = false, event = null;

	// keep takes a value as it is now; undefined takes back what was set before.
	function keep(map, name, value, what) {
		if (typeof name !== 'string' || name === '') throw new TypeError('The name of ' + what + ' must be a string that is not empty');
		const json = stringify(value);
		if (json === undefined) map.delete(name);
		else map.set(name, json);
	}

	// overlay shows a script what the ones before it have set.
	function overlay(object, name, map) {
		if (object === null || typeof object !== 'object' || map.size === 0) return;
		if (object[name] === null || typeof object[name] !== 'object') put(object, name, {});
		for (const [key, json] of map) {
			if (json === 'null') delete object[name][key];
			else put(object[name], key, parse(json));
		}
	}

	// adopt takes over the transaction's metadata of before.
	function adopt(of) {
		const old = of && of.metadata;
		if (old !== null && typeof old === 'object') for (const name of keysOf(old)) transaction.set(name, stringify(old[name]));
	}

	// reshow shows a script what the ones before it have changed of a session or refresh token.
	function reshow(change, of) {
		if (of === null || typeof of !== 'object') return;
		if (change.evict) put(of, 'metadata', {});
		overlay(of, 'metadata', new Map([...change.metadata].map(([name, content]) => [name, stringify(content)])));
	}

	const failed = code => ({type: 'error', code});
	const value = fn => { fn.answers = true; return fn; }; // its result is the caller's; other functions of an api return the api
	const cache = {
		get: value(key => {
			const record = records.get(text(key));
			return record && record.expires_at > Date.now() ? {value: record.value, expires_at: record.expires_at} : undefined;
		}),
		set: value((key, content, options) => {
			key = text(key);
			if (typeof content !== 'string') return failed('FailedToSetCacheRecord');
			if (bytes(key) > maxKey) return failed('CacheKeySizeExceeded');
			if (bytes(content) > maxValue) return failed('CacheValueSizeExceeded');
			const now = Date.now(), {ttl, expires_at: at} = options || {};
			for (const n of [ttl, at]) if (n !== undefined && !(typeof n === 'number' && n === n)) return failed('InvalidExpiry');
			const until = Math.min(ttl === undefined ? Infinity : now + ttl, at === undefined ? Infinity : at);
			if (until <= now) return failed('ItemAlreadyExpired');
			let size = bytes(key) + bytes(content), count = 1;
			for (const [k, r] of records) {
				if (k === key || r.expires_at <= now) continue;
				size += bytes(k) + bytes(r.value);
				count++;
			}
			if (size > maxCache || count > maxEntries) return failed('CacheSizeExceeded');
			const record = {value: content, expires_at: Math.round(until === Infinity ? now + usualLife : Math.min(until, now + maxLife))};
			records.set(key, record);
			touched.add(key);
			return {type: 'success', record: {value: record.value, expires_at: record.expires_at}};
		}),
		delete: value(key => {
			key = text(key);
			if (!records.delete(key)) return failed('CacheKeyDoesNotExist');
			touched.add(key);
			return {type: 'success'};
		}),
	};

	// What the files of the triggers build an api from.
	const tools = {
		input, value, cache, log: pipe.log,
		event: () => event,
		deny(code, reason, message) {
			if (effects.denied) return;
			effects.denied = {script: current, code, reason: reason === undefined ? '' : text(reason), message: message === undefined ? '' : text(message)};
		},
		claim: token => (name, content) => keep(claims[token], name, content, 'a claim'),
		metadata: kind => (name, content) => {
			keep(metadata[kind], name, content, 'metadata');
			setBy[kind].set(name, current);
		},
		// access is the part of an api that changes a session or a refresh token, which the event shows as property of it.
		access(what, shown) {
			const change = changes[what];
			const until = member => ms => {
				if (typeof ms !== 'number' || !(ms > 0 && ms < 8.64e15)) throw new TypeError('A time must be a number of milliseconds');
				change[member] = change[member] ? Math.min(change[member], Math.round(ms)) : Math.round(ms);
			};
			const seen = () => {
				const of = event[shown];
				if (of === null || typeof of !== 'object') return {};
				if (of.metadata === null || typeof of.metadata !== 'object') put(of, 'metadata', {});
				return of.metadata;
			};
			const set = (name, content) => {
				if (typeof name !== 'string' || name === '') throw new TypeError('The name of metadata must be a string that is not empty');
				if (content !== null && typeof content !== 'string') throw new TypeError('The value of metadata must be a string');
				change.metadata.set(name, content);
				if (content === null) delete seen()[name];
				else put(seen(), name, content);
			};
			return {
				setExpiresAt: until('expiresAt'), setIdleExpiresAt: until('idleExpiresAt'), setMetadata: set, deleteMetadata: name => set(name, null),
				evictMetadata() {
					change.metadata.clear();
					change.evict = true;
					for (const name of keysOf(seen())) delete seen()[name];
				},
			};
		},
		// answer keeps what is special to the trigger; undefined takes back what was set before.
		answer: (name, content) => keep(answers, name, content, 'an answer'),
		answered: name => answers.has(name),
		cookieMode(mode) {
			if (mode !== 'persistent' && mode !== 'non-persistent') throw new TypeError("The mode of the cookie must be 'persistent' or 'non-persistent'");
			changes.session.cookieMode = mode;
		},
		primary(id) {
			if (typeof id !== 'string' || id === '' || id.length > 128) throw new TypeError('The primary user must be the id of a user');
			if (effects.primary && effects.primary !== id) throw new Error('The primary user was set before');
			effects.primary = id;
			primaryBy = current;
		},
		method(url) {
			if (typeof url !== 'string' || url.length > 2048 || !/^https?:\/\/[^/]/i.test(url)) throw new TypeError('A method must be an http or https address');
			if (!input.resume || current !== 0) throw new Error('A method can be recorded only when the person has come back');
			effects.methods.push(url);
		},
		transaction(name, content) {
			if (typeof name !== 'string' || bytes(name) > maxName || typeof content === 'string' && bytes(content) > maxText) {
				pipe.log('warning', 'api.transaction.setMetadata: the name or the value is too long; it is not kept');
				return;
			}
			keep(transaction, name, content, 'metadata');
			if (content === undefined) transaction.set(name, 'null');
			overlay(event.transaction, 'metadata', transaction);
		},
		scope(op, scopes) {
			for (const s of scopes) if (typeof s !== 'string') throw new TypeError('A scope must be a string');
			effects.scopes.push([op, ...scopes]);
		},
		revoke(what, keepTokens) {
			effects.revoke = what;
			effects.keepTokens = Boolean(keepTokens);
		},
		// suspend lets no script run behind the current one until the person has done something.
		suspend(kind, details) { effects.suspend = {script: current, kind, details: stringify(details)}; },
		suspended: () => effects.suspend ? effects.suspend.kind : '',
		// resumed tells whether the current script goes on for somebody who has come back.
		resumed: () => Boolean(input.resume) && current === 0,
		factor(demand) { effects.factor = demand; },
		unsupported: name => () => { if (!effects.unsupported) effects.unsupported = 'api.' + name; },
	};

	// api makes the api of one script. What it does once the script has ended is lost.
	function api(index) {
		const guard = (members, path) => {
			const out = {};
			for (const name of keysOf(members)) {
				const member = members[name];
				if (typeof member !== 'function') {
					out[name] = guard(member, path + name + '.');
					continue;
				}
				out[name] = (...args) => {
					if (!open || index !== current) {
						pipe.log('warning', 'api.' + path + name + ' was called after the action had ended; it has no effect', index);
						return whole;
					}
					const result = member(...args);
					return result === undefined && !member.answers ? whole : result;
				};
			}
			return out;
		};
		const whole = guard(Object.assign({cache}, trigger.api(tools)), '');
		return whole;
	}

	// evaluate runs a script as a module and returns what it exports.
	// pins are the versions of its dependencies.
	function evaluate(index, modules, pins, actions) {
		const module = {exports: {}}, shared = new Map();
		const requires = specifier => {
			if (typeof specifier !== 'string' || !specifier.startsWith('actions:')) return pipe.require(specifier, pins);
			const name = specifier.slice(8);
			if (!Object.hasOwn(modules, name)) throw pipe.missing(specifier);
			if (!shared.has(name)) {
				shared.set(name, {}); // a module that requires itself gets what is there
				shared.set(name, evaluate(modules[name].at, {}, modules[name].dependencies, {secrets: modules[name].secrets || {}}));
			}
			return shared.get(name);
		};
		pipe.functions[index].call(module.exports, module.exports, requires, module, actions);
		return module.exports;
	}

	function end(index) {
		if (index === current) open = false;
		pipe.settled(index);
	}

	function fail(index, error) {
		if (index === current) open = false;
		pipe.failed(index, 'exception', error);
	}

	function action(index) {
		const script = input.scripts[index];
		event.secrets = Object.assign({}, script.secrets);
		event.configuration = {};
		const exported = evaluate(index, script.modules || {}, script.dependencies);
		const resumed = input.resume && index === 0, handler = property(exported, resumed ? input.resume : input.handler);
		if (resumed && typeof handler !== 'function') {
			pipe.log('warning', 'The action exports no function ' + input.resume + '; it goes on without', index);
			return end(index);
		}
		if (typeof handler !== 'function') throw new TypeError('The action exports no function ' + input.handler);
		Promised.resolve(handler.call(exported, event, api(index))).then(() => end(index), e => fail(index, e));
	}

	function hook(index) {
		const script = input.scripts[index], fn = evaluate(index, {}, script.dependencies);
		if (typeof fn !== 'function') throw new Error('Unable to compile the extensibility code as javascript');
		let called = false;
		const callback = (error, result) => {
			if (called || index !== current) {
				pipe.log('warning', 'callback was called more than once; the first call stands', index);
				return;
			}
			called = true;
			try {
				if (!error) trigger.result && trigger.result(result || {}, tools);
				else if (!trigger.refused || !trigger.refused(error, tools)) return pipe.failed(index, 'callback', error);
			} catch (e) {
				return fail(index, e);
			}
			end(index);
		};
		event.context.webtask = {secrets: Object.assign({}, script.secrets), headers: {}, body: {}, data: {}, meta: {}};
		const result = fn(...event.arguments, event.context, callback);
		if (result !== null && typeof result === 'object' && typeof property(result, 'then') === 'function') {
			Promised.resolve(result).then(undefined, e => fail(index, e));
		}
	}

	edge(action);
	edge(hook);

	for (const name of input.errors || []) {
		const type = {[name]: class extends Error {
			constructor(message, friendly) {
				super(message);
				this.name = name;
				this.friendlyMessage = friendly;
			}
		}}[name];
		define(globalThis, name, {value: type, writable: true, configurable: true, enumerable: false});
	}

	return {
		count: input.scripts.length,
		over: () => effects.denied !== null || effects.suspend !== null || effects.unsupported !== '',
		start: edge(index => {
			current = index;
			open = true;
			event = parse(eventText);
			if (index === 0) adopt(event.transaction);
			else delete event.prompt; // the answers are for the action that has asked
			for (const [what, shown] of [['session', 'session'], ['refreshToken', 'refresh_token']]) reshow(changes[what], event[shown]);
			if (input.hook) return hook(index);
			overlay(event.user, 'user_metadata', metadata.user);
			overlay(event.user, 'app_metadata', metadata.app);
			overlay(event.transaction, 'metadata', transaction);
			action(index);
		}),
		report() {
			effects.id = [...claims.id];
			effects.access = [...claims.access];
			for (const kind of ['user', 'app']) { // what the action set that made the person another user is not kept
				effects[kind] = [...metadata[kind]].filter(pair => primaryBy < 0 || setBy[kind].get(pair[0]) !== primaryBy);
			}
			for (const what of ['session', 'refreshToken']) effects[what] = Object.assign({}, changes[what], {metadata: [...changes[what].metadata].flat()});
			effects.transaction = [...transaction].filter(pair => pair[1] !== 'null');
			effects.answers = [...answers];
			effects.cache = [...touched].map(key => ({key, record: records.get(key) || null}));
			return effects;
		},
	};
};
