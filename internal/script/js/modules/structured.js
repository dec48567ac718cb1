// structuredClone: a copy of what data is made of; functions and live objects are refused.
const {DOMException} = require('abort');
const errors = {Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError};

exports.structuredClone = function structuredClone(root) {
	if (arguments.length === 0) throw new TypeError("The \"value\" argument must be specified");
	const seen = new Map();
	const refuse = value => { throw new DOMException((typeof value === 'symbol' ? String(value) : typeof value === 'function' ? String(value) : '#<' + (value.constructor && value.constructor.name || 'Object') + '>') + ' could not be cloned.', 'DataCloneError'); };
	const copy = value => {
		if (typeof value === 'function' || typeof value === 'symbol') refuse(value);
		if (value === null || typeof value !== 'object') return value;
		if (seen.has(value)) return seen.get(value);
		const keep = out => { seen.set(value, out); return out; };
		const members = out => {
			for (const key of Object.keys(value)) Object.defineProperty(out, key, {value: copy(value[key]), writable: true, enumerable: true, configurable: true});
			return out;
		};
		if (Array.isArray(value)) { const out = keep(new Array(value.length)); return members(out); }
		if (value instanceof Date) return keep(new Date(value.getTime()));
		if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
		if (value instanceof Map) { const out = keep(new Map()); for (const [k, v] of [...value]) out.set(copy(k), copy(v)); return out; }
		if (value instanceof Set) { const out = keep(new Set()); for (const v of [...value]) out.add(copy(v)); return out; }
		if (value instanceof ArrayBuffer) return keep(value.slice(0));
		if (ArrayBuffer.isView(value)) {
			const buffer = copy(value.buffer);
			if (value instanceof DataView) return keep(new DataView(buffer, value.byteOffset, value.byteLength));
			const name = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get.call(value);
			return keep(new globalThis[name](buffer, value.byteOffset, value.length));
		}
		if (value instanceof Error) {
			const name = errors[value.name] ? value.name : 'Error';
			const out = keep(Object.create(errors[name].prototype));
			for (const key of ['stack', 'message', 'cause']) if (Object.hasOwn(value, key)) Object.defineProperty(out, key, {value: copy(value[key]), writable: true, configurable: true});
			return out;
		}
		if (value instanceof Boolean || value instanceof Number || value instanceof String || value instanceof BigInt) return keep(Object(value.valueOf()));
		if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) refuse(value);
		return members(keep({}));
	};
	return copy(root);
};
