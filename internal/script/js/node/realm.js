// What is done in a fresh context before js/boot, inside of it. It gets functions of the main realm and gives them to nobody: what boot.js
// and the modules see are functions of this realm around them, and errors of the main realm are made anew here.
//
// host(op, ...) answers native; load(name) gives a module's function; root is the main realm's Object.prototype, by which its objects are
// told. The result is what bridge.js makes values of this realm with.
(function (host, load, root) {
'use strict';
const {getPrototypeOf, setPrototypeOf, defineProperty, create} = Object;
const errors = {Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError};
const has = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
const {apply} = Reflect;

const isForeign = value => {
	if (value === null || typeof value !== 'object' && typeof value !== 'function') return false;
	for (let p = value, n = 0; p !== null && n < 100; n++) {
		if (p === root) return true;
		p = getPrototypeOf(p);
	}
	return false;
};

const copied = ['code', 'errno', 'syscall', 'reason', 'library', 'function', 'input', 'status', 'statusCode'];

// mine is an exception that scripts may see.
function mine(e) {
	if (!isForeign(e)) return e;
	const name = typeof e.name === 'string' ? e.name : 'Error';
	const out = new (has(errors, name) ? errors[name] : Error)(typeof e.message === 'string' ? e.message : '');
	for (let i = 0; i < copied.length; i++) {
		const value = e[copied[i]];
		if (typeof value === 'string' || typeof value === 'number') out[copied[i]] = value;
	}
	return out;
}

const native = (op, ...args) => {
	try {
		return host(op, ...args);
	} catch (e) {
		throw mine(e);
	}
};
const hide = (name, value) => defineProperty(globalThis, name, {value, writable: true, configurable: true, enumerable: false});
hide('__native', native);
hide('__load', name => {
	try {
		return load(name);
	} catch (e) {
		throw mine(e);
	}
});

// What would run a script's code behind the back of the worker's clock, or memory beside the heap.
delete globalThis.WebAssembly;
delete Atomics.waitAsync;
hide('FinalizationRegistry', class FinalizationRegistry {
	constructor(cleanup) { if (typeof cleanup !== 'function') throw new TypeError('FinalizationRegistry: cleanup must be callable'); }
	register() {}
	unregister() { return false; }
});

// Methods that the room uses and older versions of Node do not have.
const typed = getPrototypeOf(Uint8Array.prototype);
const bufferOf = Object.getOwnPropertyDescriptor(typed, 'buffer').get;
const adopt = bytes => {
	setPrototypeOf(bytes, Uint8Array.prototype);
	setPrototypeOf(apply(bufferOf, bytes, []), ArrayBuffer.prototype);
	return bytes;
};
const lacking = (target, name, value) => { if (!(name in target)) defineProperty(target, name, {value, writable: true, configurable: true, enumerable: false}); };
const bytesOf = (op, what) => { const f = {[what](text) { return adopt(native(op, String(text))); }}[what]; return f; };
lacking(Uint8Array, 'fromBase64', bytesOf('frombase64', 'fromBase64'));
lacking(Uint8Array, 'fromHex', bytesOf('fromhex', 'fromHex'));
lacking(Uint8Array.prototype, 'toBase64', {toBase64() { return native('tobase64', this); }}.toBase64);
lacking(Uint8Array.prototype, 'toHex', {toHex() { return native('tohex', this); }}.toHex);
lacking(String.prototype, 'isWellFormed', {isWellFormed() { return !/\p{Surrogate}/u.test(this); }}.isWellFormed);
lacking(String.prototype, 'toWellFormed', {toWellFormed() { return String(this).replace(/\p{Surrogate}/gu, '\ufffd'); }}.toWellFormed);

const PromiseOf = Promise;
const protos = {
	Object: Object.prototype, ArrayBuffer: ArrayBuffer.prototype, SharedArrayBuffer: SharedArrayBuffer.prototype, DataView: DataView.prototype,
	Uint8Array: Uint8Array.prototype, Promise: Promise.prototype,
};
for (const type of [Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array]) {
	protos[type.name] = type.prototype;
}

return {
	native, mine, protos,
	object: proto => create(proto),
	array: () => [],
	date: time => new Date(time),
	error: (name, message) => new (has(errors, name) ? errors[name] : Error)(message),
	deferred() {
		const out = create(null);
		out.promise = new PromiseOf((resolve, reject) => {
			out.resolve = resolve;
			out.reject = reject;
		});
		return out;
	},
	// wrap is a function of this realm that does what one of the main realm does: fn(this, arguments, whether new).
	wrap(fn, name, prototype) {
		const out = prototype === undefined ? {[name](...args) {
			try {
				return fn(this, args, false);
			} catch (e) {
				throw mine(e);
			}
		}}[name] : function (...args) {
			try {
				const made = fn(this, args, new.target !== undefined);
				if (new.target !== undefined && new.target !== out) setPrototypeOf(made, new.target.prototype);
				return made;
			} catch (e) {
				throw mine(e);
			}
		};
		if (prototype !== undefined) {
			defineProperty(out, 'name', {value: name, configurable: true});
			defineProperty(out, 'prototype', {value: prototype, writable: false});
			defineProperty(prototype, 'constructor', {value: out, writable: true, configurable: true});
		}
		return out;
	},
	call: (fn, args) => apply(fn, undefined, args),
};
})
