// The part of Node's crypto that scripts use; the work is the host program's.
const {native} = internal;
const {Buffer} = require('buffer');
const bytes = (value, encoding) => typeof value === 'string' ? Buffer.from(value, encoding) : require('buffer').bytes(value);

class Digest {
	#algorithm; #key; #parts = []; #done = false;
	constructor(algorithm, key) {
		this.#algorithm = String(algorithm).toLowerCase().replace('-', '');
		this.#key = key;
		if (!native('hashknown', this.#algorithm)) throw new Error('Digest method not supported');
	}
	update(data, encoding) {
		if (this.#done) throw new Error('Digest already called');
		this.#parts.push(Buffer.from(bytes(data, encoding)));
		return this;
	}
	digest(encoding) {
		if (this.#done) throw new Error('Digest already called');
		this.#done = true;
		const data = Buffer.concat(this.#parts).toBase64();
		const out = Buffer.from(this.#key === undefined ? native('hash', this.#algorithm, data) : native('hmac', this.#algorithm, this.#key, data), 'base64');
		return encoding && encoding !== 'buffer' ? out.toString(encoding) : out;
	}
}

exports.createHash = algorithm => new Digest(algorithm);
exports.createHmac = (algorithm, key) => {
	if (key === undefined || key === null) throw new TypeError('The "key" argument must be of type string or an instance of Buffer');
	return new Digest(algorithm, bytes(key).toBase64());
};
exports.randomBytes = (size, callback) => {
	if (!(size >= 0 && size <= 1 << 20)) throw new RangeError('The value of "size" is out of range');
	const out = Buffer.from(native('random', size), 'base64');
	if (typeof callback !== 'function') return out;
	setImmediate(callback, null, out);
};
exports.randomInt = (min, max) => {
	if (max === undefined) { max = min; min = 0; }
	return min + Math.floor(exports.randomBytes(6).reduce((n, b) => n * 256 + b, 0) / 2 ** 48 * (max - min));
};
exports.randomUUID = () => require('uuid').v4();
exports.getRandomValues = array => {
	const view = require('encoding').view(array);
	view.set(exports.randomBytes(view.length));
	return array;
};
exports.timingSafeEqual = (a, b) => {
	a = bytes(a);
	b = bytes(b);
	if (a.length !== b.length) throw new RangeError('Input buffers must have the same byte length');
	return native('equal', a.toBase64(), b.toBase64());
};
exports.getHashes = () => ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'];
