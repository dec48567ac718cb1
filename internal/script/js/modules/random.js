// The random part of Node's crypto, of both runtimes: every byte comes from the seed of the run.
const {native, nextTick} = internal;
const {Buffer} = require('buffer');
const {view} = require('encoding');
const coded = (error, code) => Object.assign(error, {code});
const from64 = text => Buffer.from(text, 'base64');
const fn = value => { if (typeof value !== 'function') throw coded(new TypeError('The "callback" argument must be of type function. Received ' + value), 'ERR_INVALID_ARG_TYPE'); };

exports.randomBytes = (size, callback) => {
	if (typeof size !== 'number') throw coded(new TypeError('The "size" argument must be of type number. Received ' + typeof size), 'ERR_INVALID_ARG_TYPE');
	if (!(size >= 0 && size <= 1 << 20)) throw coded(new RangeError('The value of "size" is out of range. It must be >= 0 && <= 1048576. Received ' + size), 'ERR_OUT_OF_RANGE');
	const out = from64(native('random', size));
	if (typeof callback !== 'function') return out;
	setImmediate(callback, null, out);
};
exports.pseudoRandomBytes = exports.prng = exports.rng = exports.randomBytes;
exports.randomFillSync = (target, offset = 0, size) => {
	const to = view(target);
	if (size === undefined) size = to.length - offset;
	to.set(exports.randomBytes(size), offset);
	return target;
};
exports.randomFill = (target, ...rest) => {
	const done = rest.pop();
	fn(done);
	exports.randomFillSync(target, ...rest);
	setImmediate(done, null, target);
};
exports.randomInt = (min, max, callback) => {
	if (typeof max === 'function') { callback = max; max = undefined; }
	if (max === undefined) { max = min; min = 0; }
	if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max)) throw coded(new TypeError('The "min" and "max" arguments must be safe integers.'), 'ERR_INVALID_ARG_TYPE');
	const range = max - min;
	if (!(range > 0 && range < 2 ** 48)) throw coded(new RangeError('The value of "max" is out of range. It must be greater than the value of "min" (' + min + '). Received ' + max), 'ERR_OUT_OF_RANGE');
	const limit = 2 ** 48 - 2 ** 48 % range;
	let n;
	do n = exports.randomBytes(6).readUIntBE(0, 6); while (n >= limit); // what is left over would make small numbers likelier
	n = min + n % range;
	if (typeof callback !== 'function') return n;
	nextTick(callback, undefined, n);
};
exports.randomUUID = () => {
	const b = exports.randomBytes(16);
	b[6] = b[6] & 15 | 64;
	b[8] = b[8] & 63 | 128;
	return b.toString('hex').replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
};
exports.getRandomValues = array => {
	if (!ArrayBuffer.isView(array)) throw new TypeError('The "array" argument must be a typed array');
	const to = view(array);
	to.set(exports.randomBytes(to.length));
	return array;
};
