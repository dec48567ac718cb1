// Node's net, over the server's connections. Both runtimes load this file: it knows the language, core modules, and internal.ask.
const {ask} = internal;
const {Duplex} = require('stream');
const {Buffer} = require('buffer');
const chunkSize = 256 << 10;

const coded = (error, code) => Object.assign(error, {code});
const unavailable = what => () => { throw coded(new Error(what + ' is not available to scripts'), 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'); };

// A Handle is a connection of the server's. Its owner is the socket that reads it: TLS takes it over from the socket that it is put upon.
class Handle {
	constructor(id, owner) {
		this.id = id;
		this.owner = owner;
		this.reading = false;
	}
	read() {
		if (this.reading) return;
		this.reading = true;
		ask('read', {socket: this.id}, (error, reply) => {
			this.reading = false;
			if (this.owner) this.owner._received(error, reply);
		});
	}
	write(chunk, done) {
		if (chunk.length <= chunkSize) return ask('write', {socket: this.id, data: chunk.toString('base64')}, error => done(error || null));
		ask('write', {socket: this.id, data: chunk.subarray(0, chunkSize).toString('base64')}, error => error ? done(error) : this.write(chunk.subarray(chunkSize), done));
	}
	shutdown(done) { ask('shutdown', {socket: this.id}, () => done()); }
	close() { this.owner = null; ask('close', {socket: this.id}, () => {}); }
}

function Socket(options) {
	if (!(this instanceof Socket)) return new Socket(options);
	options = Object.assign({}, typeof options === 'number' ? {fd: options} : options);
	if (options.fd !== undefined) unavailable('net.Socket of a file descriptor')();
	Duplex.call(this, {allowHalfOpen: !!options.allowHalfOpen, emitClose: false, autoDestroy: true, decodeStrings: true, signal: options.signal, objectMode: false,
		readableHighWaterMark: options.readableHighWaterMark, writableHighWaterMark: options.writableHighWaterMark});
	this._handle = null;
	this._host = null;
	this.connecting = false;
	this.bytesRead = this.bytesWritten = 0;
	this.timeout = 0;
	this._timer = null;
	this.on('end', () => { if (!this.allowHalfOpen) this.end(); });
}
Object.setPrototypeOf(Socket, Duplex);
Object.setPrototypeOf(Socket.prototype, Duplex.prototype);

// argumentsOf sorts out connect's: (options, done), (port, host, done), (path, done).
function argumentsOf(args) {
	if (Array.isArray(args[0])) args = args[0];
	args = [...args];
	const done = typeof args[args.length - 1] === 'function' ? args.pop() : null;
	let options;
	if (args[0] !== null && typeof args[0] === 'object') options = Object.assign({}, args[0]);
	else if (typeof args[0] === 'string' && !/^\d+$/.test(args[0])) options = {path: args[0]};
	else options = {port: args[0], host: typeof args[1] === 'string' ? args[1] : undefined};
	return [options, done];
}

Object.assign(Socket.prototype, {
	connect(...args) {
		const [options, done] = argumentsOf(args);
		if (done) this.once('connect', done);
		if (options.path) {
			process.nextTick(() => this.destroy(Object.assign(new Error('connect ENOENT ' + options.path), {code: 'ENOENT', errno: -2, syscall: 'connect', address: options.path})));
			return this;
		}
		const port = Number(options.port), host = options.host || 'localhost';
		if (!Number.isInteger(port) || port < 0 || port > 65535) throw coded(new RangeError('Port should be >= 0 and < 65536. Received ' + options.port + '.'), 'ERR_SOCKET_BAD_PORT');
		this.connecting = true;
		this._host = host;
		this._touch();
		ask('connect', {host, port, timeout: 0}, (error, reply) => {
			this.connecting = false;
			if (error) {
				const syscall = error.code === 'ENOTFOUND' ? 'getaddrinfo' : 'connect';
				this.destroy(Object.assign(error, {syscall}, syscall === 'connect' ? {address: host, port} : {hostname: host}));
				return;
			}
			if (this.destroyed) {
				ask('close', {socket: reply.socket}, () => {});
				return;
			}
			this._handle = new Handle(reply.socket, this);
			this.remoteAddress = reply.remoteAddress;
			this.remotePort = reply.remotePort;
			this.remoteFamily = reply.remoteFamily;
			this._connected();
		});
		return this;
	},
	_connected() {
		this._touch();
		this.emit('connect');
		this.emit('ready');
		if (!this.destroyed) this.read(0);
	},
	// _whenOpen runs fn when there is a connection.
	_whenOpen(fn) {
		if (this._handle && !this.connecting) fn();
		else if (!this.destroyed) this.once(this._openEvent || 'connect', fn);
	},
	_received(error, reply) {
		if (this.destroyed) return;
		this._touch();
		if (error) {
			this.destroy(Object.assign(error, {syscall: 'read'}));
			return;
		}
		if (reply.end) {
			this.push(null);
			this.read(0);
			return;
		}
		const data = Buffer.from(reply.data, 'base64');
		this.bytesRead += data.length;
		this.push(data);
	},
	_read() { this._whenOpen(() => { if (this._handle && this._handle.owner === this) this._handle.read(); }); },
	_write(chunk, encoding, done) {
		this._whenOpen(() => {
			if (!this._handle) return done(coded(new Error('This socket has been ended by the other party'), 'EPIPE'));
			this._touch();
			this.bytesWritten += chunk.length;
			this._handle.write(chunk, done);
		});
	},
	_writev(chunks, done) { this._write(Buffer.concat(chunks.map(c => c.chunk)), 'buffer', done); },
	_final(done) {
		if (!this._handle && !this.connecting) return done();
		this._whenOpen(() => this._handle ? this._handle.shutdown(done) : done());
	},
	_destroy(error, done) {
		clearTimeout(this._timer);
		this._timer = null;
		this.connecting = false;
		const handle = this._handle;
		this._handle = null;
		if (handle && handle.owner === this) {
			handle.owner = null;
			handle.close();
		}
		done(error);
		process.nextTick(() => this.emit('close', !!error));
	},
	_touch() {
		if (!this._timer) return;
		clearTimeout(this._timer);
		this._arm();
	},
	_arm() {
		this._timer = setTimeout(() => this.emit('timeout'), this.timeout);
		if (this._timer.unref) this._timer.unref();
	},
	setTimeout(delay, done) {
		clearTimeout(this._timer);
		this._timer = null;
		this.timeout = Number(delay) || 0;
		if (this.timeout > 0) this._arm();
		if (typeof done === 'function') this.timeout > 0 ? this.once('timeout', done) : this.removeListener('timeout', done);
		return this;
	},
	setNoDelay() { return this; }, setKeepAlive() { return this; }, ref() { return this; }, unref() { return this; },
	address() { return this._handle ? {address: '0.0.0.0', family: 'IPv4', port: 0} : {}; },
	destroySoon() {
		if (this.writable) this.end();
		if (this.writableFinished) this.destroy();
		else this.once('finish', this.destroy);
	},
	resetAndDestroy() { return this.destroy(); },
});
Object.defineProperties(Socket.prototype, {
	pending: {configurable: true, get() { return !this._handle; }},
	_connecting: {configurable: true, get() { return this.connecting; }},
	readyState: {configurable: true, get() { return this.connecting ? 'opening' : this.readable && this.writable ? 'open' : this.readable ? 'readOnly' : this.writable ? 'writeOnly' : 'closed'; }},
	bufferSize: {configurable: true, get() { return this.writableLength; }},
});

const connect = (...args) => {
	const [options] = argumentsOf(args);
	const socket = new Socket(options);
	if (options.timeout) socket.setTimeout(options.timeout);
	return socket.connect(...args);
};

const v4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
function isIPv6(text) {
	text = String(text).replace(/%[0-9a-zA-Z]+$/, '');
	if (!/^[0-9a-fA-F:.]+$/.test(text) || text.split('::').length > 2) return false;
	const last = text.slice(text.lastIndexOf(':') + 1);
	if (last.includes('.')) {
		if (!v4.test(last)) return false;
		text = text.slice(0, -last.length) + '0:0';
	}
	const halves = text.split('::'), groups = halves.flatMap(h => h === '' ? [] : h.split(':'));
	return groups.every(g => /^[0-9a-fA-F]{1,4}$/.test(g)) && (halves.length === 2 ? groups.length < 8 : groups.length === 8);
}
const isIP = text => v4.test(String(text)) ? 4 : isIPv6(text) ? 6 : 0;

function Server() { unavailable('net.Server')(); }
module.exports = {
	Socket, Stream: Socket, connect, createConnection: connect, isIP, isIPv4: text => isIP(text) === 4, isIPv6: text => isIP(text) === 6, Server, createServer: unavailable('net.createServer'),
	getDefaultAutoSelectFamily: () => false, setDefaultAutoSelectFamily() {}, getDefaultAutoSelectFamilyAttemptTimeout: () => 250, setDefaultAutoSelectFamilyAttemptTimeout() {},
	BlockList: class BlockList { constructor() { unavailable('net.BlockList')(); } }, SocketAddress: class SocketAddress { constructor() { unavailable('net.SocketAddress')(); } },
};
// What tls builds upon; no module of Node's has it.
Object.defineProperty(module.exports, Symbol.for('stagedoor.net'), {value: {Handle, argumentsOf}});
