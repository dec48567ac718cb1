// The way of values between the main realm, where Node's own modules are, and the realm of a run. Nothing of the main realm is handed over
// as it is: functions and classes are wrapped, plain data is copied, errors and promises are made anew, and the bytes of buffers are kept
// where they are and given the prototypes of the other realm.
'use strict';
const {types} = require('util');
const {getPrototypeOf, setPrototypeOf, getOwnPropertyDescriptor} = Object, {ownKeys} = Reflect;

// A getter of a realm's global object that throws is called a second time, with its error pending: the first of Node's own functions that is
// called then throws that error, and what it was half-way through making ends the process when it is collected. The end of the stack does the
// same. Whatever scripts can call in the main realm begins with settled, which makes nothing: it calls such a function, and itself as deep as
// any function of Node's goes.
const deep = n => n > 0 ? deep(n - 1) + 1 : 0;
const settled = () => {
	types.isExternal(null);
	deep(50);
};

const put = (object, key, value) => Reflect.defineProperty(object, key, {value, writable: true, enumerable: true, configurable: true});

// subtle looks at the prototypes of the bytes that it is given.
const subtle = require('crypto').webcrypto ? getPrototypeOf(require('crypto').webcrypto.subtle) : null;

// What the objects of crypto inherit and scripts do not get: streams are those of the other realm.
const stops = new Set([Object.prototype, require('events').prototype]);
for (let p = require('stream').Transform.prototype; p && p !== Object.prototype; p = getPrototypeOf(p)) stops.add(p);

// bridge makes the two directions for a realm. inner is what realm.js returned; later(work) lets work be done in a turn of the run that the
// realm serves, and tells in the meantime that it is waited for.
module.exports = function bridge(inner, later) {
	const hostOf = new WeakMap(), guestOf = new WeakMap(), prototypes = new WeakMap();
	const isMain = value => value instanceof Object;
	let bufferProto = null;

	// enter takes a value of the main realm into the other.
	function enter(value) {
		if (value === null || typeof value !== 'object' && typeof value !== 'function' || hostOf.has(value)) return value;
		const known = guestOf.get(value);
		if (known !== undefined) return known;
		const proto = getPrototypeOf(value);
		if (!isMain(value)) return proto === null ? copy(value, inner.object(inner.protos.Object)) : value;
		if (typeof value === 'function') return wrapped(value, value.name);
		if (ArrayBuffer.isView(value)) {
			const buffer = value.buffer;
			setPrototypeOf(value, Buffer.isBuffer(value) && bufferProto ? bufferProto : inner.protos[value[Symbol.toStringTag] || 'DataView']);
			enter(buffer);
			return value;
		}
		if (types.isAnyArrayBuffer(value)) return setPrototypeOf(value, inner.protos[types.isSharedArrayBuffer(value) ? 'SharedArrayBuffer' : 'ArrayBuffer']);
		if (types.isNativeError(value)) return inner.mine(value);
		if (Array.isArray(value)) return list(value);
		if (types.isDate(value)) return inner.date(value.getTime());
		if (types.isPromise(value)) return promise(value);
		if (proto === Object.prototype) return copy(value, inner.object(inner.protos.Object));
		const guest = inner.object(prototypeOf(proto));
		hostOf.set(guest, value);
		guestOf.set(value, guest);
		return guest;
	}

	function copy(value, out) {
		for (const key of Object.keys(value)) put(out, key, enter(value[key]));
		return out;
	}

	function promise(value) {
		const deferred = inner.deferred();
		const done = later();
		value.then(result => done(() => deferred.resolve(enter(result))), error => done(() => deferred.reject(enter(error))));
		return deferred.promise;
	}

	// prototypeOf is the other realm's prototype for the instances of a class of the main realm.
	function prototypeOf(proto) {
		if (proto === null || stops.has(proto)) return inner.protos.Object;
		if (prototypes.has(proto)) return prototypes.get(proto);
		const out = inner.object(prototypeOf(getPrototypeOf(proto)));
		prototypes.set(proto, out);
		for (const key of ownKeys(proto)) {
			const found = getOwnPropertyDescriptor(proto, key);
			if (key === 'constructor' || typeof key === 'symbol' || key.startsWith('_')) continue;
			const member = {configurable: true, enumerable: false};
			if (typeof found.value === 'function') Object.assign(member, {writable: true, value: wrapped(found.value, key, proto === subtle)});
			else if (found.get) Object.assign(member, {get: wrapped(found.get, key), set: found.set && wrapped(found.set, key)});
			else continue;
			Reflect.defineProperty(out, key, member);
		}
		return out;
	}

	// wrapped is a function or a class of the main realm as one of the other. Bytes go in as they are, or as copies.
	function wrapped(fn, name, copies) {
		if (guestOf.has(fn)) return guestOf.get(fn);
		const isClass = fn.prototype !== undefined && fn.prototype !== null && ownKeys(fn.prototype).length > 1;
		const guest = inner.wrap((thisValue, args, isNew) => {
			settled();
			const given = [], waits = [];
			for (let i = 0; i < args.length; i++) given[i] = leave(args[i], waits, copies);
			try {
				if (isNew) return enter(Reflect.construct(fn, given));
				return enter(Reflect.apply(fn, hostOf.get(thisValue) || (ArrayBuffer.isView(thisValue) ? thisValue : undefined), given));
			} catch (e) {
				for (const done of waits) done(null);
				throw e;
			}
		}, name, isClass ? prototypeOf(fn.prototype) : undefined);
		guestOf.set(fn, guest);
		hostOf.set(guest, fn);
		return guest;
	}

	// leave takes a value of the other realm into the main one: an argument. What a callback among them waits for is added to waits.
	function leave(value, waits, copies) {
		if (value === null || typeof value !== 'object' && typeof value !== 'function') return value;
		const host = hostOf.get(value);
		if (host !== undefined) return host;
		if (typeof value === 'function') return callback(value, waits);
		if (ArrayBuffer.isView(value)) return copies ? Buffer.from(Buffer.from(value.buffer, value.byteOffset, value.byteLength)) : value;
		if (types.isAnyArrayBuffer(value)) return copies ? Buffer.from(Buffer.from(value)) : value;
		if (types.isProxy(value)) return value;
		if (Array.isArray(value)) {
			const out = [];
			for (let i = 0; i < value.length; i++) put(out, i, leave(value[i], waits, copies));
			return out;
		}
		const proto = getPrototypeOf(value);
		if (proto !== null && proto !== inner.protos.Object) return value;
		const out = {};
		for (const key of Object.keys(value)) put(out, key, leave(value[key], waits, copies));
		return out;
	}

	// callback is what Node calls back, once, in the place of a script's function.
	function callback(fn, waits) {
		const done = later();
		waits.push(done);
		return (...args) => done(() => inner.call(fn, list(args)));
	}

	function list(values) {
		const out = inner.array();
		for (let i = 0; i < values.length; i++) put(out, i, enter(values[i]));
		return out;
	}

	return {
		enter, wrapped,
		// module is one of Node's own, as far as it is given.
		module(exports, names) {
			const out = inner.object(inner.protos.Object);
			hostOf.set(out, exports);
			for (const name of names) {
				if (exports[name] === undefined) continue;
				put(out, name, enter(exports[name]));
			}
			return out;
		},
		buffers(proto) { bufferProto = proto; },
	};
};
module.exports.settled = settled;
