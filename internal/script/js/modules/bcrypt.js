// bcrypt, with promises, callbacks and at once; hashing is the host program's. The hashes of its kin are taken too: $2a$, $2b$, $2y$.
const {native} = internal;
const {Buffer} = require('buffer');

function bytes(data, what) {
	if (typeof data === 'string' || ArrayBuffer.isView(data)) return Buffer.from(data).toBase64();
	throw new Error(data === undefined || data === null ? 'data and ' + what + ' arguments required' : 'data must be a string or Buffer and ' + what);
}

const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function genSaltSync(rounds = 10, minor = 'b') {
	if (typeof rounds !== 'number') throw new Error('rounds must be a number');
	if (minor !== 'b' && minor !== 'a') throw new Error('minor must be either "a" or "b"');
	rounds = Math.min(31, Math.max(4, Math.floor(rounds)));
	const random = require('crypto').randomBytes(16);
	let out = '';
	for (let i = 0, bits = 0, held = 0; out.length < 22; ) {
		if (bits < 6) {
			held = held << 8 | (i < 16 ? random[i] : 0);
			i++;
			bits += 8;
		}
		bits -= 6;
		out += alphabet[held >> bits & 63];
		held &= (1 << bits) - 1;
	}
	return '$2' + minor + '$' + (rounds < 10 ? '0' : '') + rounds + '$' + out;
}

function hashSync(data, salt) {
	if (typeof salt === 'number') salt = genSaltSync(salt);
	if (typeof salt !== 'string') throw new Error('salt must be a string or a number of rounds');
	const out = native('bcrypthash', bytes(data, 'salt'), salt);
	if (out[0] !== '$') throw new Error(out);
	return out;
}

function compareSync(data, hash) {
	if (typeof hash !== 'string') throw new Error('data and hash arguments required');
	return native('bcryptequal', bytes(data, 'hash'), hash);
}

function getRounds(hash) {
	const found = /^\$2[aby]\$(\d\d)\$/.exec(String(hash));
	if (!found) throw new Error('invalid hash');
	return Number(found[1]);
}

// later makes of a function one that answers by callback, or by promise when there is none.
const later = fn => (...args) => {
	const last = args.length && typeof args[args.length - 1] === 'function' ? args.pop() : null;
	const callback = last && args.length && typeof args[args.length - 1] === 'function' ? args.pop() : last; // the last of two tells progress
	const answer = done => setImmediate(() => {
		let value, error = null;
		try {
			value = fn(...args);
		} catch (e) {
			error = e;
		}
		done(error, value);
	});
	if (callback) return answer((error, value) => error ? callback(error) : callback(null, value));
	return new Promise((resolve, reject) => answer((error, value) => error ? reject(error) : resolve(value)));
};

Object.assign(exports, {genSaltSync, hashSync, compareSync, getRounds, genSalt: later(genSaltSync), hash: later(hashSync), compare: later(compareSync)});
exports.getSalt = hash => String(hash).slice(0, 29);
