// Node's crypto; the work is the host program's. Keys are kept in DER, as PKCS #8 or SubjectPublicKeyInfo.
const {native, compute, work, nextTick} = internal;
const {Buffer} = require('buffer');
const {view} = require('encoding');

const coded = (error, code) => Object.assign(error, {code});
const bytes = (value, encoding) => {
	if (typeof value === 'string') return Buffer.from(value, encoding === 'buffer' ? 'utf8' : encoding);
	if (value instanceof KeyObject) return secretOf(value);
	if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return view(value);
	throw coded(new TypeError('The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received ' + (value === null ? 'null' : typeof value === 'object' ? 'an instance of ' + (value.constructor && value.constructor.name) : typeof value)), 'ERR_INVALID_ARG_TYPE');
};
const b64 = (value, encoding) => bytes(value, encoding).toBase64();
const from64 = text => Buffer.from(text, 'base64');
const shown = (buffer, encoding) => encoding && encoding !== 'buffer' ? buffer.toString(encoding) : buffer;
const json = value => JSON.stringify(value, (k, v) => v);
const fn = value => { if (typeof value !== 'function') throw coded(new TypeError('The "callback" argument must be of type function. Received ' + value), 'ERR_INVALID_ARG_TYPE'); };

// later does compute beside the event loop; failures of the arguments themselves are thrown at once, as in Node.
function later(op, args, done) {
	work(op, args, (error, out) => error ? done(error) : done(null, out));
}

// streaming makes a class with update and an end usable as a stream too; the stream is made when it is first used as one.
const streamed = ['on', 'once', 'off', 'emit', 'addListener', 'removeListener', 'removeAllListeners', 'prependListener', 'listeners', 'listenerCount', 'setMaxListeners', 'pipe', 'unpipe', 'write', 'end', 'read', 'setEncoding',
	'resume', 'pause', 'destroy', 'cork', 'uncork', 'push'];
function streaming(Class, step, flush) {
	const inners = new WeakMap();
	const inner = self => {
		if (!inners.has(self)) {
			const {Transform} = require('stream');
			inners.set(self, new Transform({
				transform(chunk, encoding, done) { try { done(null, step.call(self, chunk)); } catch (e) { done(e); } },
				flush(done) { try { done(null, flush.call(self)); } catch (e) { done(e); } },
			}));
		}
		return inners.get(self);
	};
	for (const name of streamed) {
		Object.defineProperty(Class.prototype, name, {configurable: true, writable: true, value(...args) {
			const stream = inner(this), out = stream[name](...args);
			return out === stream ? this : out;
		}});
	}
	for (const name of ['_readableState', '_writableState', 'readable', 'writable', 'destroyed', 'writableNeedDrain', 'readableFlowing']) {
		Object.defineProperty(Class.prototype, name, {configurable: true, get() { return inner(this)[name]; }});
	}
	Class.prototype[Symbol.asyncIterator] = function () { return inner(this)[Symbol.asyncIterator](); };
}

// --- hashes -----------------------------------------------------------------------------------------------------------------------

const known = ['blake2b512', 'blake2s256', 'md5', 'ripemd160', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha512-224', 'sha512-256', 'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512'];
const hashName = name => String(name).toLowerCase();

class Digest {
	#algorithm; #key; #parts = []; #done = false;
	constructor(algorithm, key) {
		if (typeof algorithm !== 'string') throw coded(new TypeError('The "algorithm" argument must be of type string. Received ' + typeof algorithm), 'ERR_INVALID_ARG_TYPE');
		this.#algorithm = hashName(algorithm);
		this.#key = key;
		if (!native('hashknown', this.#algorithm)) {
			throw key === undefined ? new Error('Digest method not supported') : coded(new TypeError('Invalid digest: ' + algorithm), 'ERR_CRYPTO_INVALID_DIGEST');
		}
	}
	update(data, encoding) {
		if (this.#done) throw coded(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
		this.#parts.push(typeof data === 'string' ? bytes(data, encoding) : Buffer.from(bytes(data)));
		return this;
	}
	digest(encoding) {
		if (this.#done) {
			if (this.#key !== undefined) return shown(Buffer.alloc(0), encoding);
			throw coded(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
		}
		this.#done = true;
		const data = (this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts)).toBase64();
		this.#parts = [];
		return shown(from64(this.#key === undefined ? native('hash', this.#algorithm, data) : native('hmac', this.#algorithm, this.#key, data)), encoding);
	}
	copy() {
		if (this.#done) throw coded(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
		const out = new this.constructor(this.#algorithm, this.#key);
		out.#parts = this.#parts.slice();
		return out;
	}
}
class Hash extends Digest {}
class Hmac extends Digest {}
for (const Class of [Hash, Hmac]) streaming(Class, function (chunk) { this.update(chunk); }, function () { return this.digest(); });

exports.createHash = (algorithm, options) => new Hash(algorithm, undefined, options);
exports.createHmac = (algorithm, key) => {
	if (key === undefined || key === null) throw coded(new TypeError('The "key" argument must be of type string or an instance of ArrayBuffer, Buffer, TypedArray, DataView, KeyObject, or CryptoKey. Received ' + key), 'ERR_INVALID_ARG_TYPE');
	return new Hmac(algorithm, b64(key));
};
exports.hash = (algorithm, data, encoding = 'hex') => exports.createHash(algorithm).update(data).digest(encoding);
exports.getHashes = () => known.slice();
exports.Hash = Hash;
exports.Hmac = Hmac;

// --- random -----------------------------------------------------------------------------------------------------------------------

Object.assign(exports, require('random'));
exports.timingSafeEqual = (a, b) => {
	for (const [name, value] of [['buf1', a], ['buf2', b]]) {
		if (!(value instanceof ArrayBuffer || ArrayBuffer.isView(value))) throw coded(new TypeError('The "' + name + '" argument must be an instance of ArrayBuffer, Buffer, TypedArray, or DataView. Received ' + typeof value), 'ERR_INVALID_ARG_TYPE');
	}
	a = view(a);
	b = view(b);
	if (a.length !== b.length) throw coded(new RangeError('Input buffers must have the same byte length'), 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH');
	return native('equal', a.toBase64(), b.toBase64());
};

// --- keys from passwords ----------------------------------------------------------------------------------------------------------

function checkHash(digest) {
	if (typeof digest !== 'string') throw coded(new TypeError('The "digest" argument must be of type string. Received ' + digest), 'ERR_INVALID_ARG_TYPE');
	if (!native('hashknown', hashName(digest))) throw coded(new TypeError('Invalid digest: ' + digest), 'ERR_CRYPTO_INVALID_DIGEST');
	return hashName(digest);
}
exports.pbkdf2Sync = (password, salt, iterations, length, digest) => from64(compute('pbkdf2', b64(password), b64(salt), iterations, length, checkHash(digest)));
exports.pbkdf2 = (password, salt, iterations, length, digest, callback) => {
	if (typeof digest === 'function') { callback = digest; digest = undefined; }
	fn(callback);
	later('pbkdf2', [b64(password), b64(salt), iterations, length, checkHash(digest)], (error, out) => error ? callback(error) : callback(null, from64(out)));
};
exports.hkdfSync = (digest, key, salt, info, length) => {
	const out = from64(compute('hkdf', checkHash(digest), b64(key), b64(salt), b64(info), length));
	return out.buffer.slice(out.byteOffset, out.byteOffset + out.byteLength);
};
exports.hkdf = (digest, key, salt, info, length, callback) => {
	fn(callback);
	let out;
	try { out = exports.hkdfSync(digest, key, salt, info, length); } catch (e) { return nextTick(callback, e); }
	setImmediate(callback, null, out);
};
const scryptArguments = (password, salt, length, options = {}) => [b64(password), b64(salt), length, options.N || options.cost || 16384, options.r || options.blockSize || 8, options.p || options.parallelization || 1, options.maxmem || 32 << 20];
exports.scryptSync = (password, salt, length, options) => from64(compute('scrypt', ...scryptArguments(password, salt, length, options)));
exports.scrypt = (password, salt, length, options, callback) => {
	if (typeof options === 'function') { callback = options; options = undefined; }
	fn(callback);
	later('scrypt', scryptArguments(password, salt, length, options), (error, out) => error ? callback(error) : callback(null, from64(out)));
};

// --- ciphers ----------------------------------------------------------------------------------------------------------------------

const sizes = {aes: 16, des: 8};
const ciphers = ['aes-128-cbc', 'aes-128-ctr', 'aes-128-ecb', 'aes-128-gcm', 'aes-128-cfb', 'aes-128-ofb', 'aes-192-cbc', 'aes-192-ctr', 'aes-192-ecb', 'aes-192-gcm', 'aes-256-cbc', 'aes-256-ctr', 'aes-256-ecb', 'aes-256-gcm',
	'aes-256-cfb', 'aes-256-ofb', 'chacha20-poly1305', 'des-cbc', 'des-ecb', 'des-ede3-cbc', 'des-ede3-ecb'];
const cipherName = name => {
	const out = String(name).toLowerCase();
	return {'aes128': 'aes-128-cbc', 'aes192': 'aes-192-cbc', 'aes256': 'aes-256-cbc', 'id-aes128-gcm': 'aes-128-gcm', 'id-aes256-gcm': 'aes-256-gcm', 'des3': 'des-ede3-cbc', 'des-ede3': 'des-ede3-ecb', 'des': 'des-cbc'}[out] || out;
};

class Cipher {
	#id; #encrypt; #tag; #tagSize = 16; #done = false; #decoder = null;
	constructor(name, key, iv, encrypt, options = {}) {
		this.#encrypt = encrypt;
		if (options && options.authTagLength) this.#tagSize = options.authTagLength;
		this.#id = compute('cipherbegin', cipherName(name), encrypt ? 'encrypt' : 'decrypt', b64(key), iv === null || iv === undefined ? '' : b64(iv));
	}
	#text(buffer, encoding, last) {
		if (!encoding || encoding === 'buffer') return buffer;
		if (!this.#decoder) this.#decoder = new (require('string_decoder').StringDecoder)(encoding);
		return this.#decoder.write(buffer) + (last ? this.#decoder.end() : '');
	}
	#alive() { if (this.#done) throw coded(new Error('Unsupported state'), 'ERR_CRYPTO_INVALID_STATE'); }
	update(data, inputEncoding, outputEncoding) {
		this.#alive();
		return this.#text(from64(compute('cipherupdate', this.#id, b64(data, inputEncoding))), outputEncoding, false);
	}
	final(encoding) {
		this.#alive();
		this.#done = true;
		const {out, tag} = JSON.parse(compute('cipherfinal', this.#id, this.#tagSize));
		if (this.#encrypt) this.#tag = from64(tag);
		return this.#text(from64(out), encoding, true);
	}
	setAAD(aad) { this.#alive(); compute('cipheraad', this.#id, b64(aad)); return this; }
	setAutoPadding(on = true) { this.#alive(); compute('cipherpad', this.#id, on ? 1 : 0); return this; }
	getAuthTag() {
		if (!this.#done || !this.#tag || this.#tag.length === 0) throw coded(new Error('Invalid state for operation getAuthTag'), 'ERR_CRYPTO_INVALID_STATE');
		return this.#tag;
	}
	setAuthTag(tag, encoding) { this.#alive(); compute('ciphertag', this.#id, b64(tag, encoding)); return this; }
}
class Cipheriv extends Cipher { constructor(name, key, iv, options) { super(name, key, iv, true, options); } }
class Decipheriv extends Cipher { constructor(name, key, iv, options) { super(name, key, iv, false, options); } }
for (const Class of [Cipheriv, Decipheriv]) streaming(Class, function (chunk) { return this.update(chunk); }, function () { return this.final(); });
exports.createCipheriv = (name, key, iv, options) => new Cipheriv(name, key, iv, options);
exports.createDecipheriv = (name, key, iv, options) => new Decipheriv(name, key, iv, options);
exports.Cipheriv = Cipheriv;
exports.Decipheriv = Decipheriv;
exports.getCiphers = () => ciphers.slice();
exports.getCipherInfo = name => {
	name = cipherName(name);
	if (!ciphers.includes(name)) return undefined;
	const mode = name === 'chacha20-poly1305' ? 'stream' : name.split('-').pop();
	const block = sizes[name.split('-')[0]], keyLength = name.startsWith('aes') ? Number(name.split('-')[1]) / 8 : name.startsWith('des-ede3') ? 24 : name.startsWith('des') ? 8 : 32;
	return Object.assign({name, mode, keyLength}, mode === 'ecb' ? {} : {ivLength: mode === 'gcm' || mode === 'stream' ? 12 : block}, mode === 'cbc' || mode === 'ecb' ? {blockSize: block} : {});
};

// The ciphers of old took a password: key and vector are MD5 of it, over and over.
function passwordKey(name, password) {
	const info = exports.getCipherInfo(name);
	if (!info) throw coded(new Error('Unknown cipher'), 'ERR_CRYPTO_UNKNOWN_CIPHER');
	const want = info.keyLength + (info.ivLength || 0);
	let last = Buffer.alloc(0), all = Buffer.alloc(0);
	while (all.length < want) {
		last = exports.createHash('md5').update(last).update(bytes(password)).digest();
		all = Buffer.concat([all, last]);
	}
	return [all.subarray(0, info.keyLength), info.ivLength ? all.subarray(info.keyLength, want) : null];
}
exports.createCipher = (name, password, options) => new Cipheriv(name, ...passwordKey(name, password), options);
exports.createDecipher = (name, password, options) => new Decipheriv(name, ...passwordKey(name, password), options);

// --- keys -------------------------------------------------------------------------------------------------------------------------

const hiddenKey = new WeakMap(); // KeyObject → {secret} or the form that the host gives
const secretOf = key => {
	const form = hiddenKey.get(key);
	if (!form || !form.secret) throw coded(new TypeError('Invalid key object type ' + key.type + ', expected secret.'), 'ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE');
	return form.secret;
};

class KeyObject {
	constructor(form) {
		if (form === null || typeof form !== 'object' || !form.type) throw coded(new TypeError("The argument 'type' is invalid."), 'ERR_INVALID_ARG_VALUE');
		hiddenKey.set(this, form);
	}
	get type() { return hiddenKey.get(this).type; }
	get asymmetricKeyType() { return hiddenKey.get(this).kind; }
	get asymmetricKeyDetails() {
		const form = hiddenKey.get(this);
		if (form.secret) return undefined;
		return form.kind === 'rsa' ? {modulusLength: form.modulus, publicExponent: 65537n} : form.kind === 'ec' ? {namedCurve: form.curve} : {};
	}
	get symmetricKeySize() { const form = hiddenKey.get(this); return form.secret ? form.secret.length : undefined; }
	equals(other) { return other instanceof KeyObject && other.type === this.type && (this.type === 'secret' ? Buffer.from(secretOf(this)).equals(secretOf(other)) : hiddenKey.get(this).der === hiddenKey.get(other).der); }
	export(options = {}) {
		const form = hiddenKey.get(this);
		if (form.secret) return options.format === 'jwk' ? {kty: 'oct', k: Buffer.from(form.secret).toString('base64url')} : Buffer.from(form.secret);
		if (options.format === 'jwk') return JSON.parse(compute('keyexport', form.der, form.type, 'jwk'));
		if (options.passphrase !== undefined || options.cipher !== undefined) throw coded(new Error('Encrypted private keys cannot be made here'), 'ERR_CRYPTO_UNSUPPORTED_OPERATION');
		const {label, der} = JSON.parse(compute('keyexport', form.der, form.type, options.type || (form.type === 'private' ? 'pkcs8' : 'spki')));
		return encoded(from64(der), label, options.format);
	}
	toCryptoKey(algorithm, extractable, usages) { return require('webcrypto').fromKeyObject(this, algorithm, extractable, usages); }
	static from(key) { return require('webcrypto').toKeyObject(key); }
	get [Symbol.toStringTag]() { return 'KeyObject'; }
}
const encoded = (der, label, format) => {
	if (format === 'der') return der;
	return '-----BEGIN ' + label + '-----\n' + der.toString('base64').replace(/.{1,64}/g, '$&\n') + '-----END ' + label + '-----\n';
};

// keyOf makes a KeyObject of anything that Node takes for a key.
function keyOf(key, privately) {
	if (key === undefined || key === null) throw coded(new TypeError('The "key" argument must be of type string or an instance of ArrayBuffer, Buffer, TypedArray, DataView, KeyObject, or CryptoKey. Received ' + key), 'ERR_INVALID_ARG_TYPE');
	let passphrase, jwk, data = key;
	if (!(key instanceof KeyObject) && typeof key === 'object' && !(key instanceof ArrayBuffer) && !ArrayBuffer.isView(key)) {
		if (require('webcrypto').isCryptoKey(key)) return keyOf(KeyObject.from(key), privately);
		if (key.key === undefined) throw coded(new TypeError('The "key" argument must be of type string or an instance of Buffer, TypedArray, DataView, or KeyObject.'), 'ERR_INVALID_ARG_TYPE');
		passphrase = key.passphrase;
		if (key.format === 'jwk') jwk = key.key;
		data = key.key;
	}
	if (data instanceof KeyObject) {
		if (data.type === 'secret') throw coded(new TypeError('Invalid key object type secret, expected private or public.'), 'ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE');
		if (privately ? data.type === 'private' : data.type === 'public') return data;
		if (privately) throw coded(new TypeError('Invalid key object type public, expected private.'), 'ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE');
		data = from64(hiddenKey.get(data).der);
	}
	if (!jwk && typeof data === 'object' && !(data instanceof ArrayBuffer) && !ArrayBuffer.isView(data)) return keyOf(data, privately);
	const text = jwk ? {jwk, private: privately} : {data: b64(data, key.encoding), private: privately};
	if (passphrase !== undefined) text.passphrase = b64(passphrase);
	return new KeyObject(JSON.parse(compute('key', json(text))));
}
const derOf = (key, privately) => hiddenKey.get(keyOf(key, privately)).der;

exports.KeyObject = KeyObject;
exports.createSecretKey = (key, encoding) => new KeyObject({type: 'secret', secret: Buffer.from(bytes(key, encoding))});
exports.createPrivateKey = key => keyOf(key, true);
exports.createPublicKey = key => keyOf(key, false);

function published(form) { return keyOf({key: from64(form.der), format: 'der', type: 'pkcs8'}, false); }
function pair(form, options) {
	const keys = {privateKey: new KeyObject(form), publicKey: published(form)};
	return {
		publicKey: options.publicKeyEncoding ? keys.publicKey.export(options.publicKeyEncoding) : keys.publicKey,
		privateKey: options.privateKeyEncoding ? keys.privateKey.export(options.privateKeyEncoding) : keys.privateKey,
	};
}
exports.generateKeyPairSync = (type, options = {}) => pair(JSON.parse(compute('keypair', type, options.modulusLength || 0, options.namedCurve || '')), options);
exports.generateKeyPair = (type, options, callback) => {
	if (typeof options === 'function') { callback = options; options = {}; }
	fn(callback);
	options = options || {};
	later('keypair', [type, options.modulusLength || 0, options.namedCurve || ''], (error, out) => {
		if (error) return callback(error);
		let made;
		try { made = pair(JSON.parse(out), options); } catch (e) { return callback(e); }
		callback(null, made.publicKey, made.privateKey);
	});
};
Object.defineProperty(exports.generateKeyPair, Symbol.for('nodejs.util.promisify.custom'), {value: (type, options) => new Promise((resolve, reject) => exports.generateKeyPair(type, options, (error, publicKey, privateKey) => error ? reject(error) : resolve({publicKey, privateKey})))});
exports.generateKeySync = (type, options) => exports.createSecretKey(exports.randomBytes(options.length >> 3));
exports.generateKey = (type, options, callback) => { nextTick(callback, null, exports.generateKeySync(type, options)); };

// --- signatures -------------------------------------------------------------------------------------------------------------------

const signedHash = name => hashName(name).replace(/^rsa-/, '').replace(/^ecdsa-with-/, '').replace(/^(sha)-?(\d+)$/, '$1$2');
function signature(algorithm, data, key, more) {
	const options = typeof key === 'object' && key !== null && !(key instanceof KeyObject) && !ArrayBuffer.isView(key) ? key : {};
	if (algorithm !== undefined && algorithm !== null && !native('hashknown', signedHash(algorithm))) throw coded(new TypeError('Invalid digest: ' + algorithm), 'ERR_CRYPTO_INVALID_DIGEST');
	return json(Object.assign({
		hash: algorithm === undefined || algorithm === null ? 'sha256' : signedHash(algorithm), data: bytes(data).toBase64(), padding: options.padding || 1, salt: options.saltLength,
		p1363: options.dsaEncoding === 'ieee-p1363',
	}, more));
}
exports.sign = (algorithm, data, key, callback) => {
	const call = signature(algorithm, data, key, {key: derOf(key, true)});
	if (typeof callback !== 'function') return from64(compute('keysign', call));
	later('keysign', [call], (error, out) => error ? callback(error) : callback(null, from64(out)));
};
exports.verify = (algorithm, data, key, mark, callback) => {
	const call = signature(algorithm, data, key, {key: derOf(key, false), mark: b64(mark)});
	if (typeof callback !== 'function') return compute('keyverify', call);
	later('keyverify', [call], callback);
};
class Signer {
	#algorithm; #parts = [];
	constructor(algorithm) {
		this.#algorithm = algorithm;
		if (!native('hashknown', signedHash(algorithm))) throw coded(new TypeError('Invalid digest: ' + algorithm), 'ERR_CRYPTO_INVALID_DIGEST');
	}
	update(data, encoding) { this.#parts.push(Buffer.from(bytes(data, encoding))); return this; }
	_data() { return [this.#algorithm, Buffer.concat(this.#parts)]; }
}
class Sign extends Signer { sign(key, encoding) { return shown(exports.sign(...this._data(), key), encoding); } }
class Verify extends Signer { verify(key, mark, encoding) { return exports.verify(...this._data(), key, typeof mark === 'string' ? Buffer.from(mark, encoding) : mark); } }
for (const Class of [Sign, Verify]) streaming(Class, function (chunk) { this.update(chunk); }, function () {});
exports.createSign = algorithm => new Sign(algorithm);
exports.createVerify = algorithm => new Verify(algorithm);
exports.Sign = Sign;
exports.Verify = Verify;

const rsa = (op, privately, standard) => (key, data) => {
	const options = typeof key === 'object' && key !== null && key.key !== undefined && !(key instanceof KeyObject) ? key : {};
	return from64(compute('rsa', json({op, key: derOf(key, privately), data: b64(data), padding: options.padding || standard, hash: hashName(options.oaepHash || 'sha1'), label: options.oaepLabel ? b64(options.oaepLabel) : undefined})));
};
exports.publicEncrypt = rsa('encrypt', false, 4);
exports.privateDecrypt = rsa('decrypt', true, 4);
exports.privateEncrypt = rsa('seal', true, 1);
exports.publicDecrypt = rsa('open', false, 1);

// --- agreement --------------------------------------------------------------------------------------------------------------------

exports.diffieHellman = ({privateKey, publicKey}) => from64(compute('ecdh', hiddenKey.get(privateKey).der, hiddenKey.get(publicKey).der));
class ECDH {
	#curve; #keys = null;
	constructor(curve) { this.#curve = curve; compute('ecdhpublic', curve, ''); }
	generateKeys(encoding) { this.#keys = JSON.parse(compute('ecdhpublic', this.#curve, '')); return this.getPublicKey(encoding); }
	setPrivateKey(key, encoding) { this.#keys = JSON.parse(compute('ecdhpublic', this.#curve, b64(key, encoding))); }
	#ready() { if (!this.#keys) throw coded(new Error('Failed to get ECDH key'), 'ERR_CRYPTO_ECDH_INVALID_KEY'); return this.#keys; }
	getPrivateKey(encoding) { return shown(from64(this.#ready().private), encoding); }
	getPublicKey(encoding) { return shown(from64(this.#ready().public), encoding); }
	computeSecret(other, inputEncoding, outputEncoding) { return shown(from64(compute('ecdh', this.#curve, this.#ready().private, b64(other, inputEncoding))), outputEncoding); }
}
exports.createECDH = curve => new ECDH(curve);
exports.ECDH = ECDH;
exports.getCurves = () => ['prime256v1', 'secp384r1', 'secp521r1'];
for (const name of ['createDiffieHellman', 'createDiffieHellmanGroup', 'getDiffieHellman', 'generatePrime', 'generatePrimeSync', 'checkPrime', 'checkPrimeSync', 'argon2', 'argon2Sync']) {
	exports[name] = () => { throw coded(new Error('crypto.' + name + ' is not available to scripts'), 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'); };
}

// --- certificates -----------------------------------------------------------------------------------------------------------------

class X509Certificate {
	#fields;
	constructor(text) {
		this.#fields = JSON.parse(compute('x509', b64(text)));
		for (const name of ['subject', 'issuer', 'subjectAltName', 'validFrom', 'validTo', 'serialNumber', 'fingerprint', 'fingerprint256', 'ca']) Object.defineProperty(this, name, {value: this.#fields[name] === '' ? undefined : this.#fields[name], enumerable: true});
	}
	get raw() { return from64(this.#fields.raw); }
	get publicKey() { return exports.createPublicKey({key: from64(this.#fields.publicKey), format: 'der', type: 'spki'}); }
	toString() { return encoded(this.raw, 'CERTIFICATE'); }
	toJSON() { return this.toString(); }
	checkPrivateKey(key) { return exports.createPublicKey(key).equals(this.publicKey); }
}
exports.X509Certificate = X509Certificate;

exports.constants = {RSA_PKCS1_PADDING: 1, RSA_NO_PADDING: 3, RSA_PKCS1_OAEP_PADDING: 4, RSA_PKCS1_PSS_PADDING: 6, RSA_PSS_SALTLEN_DIGEST: -1, RSA_PSS_SALTLEN_MAX_SIGN: -2, RSA_PSS_SALTLEN_AUTO: -2,
	POINT_CONVERSION_COMPRESSED: 2, POINT_CONVERSION_UNCOMPRESSED: 4, POINT_CONVERSION_HYBRID: 6, defaultCipherList: '', TLS1_VERSION: 769, TLS1_2_VERSION: 771, TLS1_3_VERSION: 772,
	SSL_OP_ALL: 2147485776, SSL_OP_NO_SSLv2: 0, SSL_OP_NO_SSLv3: 33554432, SSL_OP_NO_TLSv1: 67108864, SSL_OP_LEGACY_SERVER_CONNECT: 4, SSL_OP_CIPHER_SERVER_PREFERENCE: 4194304};
exports.getFips = () => 0;
exports.setEngine = () => {};
exports.secureHeapUsed = () => ({total: 0, used: 0, utilization: 0, min: 0});
for (const name of ['webcrypto', 'subtle']) {
	Object.defineProperty(exports, name, {enumerable: true, configurable: true, get() { const web = require('webcrypto'); return name === 'subtle' ? web.webcrypto.subtle : web.webcrypto; }});
}
