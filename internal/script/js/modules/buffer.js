// The part of Node's Buffer that scripts use.
const {utf8, string, view} = require('encoding');

function encodingOf(name) {
	const encoding = String(name === undefined || name === null || name === '' ? 'utf8' : name).toLowerCase();
	switch (encoding) {
	case 'utf8': case 'utf-8': return 'utf8';
	case 'latin1': case 'binary': return 'latin1';
	case 'ascii': case 'hex': case 'base64': case 'base64url': return encoding;
	case 'ucs2': case 'ucs-2': case 'utf16le': case 'utf-16le': return 'utf16le';
	}
	const error = new TypeError('Unknown encoding: ' + name);
	error.code = 'ERR_UNKNOWN_ENCODING';
	throw error;
}

function isEncoding(name) {
	try {
		return typeof name === 'string' && !!encodingOf(name);
	} catch (e) {
		return false;
	}
}

// decode turns text into bytes the way Node does: what is not of the alphabet is passed over.
function decode(text, encoding) {
	switch (encodingOf(encoding)) {
	case 'utf8': return utf8(text);
	case 'latin1': case 'ascii': {
		const out = new Uint8Array(text.length);
		for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
		return out;
	}
	case 'utf16le': {
		const out = new Uint8Array(text.length * 2);
		for (let i = 0; i < text.length; i++) {
			out[2 * i] = text.charCodeAt(i);
			out[2 * i + 1] = text.charCodeAt(i) >> 8;
		}
		return out;
	}
	case 'hex': {
		const digits = /^(?:[0-9a-fA-F]{2})*/.exec(text)[0];
		return Uint8Array.fromHex(digits);
	}
	default: {
		let clean = text.replace(/-/g, '+').replace(/_/g, '/');
		const end = clean.indexOf('=');
		if (end >= 0) clean = clean.slice(0, end);
		clean = clean.replace(/[^A-Za-z0-9+/]/g, '');
		if (clean.length % 4 === 1) clean = clean.slice(0, -1);
		return Uint8Array.fromBase64(clean);
	}
	}
}

class Buffer extends Uint8Array {
	static from(value, encoding, length) {
		if (typeof value === 'string') return own(decode(value, encoding));
		if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Buffer(value, encoding, length);
		if (ArrayBuffer.isView(value)) return own(new Uint8Array(value));
		if (Array.isArray(value)) return own(Uint8Array.from(value, n => n & 255));
		if (value !== null && typeof value === 'object') {
			if (value.type === 'Buffer' && Array.isArray(value.data)) return Buffer.from(value.data);
			if (typeof value.length === 'number') return own(Uint8Array.from(value));
			const primitive = value.valueOf && value.valueOf();
			if (primitive !== value && typeof primitive === 'string') return Buffer.from(primitive, encoding);
		}
		const error = new TypeError('The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object.');
		error.code = 'ERR_INVALID_ARG_TYPE';
		throw error;
	}
	static alloc(size, fill, encoding) {
		const buffer = new Buffer(size);
		return fill === undefined ? buffer : buffer.fill(fill, 0, size, encoding);
	}
	static allocUnsafe(size) { return new Buffer(size); }
	static isBuffer(value) { return value instanceof Buffer; }
	static isEncoding(name) { return isEncoding(name); }
	static byteLength(value, encoding) { return typeof value === 'string' ? decode(value, encoding).length : value.byteLength; }
	static concat(list, total) {
		if (total === undefined) total = list.reduce((n, b) => n + b.length, 0);
		const out = new Buffer(total);
		let at = 0;
		for (const part of list) {
			if (at >= total) break;
			out.set(part.length > total - at ? part.subarray(0, total - at) : part, at);
			at += part.length;
		}
		return out;
	}
	static compare(a, b) {
		const n = Math.min(a.length, b.length);
		for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
		return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
	}
	toString(encoding, start, end) {
		let bytes = this;
		if (start !== undefined || end !== undefined) bytes = this.subarray(start, end);
		switch (encodingOf(encoding)) {
		case 'utf8': return string(bytes);
		case 'hex': return bytes.toHex();
		case 'base64': return bytes.toBase64();
		case 'base64url': return bytes.toBase64({alphabet: 'base64url', omitPadding: true});
		case 'utf16le': {
			let out = '';
			for (let i = 0; i + 1 < bytes.length; i += 2) out += String.fromCharCode(bytes[i] | bytes[i + 1] << 8);
			return out;
		}
		case 'ascii': {
			let out = '';
			for (let i = 0; i < bytes.length; i++) out += String.fromCharCode(bytes[i] & 127);
			return out;
		}
		default: {
			let out = '';
			for (let i = 0; i < bytes.length; i += 4096) out += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096));
			return out;
		}
		}
	}
	toJSON() { return {type: 'Buffer', data: Array.from(this)}; }
	equals(other) { return Buffer.compare(this, other) === 0; }
	compare(other) { return Buffer.compare(this, other); }
	slice(start, end) { return this.subarray(start, end); }
	write(text, offset = 0, length, encoding) {
		if (typeof offset === 'string') { encoding = offset; offset = 0; }
		if (typeof length === 'string') { encoding = length; length = undefined; }
		const bytes = decode(String(text), encoding);
		const n = Math.min(bytes.length, this.length - offset, length === undefined ? Infinity : length);
		this.set(bytes.subarray(0, n), offset);
		return n;
	}
	copy(target, at = 0, start = 0, end = this.length) {
		const part = this.subarray(start, Math.min(end, start + target.length - at));
		target.set(part, at);
		return part.length;
	}
	fill(value, start = 0, end = this.length, encoding) {
		if (typeof value === 'string') {
			const bytes = decode(value, encoding);
			if (bytes.length === 0) return super.fill(0, start, end);
			for (let i = start, j = 0; i < end; i++, j++) this[i] = bytes[j % bytes.length];
			return this;
		}
		return super.fill(value, start, end);
	}
	indexOf(value, from, encoding) {
		if (typeof value === 'number') return super.indexOf(value, from);
		return this.toString('latin1').indexOf(Buffer.from(value, encoding).toString('latin1'), from);
	}
	includes(value, from, encoding) { return this.indexOf(value, from, encoding) >= 0; }
	readUInt8(at = 0) { return this[at]; }
	readUInt16BE(at = 0) { return data(this).getUint16(at); }
	readUInt32BE(at = 0) { return data(this).getUint32(at); }
	readUInt16LE(at = 0) { return data(this).getUint16(at, true); }
	readUInt32LE(at = 0) { return data(this).getUint32(at, true); }
	writeUInt8(value, at = 0) { this[at] = value; return at + 1; }
	writeUInt16BE(value, at = 0) { data(this).setUint16(at, value); return at + 2; }
	writeUInt32BE(value, at = 0) { data(this).setUint32(at, value); return at + 4; }
}

const data = buffer => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
const own = bytes => new Buffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// Old scripts write `Buffer('text', 'base64')` and `new Buffer('text', 'base64')`.
const make = value => typeof value[0] === 'number' ? Buffer.alloc(value[0]) : Buffer.from(...value);
exports.Buffer = new Proxy(Buffer, {
	apply: (target, self, args) => make(args),
	construct: (target, args, as) => typeof args[0] === 'string' || Array.isArray(args[0]) ? make(args) : Reflect.construct(target, args, as),
});
Object.defineProperty(Buffer.prototype, 'constructor', {value: exports.Buffer, writable: true, configurable: true});
exports.bytes = value => typeof value === 'string' ? utf8(value) : view(value);
