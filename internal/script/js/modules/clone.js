// Values that survive a realm: what structured data is made of. Functions, promises, class instances, accessors and proxies of them throw.
const objectPrototype = Object.prototype, getPrototypeOf = Object.getPrototypeOf, describe = Object.getOwnPropertyDescriptor;

function member(object, key) {
	const found = describe(object, key);
	if (!found || !('value' in found)) throw new TypeError('accessor');
	return found.value;
}

exports.pack = function pack(root) {
	const table = [], seen = new Map();
	const put = value => {
		const at = seen.get(value);
		if (at !== undefined) return at;
		const index = table.length;
		table.push(null);
		seen.set(value, index);
		table[index] = entry(value);
		return index;
	};
	const entry = value => {
		switch (typeof value) {
		case 'string': case 'boolean': return ['v', value];
		case 'number': return Number.isFinite(value) && !Object.is(value, -0) ? ['v', value] : ['n', Object.is(value, -0) ? '-0' : String(value)];
		case 'undefined': return ['u'];
		case 'bigint': return ['b', String(value)];
		case 'object': break;
		default: throw new TypeError(typeof value);
		}
		if (value === null) return ['v', null];
		const proto = getPrototypeOf(value);
		if (Array.isArray(value)) {
			const refs = [];
			for (let i = 0; i < value.length; i++) refs.push(i in value ? put(member(value, i)) : -1);
			return ['a', refs];
		}
		if (proto === objectPrototype || proto === null) {
			const pairs = [];
			for (const key of Object.keys(value)) pairs.push(key, put(member(value, key)));
			return ['o', pairs, proto === null];
		}
		if (proto === Date.prototype) return ['d', Date.prototype.getTime.call(value)];
		if (proto === RegExp.prototype) return ['r', value.source, value.flags];
		if (proto === Map.prototype) {
			const pairs = [];
			for (const [k, v] of value) pairs.push(put(k), put(v));
			return ['m', pairs];
		}
		if (proto === Set.prototype) {
			const refs = [];
			for (const v of value) refs.push(put(v));
			return ['s', refs];
		}
		if (value instanceof Uint8Array) {
			const plain = proto === Uint8Array.prototype;
			if (!plain && proto !== require('buffer').Buffer.prototype) throw new TypeError('class');
			return ['y', value.toBase64(), !plain];
		}
		throw new TypeError('class');
	};
	put(root);
	return table;
};

exports.unpack = function unpack(table) {
	const made = new Array(table.length), done = new Array(table.length).fill(false);
	const get = index => {
		if (done[index]) return made[index];
		done[index] = true;
		const [tag, a, b] = table[index];
		switch (tag) {
		case 'v': return made[index] = a;
		case 'n': return made[index] = Number(a);
		case 'u': return made[index] = undefined;
		case 'b': return made[index] = BigInt(a);
		case 'd': return made[index] = new Date(a);
		case 'r': return made[index] = new RegExp(a, b);
		case 'y': {
			const bytes = Uint8Array.fromBase64(a);
			return made[index] = b ? require('buffer').Buffer.from(bytes.buffer) : bytes;
		}
		case 'a': {
			const out = made[index] = new Array(a.length);
			a.forEach((ref, i) => { if (ref >= 0) out[i] = get(ref); });
			return out;
		}
		case 'o': {
			const out = made[index] = b ? Object.create(null) : {};
			for (let i = 0; i < a.length; i += 2) {
				Object.defineProperty(out, a[i], {value: get(a[i + 1]), writable: true, enumerable: true, configurable: true});
			}
			return out;
		}
		case 'm': {
			const out = made[index] = new Map();
			for (let i = 0; i < a.length; i += 2) out.set(get(a[i]), get(a[i + 1]));
			return out;
		}
		case 's': {
			const out = made[index] = new Set();
			for (const ref of a) out.add(get(ref));
			return out;
		}
		}
	};
	return get(0);
};
