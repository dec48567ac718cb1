// Node's own crypto; see bridge.js for how its objects come into this realm. What are streams there are streams here when they are first
// used as such: the stream is this realm's.
const {Buffer} = require('buffer');
const crypto = module.exports = internal.native.node('crypto');

Object.assign(crypto, require('random'));
for (const name of ['getRandomValues', 'randomUUID']) {
	if (crypto.webcrypto) Object.defineProperty(crypto.webcrypto, name, {value: crypto[name], writable: true, configurable: true, enumerable: true});
}

const streams = new WeakMap();
const methods = ['on', 'once', 'off', 'emit', 'addListener', 'removeListener', 'removeAllListeners', 'prependListener', 'listenerCount', 'listeners', 'pipe',
	'unpipe', 'write', 'end', 'read', 'resume', 'pause', 'setEncoding', 'setDefaultEncoding', 'destroy', 'cork', 'uncork', Symbol.asyncIterator];
const states = ['writable', 'readable', 'writableNeedDrain', 'writableEnded', 'writableFinished', 'readableEnded', 'destroyed', '_writableState', '_readableState', '_events'];

function attempt(work, done) {
	let out;
	try {
		out = work();
	} catch (e) {
		return done(e);
	}
	done(null, out);
}

const kinds = {
	digests: self => ({
		transform(chunk, encoding, done) { attempt(() => { self.update(chunk, encoding); }, done); },
		flush(done) { attempt(() => self.digest(), done); },
	}),
	ciphers: self => ({
		transform(chunk, encoding, done) { attempt(() => self.update(chunk, encoding), done); },
		flush(done) { attempt(() => self.final(), done); },
	}),
	signers: self => ({write(chunk, encoding, done) { attempt(() => { self.update(chunk, encoding); }, done); }}),
};

function streaming(type, kind) {
	const proto = crypto[type] && crypto[type].prototype;
	if (!proto) return;
	const streamOf = self => {
		if (!streams.has(self)) {
			const {Transform, Writable} = require('stream');
			streams.set(self, kind === 'signers' ? new Writable(kinds[kind](self)) : new Transform(kinds[kind](self)));
		}
		return streams.get(self);
	};
	for (const name of methods) {
		Object.defineProperty(proto, name, {writable: true, configurable: true, value(...args) {
			const stream = streamOf(this), out = stream[name](...args);
			return out === stream ? this : out;
		}});
	}
	for (const name of states) Object.defineProperty(proto, name, {configurable: true, get() { return streamOf(this)[name]; }});
}
for (const type of ['Hash', 'Hmac']) streaming(type, 'digests');
for (const type of ['Cipheriv', 'Decipheriv', 'Cipher', 'Decipher']) streaming(type, 'ciphers');
for (const type of ['Sign', 'Verify']) streaming(type, 'signers');
void Buffer;
