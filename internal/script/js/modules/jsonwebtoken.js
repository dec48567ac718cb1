// jsonwebtoken 9, with the key sizes of its elders allowed. Signing and verifying is the host program's.
const {native} = internal;
const {Buffer} = require('buffer');

class JsonWebTokenError extends Error {
	constructor(message, inner) {
		super(message);
		this.name = 'JsonWebTokenError';
		if (inner) this.inner = inner;
	}
}
class TokenExpiredError extends JsonWebTokenError {
	constructor(message, expiredAt) { super(message); this.name = 'TokenExpiredError'; this.expiredAt = expiredAt; }
}
class NotBeforeError extends JsonWebTokenError {
	constructor(message, date) { super(message); this.name = 'NotBeforeError'; this.date = date; }
}

const units = {ms: 1, msec: 1, msecs: 1, millisecond: 1, milliseconds: 1, s: 1e3, sec: 1e3, secs: 1e3, second: 1e3, seconds: 1e3, m: 6e4, min: 6e4, mins: 6e4,
	minute: 6e4, minutes: 6e4, h: 36e5, hr: 36e5, hrs: 36e5, hour: 36e5, hours: 36e5, d: 864e5, day: 864e5, days: 864e5, w: 6048e5, week: 6048e5,
	weeks: 6048e5, y: 315576e5, yr: 315576e5, yrs: 315576e5, year: 315576e5, years: 315576e5};

// span reads 60, '60' (milliseconds, as the library does), '10h', '2 days'; the result is in seconds.
function span(value) {
	if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
	if (typeof value !== 'string') return undefined;
	const m = /^(-?(?:\d+)?\.?\d+) *([a-z]*)$/i.exec(value.trim());
	if (!m) return undefined;
	const unit = m[2] ? units[m[2].toLowerCase()] : 1;
	return unit === undefined ? undefined : Math.floor(parseFloat(m[1]) * unit / 1000);
}

const keyText = key => {
	if (key && typeof key === 'object' && !ArrayBuffer.isView(key) && key.key !== undefined) key = key.key;
	return typeof key === 'string' ? Buffer.from(key).toBase64() : require('buffer').bytes(key).toBase64();
};
const plain = value => Object.prototype.toString.call(value) === '[object Object]';
const known = {expiresIn: 1, notBefore: 1, audience: 1, algorithm: 1, header: 1, encoding: 1, issuer: 1, subject: 1, jwtid: 1, noTimestamp: 1, keyid: 1, mutatePayload: 1,
	allowInsecureKeySizes: 1, allowInvalidAsymmetricKeyTypes: 1};
const claimOf = {audience: 'aud', issuer: 'iss', subject: 'sub', jwtid: 'jti'};

// settled gives a result in the shape that was asked for: returned or thrown, or to a callback in a later turn.
function settled(callback, work) {
	if (typeof callback !== 'function') return work();
	let error = null, value;
	try {
		value = work();
	} catch (e) {
		error = e;
	}
	setImmediate(() => error ? callback(error) : callback(null, value));
}

function sign(payload, secret, options, callback) {
	if (typeof options === 'function') {
		callback = options;
		options = {};
	}
	return settled(callback, () => signNow(payload, secret, options || {}));
}

function signNow(payload, secret, options) {
	const algorithm = options.algorithm || 'HS256';
	if (!secret && algorithm !== 'none') throw new Error('secretOrPrivateKey must have a value');
	for (const name of Object.keys(options)) {
		if (!Object.hasOwn(known, name)) throw new Error('"' + name + '" is not allowed in "options"');
	}
	if (payload === undefined) throw new Error('payload is required');
	const object = plain(payload);
	let claims = payload;
	if (object) {
		if (!options.mutatePayload) claims = Object.assign({}, payload);
		for (const name of ['exp', 'nbf', 'iat']) {
			if (claims[name] !== undefined && typeof claims[name] !== 'number') throw new Error('"' + name + '" should be a number of seconds');
		}
		if (claims.exp !== undefined && options.expiresIn !== undefined) throw new Error('Bad "options.expiresIn" option the payload already has an "exp" property.');
		if (claims.nbf !== undefined && options.notBefore !== undefined) throw new Error('Bad "options.notBefore" option the payload already has an "nbf" property.');
		const now = claims.iat || Math.floor(Date.now() / 1000);
		if (options.noTimestamp) delete claims.iat;
		else claims.iat = now;
		if (options.notBefore !== undefined) {
			const nbf = span(options.notBefore);
			if (nbf === undefined) throw new Error('"notBefore" should be a number of seconds or string representing a timespan');
			claims.nbf = now + nbf;
		}
		if (options.expiresIn !== undefined) {
			const exp = span(options.expiresIn);
			if (exp === undefined) throw new Error('"expiresIn" should be a number of seconds or string representing a timespan eg: "1d", "20h", 60');
			claims.exp = now + exp;
		}
		for (const name of Object.keys(claimOf)) {
			if (options[name] === undefined) continue;
			if (claims[claimOf[name]] !== undefined) throw new Error('Bad "options.' + name + '" option. The payload already has an "' + claimOf[name] + '" property.');
			claims[claimOf[name]] = options[name];
		}
	} else {
		const bad = Object.keys(options).filter(n => n === 'expiresIn' || n === 'notBefore' || Object.hasOwn(claimOf, n) || n === 'noTimestamp');
		if (bad.length) throw new Error('invalid ' + bad.join(',') + ' option for ' + typeof payload + ' payload');
	}
	const header = Object.assign({alg: algorithm, typ: object ? 'JWT' : undefined, kid: options.keyid}, options.header);
	const text = typeof claims === 'string' ? claims : Buffer.isBuffer(claims) ? claims.toString() : JSON.stringify(claims);
	if (header.alg === 'none') {
		return Buffer.from(JSON.stringify(header)).toString('base64url') + '.' + Buffer.from(text).toString('base64url') + '.';
	}
	const out = native('sign', header.alg, JSON.stringify(header), text, keyText(secret));
	if (out[0] === '!') throw new Error(out.slice(1));
	return out;
}

function decode(token, options) {
	const parts = String(token).split('.');
	if (parts.length !== 3) return null;
	let header, payload;
	try {
		header = JSON.parse(Buffer.from(parts[0], 'base64url').toString());
		payload = Buffer.from(parts[1], 'base64url').toString();
	} catch (e) {
		return null;
	}
	if (header === null || typeof header !== 'object') return null;
	try {
		const value = JSON.parse(payload);
		if (value !== null && typeof value === 'object') payload = value;
	} catch (e) { /* a payload that is text */ }
	return options && options.complete ? {header, payload, signature: parts[2]} : payload;
}

function verify(token, secret, options, callback) {
	if (typeof options === 'function') {
		callback = options;
		options = {};
	}
	options = Object.assign({}, options);
	if (typeof secret === 'function') {
		if (typeof callback !== 'function') throw new JsonWebTokenError('verify must be called asynchronous if secret or public key is provided as a callback');
		const complete = decode(token, {complete: true});
		if (!complete) return settled(callback, () => { throw new JsonWebTokenError('jwt malformed'); });
		return secret(complete.header, (error, key) => error
			? callback(new JsonWebTokenError('error in secret or public key callback: ' + error.message))
			: settled(callback, () => verifyNow(token, key, options)));
	}
	return settled(callback, () => verifyNow(token, secret, options));
}

const symmetric = ['HS256', 'HS384', 'HS512'], asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

function verifyNow(token, secret, options) {
	if (!token) throw new JsonWebTokenError('jwt must be provided');
	if (typeof token !== 'string') throw new JsonWebTokenError('jwt must be a string');
	const parts = token.split('.');
	if (parts.length !== 3) throw new JsonWebTokenError('jwt malformed');
	const complete = decode(token, {complete: true});
	if (!complete) throw new JsonWebTokenError('invalid token');
	const {header, payload} = complete;
	if (parts[2].trim() !== '' && !secret) throw new JsonWebTokenError('secret or public key must be provided');
	if (parts[2].trim() === '' && secret) throw new JsonWebTokenError('jwt signature is required');
	if (!secret && !(options.algorithms || []).includes('none')) throw new JsonWebTokenError('please specify "none" in "algorithms" to verify unsigned tokens');
	if (secret) {
		const key = keyText(secret);
		const pem = /-----BEGIN [A-Z ]*(PUBLIC KEY|PRIVATE KEY|CERTIFICATE)-----/.test(Buffer.from(key, 'base64').toString('latin1'));
		const algorithms = options.algorithms || (pem ? asymmetric : symmetric);
		if (!algorithms.includes(header.alg)) throw new JsonWebTokenError('invalid algorithm');
		if (pem === symmetric.includes(header.alg)) throw new JsonWebTokenError(pem ? 'secretOrPublicKey must be a symmetric key when using ' + header.alg : 'secretOrPublicKey must be an asymmetric key when using ' + header.alg);
		const bad = native('verify', header.alg, token, key);
		if (bad !== '') throw new JsonWebTokenError(bad);
	}
	check(payload, options);
	return options.complete ? complete : payload;
}

function check(payload, options) {
	const now = options.clockTimestamp || Math.floor(Date.now() / 1000), slack = options.clockTolerance || 0;
	if (payload.nbf !== undefined && !options.ignoreNotBefore) {
		if (typeof payload.nbf !== 'number') throw new JsonWebTokenError('invalid nbf value');
		if (payload.nbf > now + slack) throw new NotBeforeError('jwt not active', new Date(payload.nbf * 1000));
	}
	if (payload.exp !== undefined && !options.ignoreExpiration) {
		if (typeof payload.exp !== 'number') throw new JsonWebTokenError('invalid exp value');
		if (now >= payload.exp + slack) throw new TokenExpiredError('jwt expired', new Date(payload.exp * 1000));
	}
	if (options.audience) {
		const wanted = [].concat(options.audience), got = [].concat(payload.aud);
		if (!got.some(aud => wanted.some(w => w instanceof RegExp ? w.test(aud) : w === aud))) throw new JsonWebTokenError('jwt audience invalid. expected: ' + wanted.join(' or '));
	}
	if (options.issuer && ![].concat(options.issuer).includes(payload.iss)) throw new JsonWebTokenError('jwt issuer invalid. expected: ' + options.issuer);
	if (options.subject && payload.sub !== options.subject) throw new JsonWebTokenError('jwt subject invalid. expected: ' + options.subject);
	if (options.jwtid && payload.jti !== options.jwtid) throw new JsonWebTokenError('jwt jwtid invalid. expected: ' + options.jwtid);
	if (options.nonce && payload.nonce !== options.nonce) throw new JsonWebTokenError('jwt nonce invalid. expected: ' + options.nonce);
	if (options.maxAge) {
		if (typeof payload.iat !== 'number') throw new JsonWebTokenError('iat required when maxAge is specified');
		const limit = span(options.maxAge);
		if (limit === undefined) throw new JsonWebTokenError('"maxAge" should be a number of seconds or string representing a timespan eg: "1d", "20h", 60');
		if (now >= payload.iat + limit + slack) throw new TokenExpiredError('maxAge exceeded', new Date((payload.iat + limit) * 1000));
	}
}

Object.assign(exports, {sign, verify, decode, JsonWebTokenError, TokenExpiredError, NotBeforeError});
