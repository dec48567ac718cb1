// TextEncoder, TextDecoder (of every encoding that Node has), atob, btoa.
const {TextEncoder, TextDecoder} = internal.native.node('encoding');
const {native} = internal;

exports.TextEncoder = TextEncoder;
exports.TextDecoder = TextDecoder;
exports.utf8 = string => require('buffer').Buffer.from(String(string));
exports.string = bytes => native('string', bytes.toBase64());
exports.view = input => {
	if (input === undefined) return new Uint8Array(0);
	if (input instanceof ArrayBuffer) return new Uint8Array(input);
	if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
	throw new TypeError('The "input" argument must be an ArrayBuffer or a view of one');
};
exports.atob = string => require('buffer').Buffer.from(String(string), 'base64').toString('latin1');
exports.btoa = string => {
	string = String(string);
	for (let i = 0; i < string.length; i++) if (string.charCodeAt(i) > 255) throw new Error('Invalid character');
	return require('buffer').Buffer.from(string, 'latin1').toString('base64');
};
