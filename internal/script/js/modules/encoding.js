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

exports.TextDecoder = class TextDecoder {
	constructor(label = 'utf-8', options = {}) {
		if (!/^(utf-?8|unicode-1-1-utf-8)$/i.test(String(label).trim())) throw new RangeError('The "' + label + '" encoding is not supported');
		this.fatal = !!options.fatal;
		this.ignoreBOM = !!options.ignoreBOM;
	}
	get encoding() { return 'utf-8'; }
	decode(input) {
		const bytes = view(input);
		if (this.fatal && !native('isutf8', bytes.toBase64())) {
			const error = new TypeError('The encoded data was not valid for encoding utf-8');
			error.code = 'ERR_ENCODING_INVALID_ENCODED_DATA';
			throw error;
		}
		const string = exports.string(bytes);
		return !this.ignoreBOM && string.charCodeAt(0) === 0xfeff ? string.slice(1) : string;
	}
};

exports.atob = string => require('buffer').Buffer.from(String(string), 'base64').toString('latin1');
exports.btoa = string => {
	string = String(string);
	for (let i = 0; i < string.length; i++) if (string.charCodeAt(i) > 255) throw new Error('Invalid character');
	return require('buffer').Buffer.from(string, 'latin1').toString('base64');
};
