// Node's Buffer for this realm: a class of this realm whose methods are Node's own. The bytes are in this realm's kind of arrays.
const host = internal.native.node('buffer');
const {statics} = host;
const {apply} = Reflect;
const {setPrototypeOf, defineProperty} = Object;

function Buffer(value, encodingOrOffset, length) {
	if (typeof value === 'number') {
		if (typeof encodingOrOffset === 'string') throw Object.assign(new TypeError('The "string" argument must be of type string. Received type number (' + value + ')'), {code: 'ERR_INVALID_ARG_TYPE'});
		return statics.alloc(value);
	}
	return statics.from(value, encodingOrOffset, length);
}
setPrototypeOf(Buffer, Uint8Array);
const proto = Buffer.prototype = Object.create(Uint8Array.prototype, {constructor: {value: Buffer, writable: true, configurable: true}});
host.prototype(proto);

const put = (object, name, value, enumerable = true) => defineProperty(object, name, {value, writable: true, configurable: true, enumerable});
for (const name of Object.keys(host.methods)) put(proto, name, host.methods[name]);
for (const name of Object.keys(statics)) put(Buffer, name, statics[name]);
defineProperty(proto, 'parent', {configurable: true, get() { return this.buffer; }});
defineProperty(proto, 'offset', {configurable: true, get() { return this.byteOffset; }});
Buffer.isBuffer = value => value instanceof Buffer;
Buffer.of = (...items) => statics.from(items);
Buffer.poolSize = 8192;
const inspect = function () {
	const shown = this.toString('hex', 0, 50).replace(/..(?=.)/g, '$& ');
	return '<Buffer' + (shown && ' ') + shown + (this.length > 50 ? ' ... ' + (this.length - 50) + ' more byte' + (this.length > 51 ? 's' : '') : '') + '>';
};
put(proto, Symbol.for('nodejs.util.inspect.custom'), inspect, false);
put(proto, 'inspect', inspect, false);

const view = value => {
	if (value instanceof ArrayBuffer) return new Uint8Array(value);
	if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
	throw new TypeError('The argument must be an ArrayBuffer or a view of one');
};

Object.assign(exports, {
	Buffer, kMaxLength: host.kMaxLength, kStringMaxLength: host.kStringMaxLength, INSPECT_MAX_BYTES: 50,
	constants: {MAX_LENGTH: host.kMaxLength, MAX_STRING_LENGTH: host.kStringMaxLength},
	SlowBuffer: function SlowBuffer(size) { return statics.allocUnsafeSlow(size); },
	transcode: (source, from, to) => statics.from(apply(host.methods.toString, source, [from]), to),
	isUtf8: bytes => internal.native('isutf8', view(bytes).toBase64()),
	isAscii: bytes => view(bytes).every(b => b < 128),
});
for (const [name, module] of [['atob', 'encoding'], ['btoa', 'encoding'], ['Blob', 'body'], ['File', 'body']]) {
	defineProperty(exports, name, {enumerable: true, configurable: true, get: () => require(module)[name]});
}
defineProperty(exports, 'bytes', {value: value => typeof value === 'string' ? statics.from(value) : view(value)});
