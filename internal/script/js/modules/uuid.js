// uuid in all its historical shapes: uuid(), uuid.v1(), v3, v4, v5, parse, unparse, stringify, validate.
const {Buffer} = require('buffer');
const crypto = () => require('crypto');

const write = bytes => bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-8f][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const stamp = (bytes, version) => {
	bytes[6] = bytes[6] & 15 | version << 4;
	bytes[8] = bytes[8] & 63 | 128;
	return bytes;
};
const give = (bytes, buffer, offset = 0) => {
	if (!buffer) return write(bytes);
	for (let i = 0; i < 16; i++) buffer[offset + i] = bytes[i];
	return buffer;
};
const parse = text => Buffer.from(String(text).replace(/-/g, ''), 'hex');

function v4(options, buffer, offset) {
	const random = options && typeof options === 'object' && (options.random || options.rng && options.rng());
	return give(stamp(Buffer.from(random || crypto().randomBytes(16)), 4), buffer, offset);
}

let last = 0n, clock = -1;
function v1(options, buffer, offset) {
	if (clock < 0) clock = crypto().randomBytes(2).readUInt16BE(0) & 0x3fff;
	let time = BigInt(Date.now()) * 10000n + 122192928000000000n;
	if (time <= last) time = last + 1n;
	last = time;
	const out = Buffer.alloc(16);
	out.writeUInt32BE(Number(time & 0xffffffffn), 0);
	out.writeUInt16BE(Number(time >> 32n & 0xffffn), 4);
	out.writeUInt16BE(Number(time >> 48n & 0x0fffn), 6);
	out.writeUInt16BE(clock, 8);
	out.set(crypto().randomBytes(6), 10);
	out[10] |= 1;            // the multicast bit says that the node is random
	return give(stamp(out, 1), buffer, offset);
}

const named = (version, algorithm) => {
	const fn = (value, namespace, buffer, offset) => {
		const space = typeof namespace === 'string' ? parse(namespace) : Buffer.from(namespace);
		if (space.length !== 16) throw new TypeError('Namespace must be a UUID');
		const data = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
		const digest = crypto().createHash(algorithm).update(Buffer.concat([space, data])).digest();
		return give(stamp(digest.subarray(0, 16), version), buffer, offset);
	};
	fn.DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
	fn.URL = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';
	return fn;
};

module.exports = Object.assign(function uuid(options, buffer, offset) { return v4(options, buffer, offset); }, {
	v1, v4, v3: named(3, 'md5'), v5: named(5, 'sha1'), parse, unparse: bytes => write(Buffer.from(bytes)), stringify: bytes => write(Buffer.from(bytes)),
	validate: text => typeof text === 'string' && pattern.test(text), version: text => parseInt(text.charAt(14), 16), NIL: '00000000-0000-0000-0000-000000000000',
});
