// Node's buffer: the published package, whose slow parts (text in and out) are done by the engine and the host program.
const vendored = require('vendor/buffer');
const {utf8, string, view} = require('encoding');
const {Buffer} = vendored;
const proto = Buffer.prototype;
const own = bytes => Object.setPrototypeOf(bytes, proto);

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
		return typeof name === 'string' && name !== '' && !!encodingOf(name);
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

const charCodes = (bytes, mask) => {
	let out = '';
	for (let i = 0; i < bytes.length; i += 4096) {
		const part = bytes.subarray(i, i + 4096);
		out += String.fromCharCode.apply(null, mask === 255 ? part : part.map(b => b & mask));
	}
	return out;
};

// encode turns bytes into text.
function encode(bytes, encoding) {
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
	case 'ascii': return charCodes(bytes, 127);
	default: return charCodes(bytes, 255);
	}
}

// plain is a window on a buffer that is no Buffer: the engine's own methods, without a constructor of ours in between.
function plain(buffer, start, end) {
	const length = buffer.length;
	start = start === undefined ? 0 : Math.min(Math.max(Math.trunc(start) || 0, 0), length);
	end = end === undefined ? length : Math.min(Math.max(Math.trunc(end) || 0, start), length);
	return new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start);
}

// coded gives the package's errors the codes that Node's have.
function coded(fn) {
	try {
		return fn();
	} catch (e) {
		if (e.code === undefined) e.code = e instanceof RangeError ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE';
		throw e;
	}
}

const fromOther = Buffer.from;
Buffer.from = function from(value, encoding, length) {
	if (typeof value === 'string') return own(decode(value, encoding));
	if (value instanceof Uint8Array) return own(new Uint8Array(value));
	return coded(() => fromOther(value, encoding, length));
};
for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow']) {
	const original = Buffer[name];
	Buffer[name] = (size, fill, encoding) => size >= 0 && size <= 0x7fffffff ? original(size, fill, encoding) : coded(() => original(size));
}
const lengthOfOther = Buffer.byteLength;
Buffer.byteLength = (value, encoding) => typeof value === 'string' ? decode(value, isEncoding(encoding) ? encoding : 'utf8').length : lengthOfOther(value, encoding);
Buffer.isEncoding = isEncoding;
Buffer.poolSize = 8192;

const methods = {
	toString(encoding, start, end) { return encode(start === undefined && end === undefined ? plain(this) : plain(this, start, end), encoding); },
	subarray(start, end) {
		const length = this.length;
		start = Math.trunc(start) || 0;
		start = start < 0 ? Math.max(length + start, 0) : Math.min(start, length);
		end = end === undefined ? length : Math.trunc(end) || 0;
		end = end < 0 ? Math.max(length + end, 0) : Math.min(end, length);
		return own(new Uint8Array(this.buffer, this.byteOffset + start, Math.max(end - start, 0)));
	},
	write(text, offset, length, encoding) {
		if (typeof text !== 'string') throw Object.assign(new TypeError('argument must be a string'), {code: 'ERR_INVALID_ARG_TYPE'});
		if (typeof offset === 'string') { encoding = offset; offset = undefined; length = undefined; }
		if (typeof length === 'string') { encoding = length; length = undefined; }
		offset = offset === undefined ? 0 : offset;
		if (offset < 0 || offset > this.length) throw Object.assign(new RangeError('The value of "offset" is out of range.'), {code: 'ERR_OUT_OF_RANGE'});
		const bytes = decode(text, encoding);
		let n = Math.min(bytes.length, this.length - offset, length === undefined ? Infinity : length);
		if (n < bytes.length && encodingOf(encoding) === 'utf8') while (n > 0 && (bytes[n] & 0xc0) === 0x80) n--; // whole characters only
		this.set(n < bytes.length ? bytes.subarray(0, n) : bytes, offset);
		return n;
	},
	toJSON() { return {type: 'Buffer', data: Array.from(this)}; },
};
methods.slice = methods.subarray;
methods.toLocaleString = methods.toString;
for (const [name, encoding] of [['utf8', 'utf8'], ['latin1', 'latin1'], ['ascii', 'ascii'], ['hex', 'hex'], ['base64', 'base64'], ['base64url', 'base64url'], ['ucs2', 'utf16le']]) {
	methods[name + 'Slice'] = function (start, end) { return encode(plain(this, start, end), encoding); };
	methods[name + 'Write'] = function (text, offset = 0, length = this.length - offset) { return methods.write.call(this, text, offset, length, encoding); };
}
for (const name of Object.keys(methods)) Object.defineProperty(proto, name, {value: methods[name], writable: true, configurable: true, enumerable: true});
Object.defineProperty(proto, Symbol.for('nodejs.util.inspect.custom'), {configurable: true, writable: true, value() {
	const shown = encode(plain(this, 0, 50), 'hex').replace(/..(?=.)/g, '$& ');
	return '<Buffer' + (shown && ' ') + shown + (this.length > 50 ? ' ... ' + (this.length - 50) + ' more byte' + (this.length > 51 ? 's' : '') : '') + '>';
}});

Object.assign(exports, vendored, {
	Buffer, SlowBuffer: vendored.SlowBuffer,
	constants: {MAX_LENGTH: vendored.kMaxLength, MAX_STRING_LENGTH: 0x1fffffe8},
	transcode: (source, from, to) => Buffer.from(encode(plain(source), from), to),
	isUtf8: bytes => internal.native('isutf8', view(bytes).toBase64()),
	isAscii: bytes => view(bytes).every(b => b < 128),
});
for (const [name, module] of [['atob', 'encoding'], ['btoa', 'encoding'], ['Blob', 'body'], ['File', 'body']]) {
	Object.defineProperty(exports, name, {enumerable: true, configurable: true, get: () => require(module)[name]});
}
Object.defineProperty(exports, 'bytes', {value: value => typeof value === 'string' ? utf8(value) : view(value)});
