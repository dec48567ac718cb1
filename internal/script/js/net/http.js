// Node's http client, over the server's calls: a request is sent when it is whole, and its answer comes whole. Both runtimes load this
// file and https, which is made of it: they know the language, core modules, and internal.ask.
const {ask} = internal;
const {Readable, Writable} = require('stream');
const EventEmitter = require('events');
const {Buffer} = require('buffer');

const coded = (error, code) => Object.assign(error, {code});
const unavailable = what => () => { throw coded(new Error(what + ' is not available to scripts'), 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'); };
const token = /^[\^_`a-zA-Z\-0-9!#$%&'*+.|~]+$/;
const maxBody = 16 << 20;

const METHODS = ['ACL', 'BIND', 'CHECKOUT', 'CONNECT', 'COPY', 'DELETE', 'GET', 'HEAD', 'LINK', 'LOCK', 'M-SEARCH', 'MERGE', 'MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MOVE', 'NOTIFY', 'OPTIONS', 'PATCH', 'POST', 'PROPFIND',
	'PROPPATCH', 'PURGE', 'PUT', 'REBIND', 'REPORT', 'SEARCH', 'SOURCE', 'SUBSCRIBE', 'TRACE', 'UNBIND', 'UNLINK', 'UNLOCK', 'UNSUBSCRIBE'];
const STATUS_CODES = {100: 'Continue', 101: 'Switching Protocols', 102: 'Processing', 103: 'Early Hints', 200: 'OK', 201: 'Created', 202: 'Accepted', 203: 'Non-Authoritative Information', 204: 'No Content', 205: 'Reset Content',
	206: 'Partial Content', 207: 'Multi-Status', 208: 'Already Reported', 226: 'IM Used', 300: 'Multiple Choices', 301: 'Moved Permanently', 302: 'Found', 303: 'See Other', 304: 'Not Modified', 305: 'Use Proxy',
	307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request', 401: 'Unauthorized', 402: 'Payment Required', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable',
	407: 'Proxy Authentication Required', 408: 'Request Timeout', 409: 'Conflict', 410: 'Gone', 411: 'Length Required', 412: 'Precondition Failed', 413: 'Payload Too Large', 414: 'URI Too Long', 415: 'Unsupported Media Type',
	416: 'Range Not Satisfiable', 417: 'Expectation Failed', 418: "I'm a Teapot", 421: 'Misdirected Request', 422: 'Unprocessable Entity', 423: 'Locked', 424: 'Failed Dependency', 425: 'Too Early', 426: 'Upgrade Required',
	428: 'Precondition Required', 429: 'Too Many Requests', 431: 'Request Header Fields Too Large', 451: 'Unavailable For Legal Reasons', 500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway',
	503: 'Service Unavailable', 504: 'Gateway Timeout', 505: 'HTTP Version Not Supported', 506: 'Variant Also Negotiates', 507: 'Insufficient Storage', 508: 'Loop Detected', 509: 'Bandwidth Limit Exceeded',
	510: 'Not Extended', 511: 'Network Authentication Required'};

// An Agent keeps nothing: the server has the connections.
function Agent(options) {
	if (!(this instanceof Agent)) return new Agent(options);
	EventEmitter.call(this);
	this.options = Object.assign({}, options);
	this.requests = {};
	this.sockets = {};
	this.freeSockets = {};
	this.keepAlive = !!this.options.keepAlive;
	this.maxSockets = this.options.maxSockets || Infinity;
	this.maxFreeSockets = this.options.maxFreeSockets || 256;
	this.defaultPort = 80;
	this.protocol = 'http:';
}
Object.setPrototypeOf(Agent, EventEmitter);
Object.setPrototypeOf(Agent.prototype, EventEmitter.prototype);
Agent.super_ = EventEmitter; // as util.inherits had it: clients of those years look there for what Node.js can do
Object.assign(Agent.prototype, {
	destroy() {}, getName: options => (options.host || 'localhost') + ':' + (options.port || '') + ':', addRequest() {}, removeSocket() {}, keepSocketAlive: () => true, reuseSocket() {},
	createConnection: unavailable('Agent.createConnection'), createSocket: unavailable('Agent.createSocket'),
});

// What packages look at when they are told of the socket; there is none that they could use.
class Wire extends EventEmitter {
	constructor(request, secure) {
		super();
		this._request = request;
		this.connecting = true;
		this.encrypted = secure;
		this.authorized = secure;
		this.destroyed = false;
		this.writable = this.readable = true;
		this.remoteAddress = undefined;
		this.bytesRead = this.bytesWritten = 0;
	}
	get _connecting() { return this.connecting; }
	setTimeout(delay, done) { if (done) this.once('timeout', done); return this; }
	setKeepAlive() { return this; } setNoDelay() { return this; } ref() { return this; } unref() { return this; } cork() {} uncork() {}
	address() { return {}; } getPeerCertificate() { return {}; } getSession() {} isSessionReused() { return false; } getCipher() { return {}; } getProtocol() { return null; }
	destroy(error) { if (!this.destroyed) { this.destroyed = true; this._request.destroy(error); } return this; }
	end() {} write() { return true; } destroySoon() { this.destroy(); }
}

class IncomingMessage extends Readable {
	constructor(socket) {
		super({autoDestroy: true, highWaterMark: 65536});
		this.socket = this.connection = this.client = socket || null;
		this.httpVersion = '1.1';
		this.httpVersionMajor = this.httpVersionMinor = 1;
		this.headers = {};
		this.headersDistinct = {};
		this.rawHeaders = [];
		this.trailers = {};
		this.rawTrailers = [];
		this.complete = false;
		this.aborted = false;
		this.url = '';
		this.method = null;
		this.statusCode = null;
		this.statusMessage = null;
	}
	_read() {
		const bytes = this._bytes || Buffer.alloc(0);
		for (let at = 0; at < bytes.length; at += 65536) this.push(bytes.subarray(at, at + 65536));
		this._bytes = null;
		this.complete = true;
		this.push(null);
	}
	setTimeout(delay, done) { if (this.req) this.req.setTimeout(delay, done); return this; }
}

class OutgoingMessage extends Writable {
	constructor(options) {
		super(Object.assign({decodeStrings: true, autoDestroy: false}, options));
		this._headers = new Map();   // by lower-case name: [name, value]
		this.headersSent = false;
		this.sendDate = false;
		this.chunkedEncoding = false;
		this.shouldKeepAlive = true;
		this.useChunkedEncodingByDefault = true;
	}
	setHeader(name, value) {
		if (this.headersSent) throw coded(new Error('Cannot set headers after they are sent to the client'), 'ERR_HTTP_HEADERS_SENT');
		if (typeof name !== 'string' || !token.test(name)) throw coded(new TypeError('Header name must be a valid HTTP token ["' + name + '"]'), 'ERR_INVALID_HTTP_TOKEN');
		if (value === undefined) throw coded(new TypeError('Invalid value "undefined" for header "' + name + '"'), 'ERR_HTTP_INVALID_HEADER_VALUE');
		for (const v of [].concat(value)) if (/[^\t\x20-\x7e\x80-\xff]/.test(String(v))) throw coded(new TypeError('Invalid character in header content ["' + name + '"]'), 'ERR_INVALID_CHAR');
		this._headers.set(name.toLowerCase(), [name, value]);
		return this;
	}
	setHeaders(headers) { for (const [name, value] of headers) this.setHeader(name, value); return this; }
	appendHeader(name, value) { const had = this.getHeader(name); return this.setHeader(name, had === undefined ? value : [].concat(had, value)); }
	getHeader(name) { const found = this._headers.get(String(name).toLowerCase()); return found && found[1]; }
	hasHeader(name) { return this._headers.has(String(name).toLowerCase()); }
	removeHeader(name) { this._headers.delete(String(name).toLowerCase()); }
	getHeaderNames() { return [...this._headers.keys()]; }
	getRawHeaderNames() { return [...this._headers.values()].map(h => h[0]); }
	getHeaders() { const out = Object.create(null); for (const [name, [, value]] of this._headers) out[name] = value; return out; }
	addTrailers() {}
	flushHeaders() {}
}

// settle finds the address that options tell.
function addressOf(options, secure) {
	const protocol = options.protocol || (options.agent && options.agent.protocol) || (secure ? 'https:' : 'http:');
	const expected = secure ? 'https:' : 'http:';
	if (protocol !== expected) throw coded(new TypeError('Protocol "' + protocol + '" not supported. Expected "' + expected + '"'), 'ERR_INVALID_PROTOCOL');
	if (options.socketPath) throw Object.assign(new Error('connect ENOENT ' + options.socketPath), {code: 'ENOENT', syscall: 'connect'});
	const path = options.path === undefined || options.path === null || options.path === '' ? '/' : String(options.path);
	if (/[\0-\x20\x7f-\uffff]/.test(path)) throw coded(new TypeError('Request path contains unescaped characters'), 'ERR_UNESCAPED_CHARACTERS');
	let host = options.hostname || options.host || 'localhost';
	const standard = secure ? 443 : 80, port = Number(options.port || options.defaultPort || standard);
	if (host.includes(':') && !host.startsWith('[')) host = '[' + host + ']';
	const authority = host + (port === standard ? '' : ':' + port);
	return {host, port, path, authority, url: /^https?:\/\//i.test(path) ? path : protocol + '//' + authority + (path.startsWith('/') ? '' : '/') + path};
}

const trust = options => {
	const agent = options.agent && options.agent.options || {};
	const pick = name => options[name] !== undefined ? options[name] : agent[name];
	const text = value => value === undefined || value === null ? '' : Array.isArray(value) ? value.map(text).join('\n') : typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
	const out = {insecure: pick('rejectUnauthorized') === false, ca: text(pick('ca')), cert: text(pick('cert')), key: text(pick('key')), name: pick('servername') || ''};
	return out.insecure || out.ca || out.cert || out.name ? out : undefined;
};

class ClientRequest extends OutgoingMessage {
	constructor(input, options, done, secure = false) {
		if (typeof input === 'string' || input instanceof URL) input = fromURL(input instanceof URL ? input : parsed(input));
		else { done = options; options = input; input = null; }
		if (typeof options === 'function') { done = options; options = {}; }
		options = Object.assign(Object.create(null), input, options);
		super({});
		const method = options.method === undefined || options.method === null ? 'GET' : options.method;
		if (typeof method !== 'string') throw coded(new TypeError('The "options.method" property must be of type string. Received ' + typeof method), 'ERR_INVALID_ARG_TYPE');
		if (!token.test(method)) throw coded(new TypeError('Method must be a valid HTTP token ["' + method + '"]'), 'ERR_INVALID_HTTP_TOKEN');
		this.method = method.toUpperCase();
		const at = addressOf(options, secure);
		this._url = at.url;
		this._secure = secure;
		this._tls = secure ? trust(options) : undefined;
		this._parts = [];
		this._size = 0;
		this.path = at.path;
		this.host = at.host;
		this.protocol = secure ? 'https:' : 'http:';
		this.agent = options.agent === false || options.agent === undefined ? exports.globalAgent : options.agent;
		this.aborted = false;
		this.reusedSocket = false;
		this.res = null;
		this.maxHeadersCount = null;
		const headers = options.headers;
		if (Array.isArray(headers)) {
			if (headers.length && Array.isArray(headers[0])) for (const [name, value] of headers) this.setHeader(name, value);
			else for (let i = 0; i + 1 < headers.length; i += 2) this.appendHeader(headers[i], headers[i + 1]);
		} else if (headers) for (const name of Object.keys(headers)) if (headers[name] !== undefined) this.setHeader(name, headers[name]);
		if (!this.hasHeader('host') && options.setHost !== false) this.setHeader('Host', at.authority);
		if (options.auth && !this.hasHeader('authorization')) this.setHeader('Authorization', 'Basic ' + Buffer.from(options.auth).toString('base64'));
		if (typeof done === 'function') this.once('response', done);
		this.socket = this.connection = null;
		this.timeout = 0;
		this._timer = null;
		if (options.timeout) this.setTimeout(options.timeout);
		if (options.signal) {
			const abort = () => this.destroy(coded(Object.assign(new Error('The operation was aborted'), {name: 'AbortError', cause: options.signal.reason}), 'ABORT_ERR'));
			if (options.signal.aborted) process.nextTick(abort);
			else options.signal.addEventListener('abort', abort, {once: true});
		}
		process.nextTick(() => {
			if (this.destroyed) return;
			this.socket = this.connection = new Wire(this, secure);
			this.emit('socket', this.socket);
			setImmediate(() => {
				if (this.destroyed || !this.socket.connecting) return;
				this.socket.connecting = false;
				this.socket.emit('connect');
				if (secure) this.socket.emit('secureConnect');
				this.socket.emit('ready');
			});
		});
	}
	_write(chunk, encoding, done) {
		this._size += chunk.length;
		if (this._size > maxBody) return done(coded(new Error('The body of the request is too large'), 'ERR_OUT_OF_RANGE'));
		this._parts.push(Buffer.from(chunk));
		done();
	}
	_final(done) {
		done();
		this._send();
	}
	_send() {
		if (this.destroyed) return;
		const headers = {};
		for (const [name, [, value]] of this._headers) headers[name] = Array.isArray(value) ? value.map(String).join(name === 'cookie' ? '; ' : ', ') : String(value);
		this.headersSent = true;
		const body = Buffer.concat(this._parts);
		this._parts = [];
		let params = {method: this.method, url: this._url, headers, body: body.toString('base64'), timeout: 0, redirects: 0};
		if (this._tls) params = Object.assign(params, {tls: this._tls});
		let call;
		try {
			call = done => ask('http', params, done);
			call((error, reply) => this._answered(error, reply));
		} catch (error) {
			process.nextTick(() => this.destroy(error));
		}
	}
	_answered(error, reply) {
		this._disarm();
		if (this.destroyed) return;
		if (error) {
			const connecting = /^(ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|EACCES)$/.test(error.code), looking = error.code === 'ENOTFOUND';
			if (error.code === 'ESOCKETTIMEDOUT') Object.assign(error, {code: 'ETIMEDOUT', errno: 'ETIMEDOUT', message: 'read ETIMEDOUT'});
			Object.assign(error, looking ? {syscall: 'getaddrinfo', hostname: this.host, errno: -3008} : connecting ? {syscall: 'connect', address: this.host} : {});
			return this.destroy(error);
		}
		const message = new IncomingMessage(this.socket);
		message.req = this;
		message.statusCode = reply.status;
		message.statusMessage = reply.statusText || STATUS_CODES[reply.status] || '';
		for (const name of Object.keys(reply.headers)) {
			const value = reply.headers[name];
			message.headers[name] = value;
			message.headersDistinct[name] = [].concat(value);
			for (const one of [].concat(value)) message.rawHeaders.push(name.replace(/(^|-)[a-z]/g, c => c.toUpperCase()), one);
		}
		message._bytes = this.method === 'HEAD' ? Buffer.alloc(0) : Buffer.from(reply.body, 'base64');
		this.res = message;
		message.once('close', () => {
			if (!message.complete && !message.aborted) message.aborted = true;
			this._closed();
		});
		if (!this.emit('response', message)) message.resume(); // nobody wants it
	}
	_closed() {
		if (this._ended) return;
		this._ended = true;
		process.nextTick(() => { this.destroyed || Writable.prototype.destroy.call(this); });
	}
	_destroy(error, done) {
		this._disarm();
		if (this.socket) this.socket.destroyed = true;
		if (this.res) {
			if (!this.res.complete && !this.res.destroyed) {
				this.res.aborted = true;
				this.res.emit('aborted');
				this.res.destroy(this.res.listenerCount('error') > 0 ? error || coded(new Error('aborted'), 'ECONNRESET') : undefined); // as Node does: nobody asked
			}
			return done(null);
		}
		done(error || (this._ended ? null : coded(new Error('socket hang up'), 'ECONNRESET')));
	}
	abort() {
		if (this.aborted) return;
		this.aborted = true;
		process.nextTick(() => this.emit('abort'));
		this.destroy();
	}
	_disarm() { clearTimeout(this._timer); this._timer = null; }
	setTimeout(delay, done) {
		this._disarm();
		this.timeout = Number(delay) || 0;
		if (typeof done === 'function') this.once('timeout', done);
		if (this.timeout > 0 && !this.res) {
			this._timer = setTimeout(() => {
				this.emit('timeout');
				if (this.socket) this.socket.emit('timeout');
			}, this.timeout);
		}
		return this;
	}
	setNoDelay() {} setSocketKeepAlive() {} clearTimeout(done) { this.setTimeout(0, done); }
	get finished() { return this.writableEnded; }
}

function parsed(text) {
	try {
		return new URL(text);
	} catch (e) {
		throw Object.assign(new TypeError('Invalid URL'), {code: 'ERR_INVALID_URL', input: text});
	}
}
function fromURL(url) {
	const out = {protocol: url.protocol, hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'), path: url.pathname + url.search, href: url.href};
	if (url.port !== '') out.port = Number(url.port);
	if (url.username || url.password) out.auth = decodeURIComponent(url.username) + ':' + decodeURIComponent(url.password);
	return out;
}

// client makes the functions of http, and with secure those of https.
function client(secure) {
	const request = (input, options, done) => new ClientRequest(input, options, done, secure);
	const get = (input, options, done) => {
		const sent = request(input, options, done);
		sent.end();
		return sent;
	};
	return {request, get};
}

function ServerResponse() { unavailable('http.ServerResponse')(); }
Object.setPrototypeOf(ServerResponse.prototype, OutgoingMessage.prototype);
Object.assign(exports, client(false), {
	Agent, globalAgent: new Agent(), ClientRequest, IncomingMessage, OutgoingMessage, ServerResponse, METHODS, STATUS_CODES, maxHeaderSize: 16384,
	Server: function Server() { unavailable('http.Server')(); }, createServer: unavailable('http.createServer'), setMaxIdleHTTPParsers() {},
	validateHeaderName(name) { if (!token.test(name)) throw coded(new TypeError('Header name must be a valid HTTP token ["' + name + '"]'), 'ERR_INVALID_HTTP_TOKEN'); },
	validateHeaderValue(name, value) { if (value === undefined || /[^\t\x20-\x7e\x80-\xff]/.test(value)) throw coded(new TypeError('Invalid character in header content ["' + name + '"]'), 'ERR_INVALID_CHAR'); },
});
// What https is made of; no module of Node's has it.
Object.defineProperty(exports, Symbol.for('stagedoor.http'), {value: {client, Agent, unavailable}});
