// TextEncoder, TextDecoder, atob, btoa. The byte work is the host program's.
const {native} = internal;

exports.utf8 = string => Uint8Array.fromBase64(native('utf8', String(string)));
exports.string = bytes => native('string', bytes.toBase64());

exports.TextEncoder = class TextEncoder {
	get encoding() { return 'utf-8'; }
	encode(string = '') { return exports.utf8(string); }
};

function view(input) {
	if (input === undefined) return new Uint8Array(0);
	if (input instanceof ArrayBuffer) return new Uint8Array(input);
	if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
	throw new TypeError('The "input" argument must be an ArrayBuffer or a view of one');
}
exports.view = view;

// Encodings and their names (WHATWG Encoding, section 4.2): those that scripts meet. What is called Latin-1 or ASCII is windows-1252.
const encodings = {
	'utf-8': /^(utf-?8|unicode-?1-1-utf-8|unicode11utf8|unicode20utf8|x-unicode20utf8)$/,
	'utf-16le': /^(utf-16(le)?|ucs-2|unicode|csunicode|unicodefeff|iso-10646-ucs-2)$/,
	'windows-1252': /^(windows-1252|x-cp1252|cp1252|latin1|l1|iso-?8859-?1|iso_8859-1(:1987)?|iso-ir-100|csisolatin1|cp819|ibm819|ascii|us-ascii|ansi_x3\.4-1968)$/,
};

const fromCodes = codes => {
	let text = '';
	for (let i = 0; i < codes.length; i += 4096) text += String.fromCharCode.apply(null, codes.slice(i, i + 4096));
	return text;
};

// The characters of windows-1252 from 0x80 to 0x9f; the others are those of Latin-1.
const upper = '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

// complete is how many of the bytes are whole characters of UTF-8, or begin none that could be one.
function complete(bytes) {
	for (let back = 1; back <= Math.min(3, bytes.length); back++) {
		const byte = bytes[bytes.length - back];
		if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? bytes.length - back : bytes.length;
		if (byte < 0x80) break;
	}
	return bytes.length;
}

const decoders = {
	'utf-8'(bytes, fatal, more) {
		const end = more ? complete(bytes) : bytes.length, whole = bytes.slice(0, end);
		if (fatal && !native('isutf8', whole.toBase64())) throw undecodable('utf-8');
		return [exports.string(whole), bytes.slice(end)];
	},
	'utf-16le'(bytes, fatal, more) {
		let end = bytes.length - bytes.length % 2;
		if (more && end >= 2 && (bytes[end - 1] & 0xfc) === 0xd8) end -= 2; // the first half of a pair
		const codes = [];
		for (let i = 0; i < end; i += 2) codes.push(bytes[i] | bytes[i + 1] << 8);
		const text = fromCodes(codes), half = !more && bytes.length % 2 === 1;
		if (fatal && (half || !text.isWellFormed())) throw undecodable('utf-16le');
		return [text.toWellFormed() + (half ? '\ufffd' : ''), bytes.slice(more ? end : bytes.length)];
	},
	'windows-1252'(bytes) {
		return [fromCodes(Array.from(bytes, b => b >= 0x80 && b < 0xa0 ? upper.charCodeAt(b - 0x80) : b)), bytes.slice(bytes.length)];
	},
};

function undecodable(encoding) {
	const error = new TypeError('The encoded data was not valid for encoding ' + encoding);
	error.code = 'ERR_ENCODING_INVALID_ENCODED_DATA';
	return error;
}

exports.TextDecoder = class TextDecoder {
	#encoding;
	#rest = new Uint8Array(0); // of a character whose other bytes are in the next chunk
	#begun = false;
	constructor(label = 'utf-8', options) {
		const name = String(label).trim().toLowerCase();
		this.#encoding = Object.keys(encodings).find(encoding => encodings[encoding].test(name));
		if (!this.#encoding) {
			const error = new RangeError('The "' + label + '" encoding is not supported');
			error.code = 'ERR_ENCODING_NOT_SUPPORTED';
			throw error;
		}
		this.fatal = !!(options && options.fatal);
		this.ignoreBOM = !!(options && options.ignoreBOM);
	}
	get encoding() { return this.#encoding; }
	decode(input, options) {
		const more = !!(options && options.stream), chunk = view(input), bytes = new Uint8Array(this.#rest.length + chunk.length);
		bytes.set(this.#rest);
		bytes.set(chunk, this.#rest.length);
		this.#rest = new Uint8Array(0);
		let [text, rest] = decoders[this.#encoding](bytes, this.fatal, more);
		if (!this.#begun && !this.ignoreBOM && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
		this.#begun = more && (this.#begun || text !== '' || bytes.length > rest.length);
		this.#rest = rest;
		return text;
	}
};

exports.atob = string => require('buffer').Buffer.from(String(string), 'base64').toString('latin1');
exports.btoa = string => {
	string = String(string);
	for (let i = 0; i < string.length; i++) if (string.charCodeAt(i) > 255) throw new Error('Invalid character');
	return require('buffer').Buffer.from(string, 'latin1').toString('base64');
};
