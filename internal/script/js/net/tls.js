// Node's tls, over the server's connections: it makes the handshake and looks at certificates. Both runtimes load this file.
const {ask} = internal;
const net = require('net');
const {Handle, argumentsOf} = net[Symbol.for('stagedoor.net')];
const {Duplex} = require('stream');
const {Buffer} = require('buffer');

const coded = (error, code) => Object.assign(error, {code});
const unavailable = what => { throw coded(new Error(what + ' is not available to scripts'), 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'); };
const pem = value => value === undefined || value === null ? '' : Array.isArray(value) ? value.map(pem).join('\n') : typeof value === 'object' && value.pem !== undefined ? pem(value.pem) : typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
const alpn = value => {
	if (!value) return [];
	if (Array.isArray(value)) return value.map(v => typeof v === 'string' ? v : Buffer.from(v).toString());
	const out = [], bytes = Buffer.from(value);
	for (let at = 0; at < bytes.length; at += bytes[at] + 1) out.push(bytes.toString('latin1', at + 1, at + 1 + bytes[at]));
	return out;
};

class SecureContext {
	constructor(options) {
		Object.defineProperty(this, 'options', {value: Object.assign({}, options)});
		this.context = this;
		for (const name of ['pfx', 'crl', 'dhparam', 'secureProtocol']) if (name === 'pfx' && this.options[name]) unavailable('tls: the option pfx');
	}
	setOptions() {} addRootCerts() {} addCACert(text) { this.options.ca = [].concat(this.options.ca || [], text); } setCert(text) { this.options.cert = text; } setKey(text) { this.options.key = text; }
}
const createSecureContext = options => new SecureContext(options);

// settings are what the server is told; those of a secure context come under those of the call.
function settings(options, host) {
	const all = Object.assign({}, options.secureContext && options.secureContext.options, options);
	for (const name of ['ca', 'cert', 'key']) if (all[name] === undefined && options.secureContext) all[name] = options.secureContext.options[name];
	const name = all.servername !== undefined ? all.servername : all.host && !net.isIP(all.host) ? all.host : host || '';
	return {
		name: name || '', insecure: all.rejectUnauthorized === false, anyName: typeof all.checkServerIdentity === 'function', ca: pem(all.ca), cert: pem(all.cert), key: pem(all.key),
		alpn: alpn(all.ALPNProtocols), old: /^TLSv1(\.1)?$/.test(all.minVersion || '') || /^TLSv1(_1)?_method$/.test(all.secureProtocol || ''),
	};
}

function certificate(der) {
	const {X509Certificate} = require('crypto');
	const c = new X509Certificate(der);
	const names = text => Object.fromEntries(String(text || '').split('\n').filter(Boolean).map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
	return {subject: names(c.subject), issuer: names(c.issuer), subjectaltname: c.subjectAltName, valid_from: c.validFrom, valid_to: c.validTo, fingerprint: c.fingerprint, fingerprint256: c.fingerprint256,
		serialNumber: c.serialNumber, raw: Buffer.from(der), pubkey: c.publicKey && c.publicKey.export({type: 'spki', format: 'der'}), ca: c.ca};
}

function TLSSocket(socket, options = {}) {
	if (!(this instanceof TLSSocket)) return new TLSSocket(socket, options);
	if (options.isServer) unavailable('tls.TLSSocket of a server');
	net.Socket.call(this, {allowHalfOpen: false, signal: options.signal});
	this._openEvent = 'secureConnect';
	this._options = options;
	this._judged = !!options._judged; // by tls.connect; who makes one by hand looks at the certificate when it is secure, as in Node
	this._parent = socket || null;
	this._begun = false;
	this.encrypted = true;
	this.secureConnecting = true;
	this.authorized = false;
	this.authorizationError = null;
	this.alpnProtocol = false;
	this.ssl = {verifyError: () => this.authorizationError ? coded(new Error(this._state && this._state.why || this.authorizationError), this.authorizationError) : null, setSession() {}, getSession() {}};
	if (socket && !options._judged) process.nextTick(() => this._start());
}
Object.setPrototypeOf(TLSSocket, net.Socket);
Object.setPrototypeOf(TLSSocket.prototype, net.Socket.prototype);

Object.assign(TLSSocket.prototype, {
	// _start begins TLS over the socket that this one was made upon.
	_start() {
		if (this._begun || this.destroyed) return;
		this._begun = true;
		const under = this._parent;
		if (!under) return;
		under.on('close', () => { if (!this.destroyed && !this._handle) this.destroy(); });
		if (!(under instanceof net.Socket)) return this._over(under);
		const failed = error => this.destroy(error);
		under.once('error', failed);
		under._whenOpen(() => written(under, () => {
			under.removeListener('error', failed);
			under.on('error', () => {});
			const handle = under._handle;
			if (!handle) return this.destroy(coded(new Error('Client network socket disconnected before secure TLS connection was established'), 'ECONNRESET'));
			under._handle = null;
			handle.owner = this;
			this._handle = handle;
			for (const name of ['remoteAddress', 'remotePort', 'remoteFamily']) this[name] = under[name];
			this.once('close', () => under.destroy());
			this._shake(under._host);
		}));
	},
	// _over speaks TLS through a stream that is no connection of the server's: what TLS writes goes into it, and what comes from it to TLS.
	_over(stream) {
		const wire = tunnel(this, chunk => stream.write(chunk), () => { if (stream.end) stream.end(); });
		stream.on('data', chunk => wire.feed(Buffer.from(chunk), () => {}));
		stream.on('end', () => wire.end());
		stream.on('close', () => wire.end());
	},
	_connected() { // of net.Socket.connect
		this.emit('connect');
		if (!this.destroyed) this._shake(this._host);
	},
	_shake(host) {
		this._touch();
		ask('starttls', {socket: this._handle.id, tls: this._wishes(host)}, (error, reply) => this._shaken(error, reply, host));
	},
	_wishes(host) {
		const wishes = settings(this._options, host);
		return this._judged ? wishes : Object.assign(wishes, {insecure: true, anyName: false}); // nobody asks checkServerIdentity then
	},
	_shaken(error, reply, host) {
		if (this.destroyed) return;
		this.secureConnecting = false;
		if (error) {
			this.authorizationError = error.code || error.message;
			return this.destroy(error);
		}
		this._state = reply;
		this.alpnProtocol = reply.alpn || false;
		this.authorized = reply.problem === '';
		this.authorizationError = reply.problem || null;
		const check = this._options.checkServerIdentity;
		if (this._judged && typeof check === 'function' && this._options.rejectUnauthorized !== false) {
			const wrong = check(this._options.servername || host || '', this.getPeerCertificate(true));
			if (wrong) return this.destroy(wrong);
		}
		this._touch();
		this.emit('secure');
		this.emit('secureConnect');
		this.emit('ready');
		if (!this.destroyed) this.read(0);
	},
	_whenOpen(fn) {
		if (this._handle && this._state) fn();
		else if (!this.destroyed) this.once('secureConnect', fn);
	},
	getPeerCertificate() { return this._state && this._state.chain && this._state.chain.length ? certificate(Buffer.from(this._state.chain[0], 'base64')) : {}; },
	getPeerX509Certificate() { return this._state ? new (require('crypto').X509Certificate)(Buffer.from(this._state.chain[0], 'base64')) : undefined; },
	getProtocol() { return this._state ? this._state.protocol : null; },
	getCipher() { return this._state ? {name: this._state.cipher, standardName: this._state.cipher, version: this._state.protocol} : {}; },
	getSession() {}, setSession() {}, isSessionReused: () => false, getEphemeralKeyInfo: () => ({}), getFinished() {}, getPeerFinished() {}, getTLSTicket() {}, getCertificate: () => ({}),
	enableTrace() {}, disableRenegotiation() {}, setMaxSendFragment: () => true, renegotiate(options, done) { if (done) process.nextTick(done, new Error('TLS renegotiation is not available to scripts')); return false; },
	setServername(name) { this._options.servername = name; }, exportKeyingMaterial: () => unavailable('exportKeyingMaterial'),
});

// written calls done when what was written to a socket until now has gone out: calls that are on their way together may overtake each other, and what
// still waits would find no connection.
function written(socket, done) {
	if (socket.writableLength === 0) done();
	else socket.write(Buffer.alloc(0), error => { if (!error) done(); });
}

// tunnel lets a socket speak TLS through something of the script's: send takes what TLS writes, and what is fed comes to TLS. The turns of the
// handshake are taken at once: what is fed has had its effect when feed returns, as in Node, and clients of databases count on it.
function tunnel(socket, send, ended) {
	let wire = null, shaken = false, over = false, writing = false, closed = false;
	const waiting = [];
	const turn = (data, first) => {
		let reply;
		try {
			reply = JSON.parse(internal.native('shake', JSON.stringify(Object.assign({socket: wire.id, data: data.toString('base64')}, first))));
		} catch (error) {
			reply = {error: {message: error.message}};
		}
		shaken = !!reply.state || !!reply.error;
		if (reply.data) send(Buffer.from(reply.data, 'base64'));
		if (reply.error) return socket._shaken(Object.assign(new Error(reply.error.message), reply.error));
		if (!reply.state) return;
		wire.owner = {_received(error, got) {
			if (over) return; // whoever was to get it has left
			if (error) return socket.destroy(error);
			if (got.end) return ended();
			send(Buffer.from(got.data, 'base64'));
			wire.read();
		}};
		wire.read();
		socket._shaken(null, reply.state, '');
	};
	// pump brings what was fed to TLS, one piece after another: calls that are on their way together may overtake each other.
	const pump = () => {
		while (wire && !writing && waiting.length > 0) {
			const [chunk, done] = waiting.shift();
			if (shaken) {
				writing = true;
				wire.write(chunk, error => { writing = false; done(error); pump(); });
			} else {
				turn(chunk);
				done();
			}
		}
		if (over && wire && !writing && !closed) {
			closed = true;
			wire.close();
		}
	};
	ask('tunnel', {}, (error, reply) => {
		if (error) return socket.destroy(error);
		if (socket.destroyed) return;
		wire = new Handle(reply.wire, null);
		socket._handle = new Handle(reply.socket, socket);
		turn(Buffer.alloc(0), {plain: reply.socket, tls: socket._wishes('')});
		pump();
	});
	return {
		feed(chunk, done) {
			if (over) return done();
			waiting.push([chunk, done]);
			pump();
		},
		end() {
			over = true;
			pump();
		},
	};
}

function connect(...args) {
	if (typeof args[0] !== 'object' && typeof args[1] === 'object' && args[1] !== null) args = [Object.assign({}, args[1], {port: args[0]}), ...args.slice(2)];
	else if (typeof args[0] !== 'object' && typeof args[2] === 'object' && args[2] !== null) args = [Object.assign({}, args[2], {port: args[0], host: args[1]}), ...args.slice(3)];
	const [options, done] = argumentsOf(args);
	const socket = new TLSSocket(options.socket, Object.assign({}, options, {_judged: true}));
	if (done) socket.once('secureConnect', done);
	if (options.timeout) socket.setTimeout(options.timeout);
	if (options.socket) process.nextTick(() => socket._start());
	else {
		socket._begun = true;
		net.Socket.prototype.connect.call(socket, {host: options.host || 'localhost', port: options.port, path: options.path});
	}
	return socket;
}

// createSecurePair is what clients of old speak TLS through inside of another protocol.
function createSecurePair(context, isServer, requestCert, rejectUnauthorized, options = {}) {
	if (isServer) unavailable('tls.createSecurePair of a server');
	const pair = new (require('events'))();
	const clear = pair.cleartext = new TLSSocket(null, Object.assign({}, options, {secureContext: context, rejectUnauthorized: !!rejectUnauthorized, servername: options.servername || '', _judged: true}));
	clear._begun = true;
	clear.on('secure', () => pair.emit('secure'));
	clear.on('error', error => pair.emit('error', error));
	const wire = tunnel(clear, chunk => pair.encrypted.push(chunk), () => pair.encrypted.push(null));
	pair.encrypted = new Duplex({read() {}, write(chunk, encoding, done) { wire.feed(chunk, done); }, final(done) { wire.end(); done(); }});
	pair.destroy = () => { clear.destroy(); pair.encrypted.destroy(); };
	return pair;
}

function checkServerIdentity(host, cert) {
	const names = String(cert.subjectaltname || '').split(', ').filter(n => n.startsWith('DNS:') || n.startsWith('IP Address:')).map(n => n.slice(n.indexOf(':') + 1).toLowerCase());
	const wanted = String(host).toLowerCase();
	if (names.some(n => n === wanted || n.startsWith('*.') && wanted.slice(wanted.indexOf('.')) === n.slice(1))) return undefined;
	return Object.assign(new Error("Hostname/IP does not match certificate's altnames: Host: " + host + ". is not in the cert's altnames: " + (cert.subjectaltname || '')), {code: 'ERR_TLS_CERT_ALTNAME_INVALID', host, cert, reason: 'Host: ' + host});
}

module.exports = {
	TLSSocket, connect, createSecureContext, SecureContext, createSecurePair, checkServerIdentity, rootCertificates: [], getCiphers: () => ['tls_aes_128_gcm_sha256', 'tls_aes_256_gcm_sha384'],
	DEFAULT_MIN_VERSION: 'TLSv1.2', DEFAULT_MAX_VERSION: 'TLSv1.3', DEFAULT_CIPHERS: 'TLS_AES_256_GCM_SHA384', DEFAULT_ECDH_CURVE: 'auto', CLIENT_RENEG_LIMIT: 3, CLIENT_RENEG_WINDOW: 600,
	Server: function Server() { unavailable('tls.Server'); }, createServer: () => unavailable('tls.createServer'), convertALPNProtocols: (value, out) => { out.ALPNProtocols = value; },
};
