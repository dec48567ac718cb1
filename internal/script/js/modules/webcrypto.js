// Web Cryptography over Node's crypto: digest, HMAC, AES, RSA, ECDSA, Ed25519, ECDH, X25519, PBKDF2, HKDF.
const node = require('crypto');
const {Buffer} = require('buffer');
const {view} = require('encoding');
const {DOMException} = require('abort');

const secret = {}, inner = new WeakMap(); // CryptoKey → KeyObject
class CryptoKey {
	constructor(key, type, algorithm, extractable, usages, object) {
		if (key !== secret) throw Object.assign(new TypeError('Illegal constructor'), {code: 'ERR_ILLEGAL_CONSTRUCTOR'});
		for (const [name, value] of [['type', type], ['extractable', !!extractable], ['algorithm', algorithm], ['usages', [...usages]]]) Object.defineProperty(this, name, {value, enumerable: true});
		inner.set(this, object);
	}
	get [Symbol.toStringTag]() { return 'CryptoKey'; }
}
const make = (object, algorithm, extractable, usages) => new CryptoKey(secret, object.type, algorithm, extractable, usages, object);
const fail = (name, message) => { throw new DOMException(message, name); };
const out = buffer => buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
const names = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512', 'HMAC', 'AES-CBC', 'AES-CTR', 'AES-GCM', 'AES-KW', 'RSASSA-PKCS1-v1_5', 'RSA-PSS', 'RSA-OAEP', 'ECDSA', 'ECDH', 'Ed25519', 'X25519', 'PBKDF2', 'HKDF'];

// norm is an algorithm as an object, its name as the standard writes it.
function norm(algorithm) {
	const given = typeof algorithm === 'string' ? {name: algorithm} : algorithm;
	const name = given && names.find(n => n.toLowerCase() === String(given.name).toLowerCase());
	if (!name) fail('NotSupportedError', 'Unrecognized algorithm name');
	const all = Object.assign({}, given, {name});
	if (all.hash !== undefined) all.hash = norm(all.hash);
	return all;
}
const hash = algorithm => (algorithm.hash || algorithm).name.toLowerCase().replace('-', '');
const curveName = {prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521'};
function need(key, usage, name) {
	if (!(key instanceof CryptoKey)) throw new TypeError('The key must be a CryptoKey');
	if (key.algorithm.name !== name || !key.usages.includes(usage)) fail('InvalidAccessError', 'The requested operation is not valid for the provided key');
	return inner.get(key);
}

const signing = (algorithm, key) => {
	switch (algorithm.name) {
	case 'RSASSA-PKCS1-v1_5': return [hash(key.algorithm), {}];
	case 'RSA-PSS': return [hash(key.algorithm), {padding: node.constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength}];
	case 'ECDSA': return [hash(algorithm), {dsaEncoding: 'ieee-p1363'}];
	case 'Ed25519': return [null, {}];
	}
	fail('NotSupportedError', 'Unrecognized algorithm name');
};
const aes = (algorithm, object, encrypt) => {
	const bits = object.symmetricKeySize * 8, name = 'aes-' + bits + '-' + algorithm.name.slice(4).toLowerCase();
	const iv = view(algorithm.name === 'AES-CTR' ? algorithm.counter : algorithm.iv);
	const cipher = encrypt ? node.createCipheriv(name, object, iv) : node.createDecipheriv(name, object, iv);
	if (algorithm.name === 'AES-GCM' && algorithm.additionalData !== undefined) cipher.setAAD(view(algorithm.additionalData));
	return cipher;
};
const keyAlgorithm = {
	secret: (a, object) => a.name === 'HMAC' ? {name: a.name, length: object.symmetricKeySize * 8, hash: {name: a.hash.name}} : /^AES/.test(a.name) ? {name: a.name, length: object.symmetricKeySize * 8} : {name: a.name},
	pair: (a, object) => object.asymmetricKeyType === 'rsa' ? {name: a.name, modulusLength: object.asymmetricKeyDetails.modulusLength, publicExponent: new Uint8Array([1, 0, 1]), hash: {name: a.hash.name}} :
		object.asymmetricKeyType === 'ec' ? {name: a.name, namedCurve: curveName[object.asymmetricKeyDetails.namedCurve]} : {name: a.name},
};
const kindOf = name => /^RSA/.test(name) ? 'rsa' : name === 'Ed25519' ? 'ed25519' : name === 'X25519' ? 'x25519' : 'ec';

function toCrypto(object, algorithm, extractable, usages) {
	if (object.type === 'secret') return make(object, keyAlgorithm.secret(algorithm, object), extractable, usages);
	if (object.asymmetricKeyType !== kindOf(algorithm.name)) fail('DataError', 'Invalid key type');
	return make(object, keyAlgorithm.pair(algorithm, object), extractable, usages);
}

async function bits(algorithm, key, length) {
	algorithm = norm(algorithm);
	const object = need(key, key.usages.includes('deriveBits') ? 'deriveBits' : 'deriveKey', algorithm.name);
	switch (algorithm.name) {
	case 'PBKDF2': return new Promise((resolve, reject) => node.pbkdf2(object, view(algorithm.salt), algorithm.iterations, length / 8, hash(algorithm), (e, b) => e ? reject(e) : resolve(out(b))));
	case 'HKDF': return node.hkdfSync(hash(algorithm), object, view(algorithm.salt), view(algorithm.info), length / 8);
	case 'ECDH': case 'X25519': {
		const all = node.diffieHellman({privateKey: object, publicKey: inner.get(algorithm.public)});
		if (length === null || length === undefined) return out(all);
		if (length / 8 > all.length) fail('OperationError', 'derived bit length is too large');
		return out(all.subarray(0, Math.ceil(length / 8)));
	}
	}
	fail('NotSupportedError', 'Unrecognized algorithm name');
}
const lengthOf = algorithm => algorithm.length || (algorithm.name === 'HMAC' ? {sha1: 512, sha256: 512, sha384: 1024, sha512: 1024}[hash(algorithm)] : null);

class SubtleCrypto {
	async digest(algorithm, data) { return out(node.createHash(hash(norm(algorithm))).update(view(data)).digest()); }
	async sign(algorithm, key, data) {
		algorithm = norm(algorithm);
		const object = need(key, 'sign', algorithm.name);
		if (algorithm.name === 'HMAC') return out(node.createHmac(hash(key.algorithm), object).update(view(data)).digest());
		const [name, options] = signing(algorithm, key);
		return out(node.sign(name, view(data), Object.assign({key: object}, options)));
	}
	async verify(algorithm, key, mark, data) {
		algorithm = norm(algorithm);
		const object = need(key, 'verify', algorithm.name);
		if (algorithm.name === 'HMAC') {
			const own = node.createHmac(hash(key.algorithm), object).update(view(data)).digest();
			return own.length === view(mark).length && node.timingSafeEqual(own, view(mark));
		}
		const [name, options] = signing(algorithm, key);
		return node.verify(name, view(data), Object.assign({key: object}, options), view(mark));
	}
	async encrypt(algorithm, key, data) {
		algorithm = norm(algorithm);
		const object = need(key, 'encrypt', algorithm.name);
		if (algorithm.name === 'RSA-OAEP') return out(node.publicEncrypt({key: object, oaepHash: hash(key.algorithm), oaepLabel: algorithm.label && view(algorithm.label)}, view(data)));
		const cipher = aes(algorithm, object, true);
		const parts = [cipher.update(view(data)), cipher.final()];
		if (algorithm.name === 'AES-GCM') parts.push(cipher.getAuthTag().subarray(0, (algorithm.tagLength || 128) / 8));
		return out(Buffer.concat(parts));
	}
	async decrypt(algorithm, key, data) {
		algorithm = norm(algorithm);
		const object = need(key, 'decrypt', algorithm.name);
		try {
			if (algorithm.name === 'RSA-OAEP') return out(node.privateDecrypt({key: object, oaepHash: hash(key.algorithm), oaepLabel: algorithm.label && view(algorithm.label)}, view(data)));
			const cipher = aes(algorithm, object, false);
			let text = view(data);
			if (algorithm.name === 'AES-GCM') {
				const size = (algorithm.tagLength || 128) / 8;
				cipher.setAuthTag(text.subarray(text.length - size));
				text = text.subarray(0, text.length - size);
			}
			return out(Buffer.concat([cipher.update(text), cipher.final()]));
		} catch (e) {
			fail('OperationError', 'The operation failed for an operation-specific reason');
		}
	}
	async importKey(format, data, algorithm, extractable, usages) {
		algorithm = norm(algorithm);
		let object;
		if (/^(HMAC|AES-|PBKDF2|HKDF)/.test(algorithm.name)) {
			if (format === 'jwk') object = node.createSecretKey(Buffer.from(String(data.k), 'base64url'));
			else if (format === 'raw') object = node.createSecretKey(Buffer.from(view(data)));
			else fail('NotSupportedError', 'Unable to import ' + algorithm.name + ' using ' + format + ' format');
			if (/^AES/.test(algorithm.name) && ![16, 24, 32].includes(object.symmetricKeySize)) fail('DataError', 'Invalid key length');
			return toCrypto(object, algorithm, extractable, usages);
		}
		try {
			if (format === 'jwk') object = data.d === undefined ? node.createPublicKey({key: data, format: 'jwk'}) : node.createPrivateKey({key: data, format: 'jwk'});
			else if (format === 'spki') object = node.createPublicKey({key: Buffer.from(view(data)), format: 'der', type: 'spki'});
			else if (format === 'pkcs8') object = node.createPrivateKey({key: Buffer.from(view(data)), format: 'der', type: 'pkcs8'});
			else if (format === 'raw') object = node.createPublicKey({key: rawJWK(algorithm, Buffer.from(view(data))), format: 'jwk'});
		} catch (e) {
			fail('DataError', 'Invalid keyData');
		}
		if (!object) fail('NotSupportedError', 'Unable to import ' + algorithm.name + ' using ' + format + ' format');
		return toCrypto(object, algorithm, extractable || object.type === 'public' && extractable !== false, usages);
	}
	async exportKey(format, key) {
		if (!(key instanceof CryptoKey)) throw new TypeError('The key must be a CryptoKey');
		if (!key.extractable) fail('InvalidAccessError', 'key is not extractable');
		const object = inner.get(key);
		if (format === 'jwk') {
			const jwk = Object.assign(object.export({format: 'jwk'}), {key_ops: key.usages.slice(), ext: true});
			const alg = jwkAlgorithm(key.algorithm);
			return alg ? Object.assign(jwk, {alg}) : jwk;
		}
		if (format === 'raw' && object.type === 'secret') return out(object.export());
		if (format === 'raw' && object.type === 'public' && object.asymmetricKeyType !== 'rsa') {
			const jwk = object.export({format: 'jwk'});
			return out(jwk.y === undefined ? Buffer.from(jwk.x, 'base64url') : Buffer.concat([Buffer.from([4]), Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')]));
		}
		if (format === 'spki' && object.type === 'public' || format === 'pkcs8' && object.type === 'private') return out(object.export({format: 'der', type: format}));
		fail('NotSupportedError', 'Unable to export ' + key.algorithm.name + ' ' + key.type + ' key using ' + format + ' format');
	}
	async generateKey(algorithm, extractable, usages) {
		algorithm = norm(algorithm);
		if (/^(HMAC|AES-)/.test(algorithm.name)) return toCrypto(node.createSecretKey(node.randomBytes(lengthOf(algorithm) / 8)), algorithm, extractable, usages);
		const kind = kindOf(algorithm.name);
		const pair = await new Promise((resolve, reject) => node.generateKeyPair(kind, {modulusLength: algorithm.modulusLength, namedCurve: algorithm.namedCurve}, (e, publicKey, privateKey) => e ? reject(e) : resolve({publicKey, privateKey})));
		const open = usages.filter(u => ['verify', 'encrypt', 'wrapKey'].includes(u)), closed = usages.filter(u => !open.includes(u));
		return {publicKey: toCrypto(pair.publicKey, algorithm, true, open), privateKey: toCrypto(pair.privateKey, algorithm, extractable, closed)};
	}
	async deriveBits(algorithm, key, length) { return bits(algorithm, key, length); }
	async deriveKey(algorithm, key, derived, extractable, usages) {
		derived = norm(derived);
		return this.importKey('raw', await bits(algorithm, key, lengthOf(derived)), derived, extractable, usages);
	}
	async wrapKey(format, key, wrapping, algorithm) {
		const data = await this.exportKey(format, key);
		algorithm = norm(algorithm);
		if (algorithm.name === 'AES-KW') fail('NotSupportedError', 'AES-KW is not available to scripts');
		const using = make(inner.get(wrapping), wrapping.algorithm, false, ['encrypt']);
		return this.encrypt(algorithm, using, format === 'jwk' ? Buffer.from(JSON.stringify(data)) : data);
	}
	async unwrapKey(format, wrapped, unwrapping, algorithm, keyAlgorithm, extractable, usages) {
		algorithm = norm(algorithm);
		if (algorithm.name === 'AES-KW') fail('NotSupportedError', 'AES-KW is not available to scripts');
		const data = await this.decrypt(algorithm, make(inner.get(unwrapping), unwrapping.algorithm, false, ['decrypt']), wrapped);
		return this.importKey(format, format === 'jwk' ? JSON.parse(Buffer.from(data).toString()) : data, keyAlgorithm, extractable, usages);
	}
	get [Symbol.toStringTag]() { return 'SubtleCrypto'; }
}

function rawJWK(algorithm, bytes) {
	if (algorithm.name === 'Ed25519' || algorithm.name === 'X25519') return {kty: 'OKP', crv: algorithm.name, x: bytes.toString('base64url')};
	const size = (bytes.length - 1) / 2;
	return {kty: 'EC', crv: algorithm.namedCurve, x: bytes.subarray(1, 1 + size).toString('base64url'), y: bytes.subarray(1 + size).toString('base64url')};
}
function jwkAlgorithm(a) {
	const size = a.hash && a.hash.name.replace('SHA-', '');
	switch (a.name) {
	case 'HMAC': return 'HS' + size;
	case 'Ed25519': return 'Ed25519';
	case 'RSASSA-PKCS1-v1_5': return 'RS' + size;
	case 'RSA-PSS': return 'PS' + size;
	case 'RSA-OAEP': return size === '1' ? 'RSA-OAEP' : 'RSA-OAEP-' + size;
	case 'AES-GCM': case 'AES-CBC': case 'AES-CTR': return 'A' + a.length + a.name.slice(4);
	}
}

const subtle = new SubtleCrypto();
exports.webcrypto = {subtle, getRandomValues: node.getRandomValues, randomUUID: node.randomUUID, CryptoKey, SubtleCrypto};
exports.isCryptoKey = value => value instanceof CryptoKey;
exports.toKeyObject = key => inner.get(key);
exports.fromKeyObject = (object, algorithm, extractable, usages) => toCrypto(object, norm(algorithm), extractable, usages);
