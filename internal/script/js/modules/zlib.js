// Node's zlib; the work is the host program's, on whole buffers: a stream gives what it has when it is ended or flushed.
const {compute, work} = internal;
const {Buffer} = require('buffer');
const {view} = require('encoding');

const constants = {
	Z_NO_FLUSH: 0, Z_PARTIAL_FLUSH: 1, Z_SYNC_FLUSH: 2, Z_FULL_FLUSH: 3, Z_FINISH: 4, Z_BLOCK: 5, Z_OK: 0, Z_STREAM_END: 1, Z_NEED_DICT: 2, Z_ERRNO: -1, Z_STREAM_ERROR: -2, Z_DATA_ERROR: -3, Z_MEM_ERROR: -4,
	Z_BUF_ERROR: -5, Z_VERSION_ERROR: -6, Z_NO_COMPRESSION: 0, Z_BEST_SPEED: 1, Z_BEST_COMPRESSION: 9, Z_DEFAULT_COMPRESSION: -1, Z_FILTERED: 1, Z_HUFFMAN_ONLY: 2, Z_RLE: 3, Z_FIXED: 4, Z_DEFAULT_STRATEGY: 0,
	DEFLATE: 1, INFLATE: 2, GZIP: 3, GUNZIP: 4, DEFLATERAW: 5, INFLATERAW: 6, UNZIP: 7, BROTLI_DECODE: 8, BROTLI_ENCODE: 9, Z_MIN_WINDOWBITS: 8, Z_MAX_WINDOWBITS: 15, Z_DEFAULT_WINDOWBITS: 15, Z_MIN_CHUNK: 64,
	Z_MAX_CHUNK: Infinity, Z_DEFAULT_CHUNK: 16384, Z_MIN_MEMLEVEL: 1, Z_MAX_MEMLEVEL: 9, Z_DEFAULT_MEMLEVEL: 8, Z_MIN_LEVEL: -1, Z_MAX_LEVEL: 9, Z_DEFAULT_LEVEL: -1, BROTLI_OPERATION_PROCESS: 0, BROTLI_OPERATION_FLUSH: 1,
	BROTLI_OPERATION_FINISH: 2, BROTLI_PARAM_MODE: 0, BROTLI_PARAM_QUALITY: 1, BROTLI_PARAM_SIZE_HINT: 5, BROTLI_MIN_QUALITY: 0, BROTLI_MAX_QUALITY: 11, BROTLI_DEFAULT_QUALITY: 11,
};

function input(data) {
	if (typeof data === 'string') return Buffer.from(data);
	if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return view(data);
	throw Object.assign(new TypeError('The "buffer" argument must be of type string or an instance of Buffer, TypedArray, DataView, or ArrayBuffer. Received ' + (data === null ? 'null' : typeof data)), {code: 'ERR_INVALID_ARG_TYPE'});
}
const operands = (method, data, options = {}) => [method, input(data).toBase64(), options && options.level !== undefined ? options.level : -1, options && options.maxOutputLength || 0];

const methods = {gzip: 'Gzip', gunzip: 'Gunzip', deflate: 'Deflate', inflate: 'Inflate', deflateRaw: 'DeflateRaw', inflateRaw: 'InflateRaw', unzip: 'Unzip', brotliCompress: 'BrotliCompress', brotliDecompress: 'BrotliDecompress'};
for (const method of Object.keys(methods)) {
	exports[method + 'Sync'] = (data, options) => Buffer.from(compute('zlib', ...operands(method, data, options)), 'base64');
	exports[method] = (data, options, callback) => {
		if (typeof options === 'function') { callback = options; options = {}; }
		if (typeof callback !== 'function') throw Object.assign(new TypeError('The "callback" argument must be of type function. Received ' + callback), {code: 'ERR_INVALID_ARG_TYPE'});
		work('zlib', operands(method, data, options), (error, out) => error ? callback(error) : callback(null, Buffer.from(out, 'base64')));
	};
	let Class;
	const make = () => {
		if (Class) return Class;
		const {Transform} = require('stream');
		// Callable without new, as the classes of old are.
		Class = {[methods[method]]: function (options) {
			if (!(this instanceof Class)) return new Class(options);
			Transform.call(this, options);
			this._options = options || {};
			this._parts = [];
			this.bytesWritten = 0;
		}}[methods[method]];
		Object.setPrototypeOf(Class, Transform);
		Object.setPrototypeOf(Class.prototype, Transform.prototype);
		Object.assign(Class.prototype, {
			_transform(chunk, encoding, done) {
				this._parts.push(input(chunk));
				this.bytesWritten += chunk.length;
				done();
			},
			_flush(done) {
				const data = Buffer.concat(this._parts);
				this._parts = [];
				if (data.length === 0 && /^(gunzip|unzip|inflate|inflateRaw|brotliDecompress)$/.test(method)) return done();
				work('zlib', operands(method, data, this._options), (error, out) => error ? done(error) : done(null, Buffer.from(out, 'base64')));
			},
			flush(kind, done) { if (typeof kind === 'function') done = kind; if (done) internal.nextTick(done); },
			close(done) { if (done) this.once('close', done); this.destroy(); },
			params(level, strategy, done) { this._options = Object.assign({}, this._options, {level}); internal.nextTick(done); },
			reset() { this._parts = []; },
		});
		return Class;
	};
	Object.defineProperty(exports, methods[method], {enumerable: true, configurable: true, get: make});
	exports['create' + methods[method]] = options => new (make())(options);
}

const table = [];
exports.crc32 = (data, value = 0) => {
	if (table.length === 0) for (let n = 0; n < 256; n++) {
		let c = n;
		for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ c >>> 1 : c >>> 1;
		table.push(c);
	}
	let crc = ~value;
	for (const b of input(data)) crc = table[(crc ^ b) & 255] ^ crc >>> 8;
	return ~crc >>> 0;
};
exports.constants = constants;
exports.codes = {Z_OK: 0, Z_STREAM_END: 1, Z_NEED_DICT: 2, Z_ERRNO: -1, Z_STREAM_ERROR: -2, Z_DATA_ERROR: -3, Z_MEM_ERROR: -4, Z_BUF_ERROR: -5, Z_VERSION_ERROR: -6};
for (const name of Object.keys(constants)) if (/^Z_/.test(name)) Object.defineProperty(exports, name, {value: constants[name], enumerable: false, configurable: true});
