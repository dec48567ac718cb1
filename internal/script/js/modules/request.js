// request 2.88 as scripts know it: callbacks, options of fifteen years, and streams. The server makes each call; redirects, cookies and
// challenges are followed here, so that a script sees what it would have seen. What goes into a request is in request-parts.js.
const {ask, log} = internal;
const {Buffer} = require('buffer');
const EventEmitter = require('events');
const parts = require('request-parts');

const warned = new Set();
function warn(option) {
	if (warned.has(option)) return;
	warned.add(option);
	log('warn', 'request: the option ' + option + ' has no effect here');
}

// initParams makes of the arguments one object of options.
function initParams(uri, given, callback) {
	if (typeof given === 'function') {
		callback = given;
		given = undefined;
	}
	const out = Object.assign({}, given);
	if (uri !== null && typeof uri === 'object' && uri.href === undefined) Object.assign(out, uri);
	else if (uri !== undefined) out.uri = uri;
	out.callback = callback || out.callback;
	return out;
}

// flow gives an object what is read of streams: handlers get the bytes once somebody listens, a pipe gets all of them.
function flow(object) {
	object.readable = true;
	object.setEncoding = encoding => { object._encoding = encoding; return object; };
	object.pause = object.resume = object.unpipe = () => object;
	object.pipe = (target, options) => {
		if (object._given) throw new Error('You cannot pipe after data has been emitted from the response.');
		object.on('data', part => target.write(part));
		if (!options || options.end !== false) object.on('end', () => { if (target.end && target !== console) target.end(); });
		if (object._piped) object._piped.push(target);
		if (target.emit) target.emit('pipe', object);
		return target;
	};
	return object;
}

function make(defaults, prototype) {
	// A class of its own for each copy of the module: packages that add promises change its prototype.
	class Request extends EventEmitter {
		constructor(options) {
			super();
			this.method = 'GET';
			this.writable = true;
			this.dests = this._piped = [];
			flow(this);
			this._redirects = {redirects: []};
			this._redirect = this._redirects;
			this._written = [];
			const own = Object.assign({}, options);
			delete own.uri;
			delete own.url;
			for (const name of ['body', 'method', 'headers', 'auth', 'oauth', 'json', 'form', 'qs', 'jar', 'multipart', 'formData', 'pipe', 'emit', 'on', 'init', 'callback']) delete own[name];
			for (const name of Object.keys(own)) if (!(name in this)) this[name] = own[name];
			this.init(options);
		}
		init(options) {
			this._options = options = Object.assign({}, options);
			if (!this._callback && (this.callback || options.callback)) {
				this._callback = this.callback || options.callback;
				this.callback = (...args) => {
					if (this._called) return;
					this._called = true;
					this._callback.apply(this, args);
				};
				this.on('error', error => this.callback(error));
				this.on('complete', (response, body) => this.callback(null, response, body));
			}
			this.on('pipe', source => {
				this._source = source;
				if (this._sent) this.emit('error', new Error('You cannot pipe to this stream after the outbound request has started.'));
			});
			if (options.method) this.method = String(options.method).toUpperCase();
			try {
				this.uri = this.url = require('url').parse(parts.address(options));
				this.href = this.uri.href;
				this.host = this.uri.hostname;
				this.port = this.uri.port;
				this.headers = parts.headers(options.headers);
				for (const name of ['proxy', 'pool', 'tunnel', 'aws', 'hawk', 'httpSignature', 'localAddress']) if (options[name]) name === 'aws' || name === 'hawk' || name === 'httpSignature' ? parts.unsupported(name) : warn(name);
			} catch (error) {
				setImmediate(() => this._fail(error));
				return;
			}
			if (options.formData) parts.append(this.form(), options.formData);
			setImmediate(() => {
				if (this._aborted || this._sent || this._source && !this._ended) return;
				if (this._written.length && !this._ended) return; // it is being written to
				this._start();
			});
		}
		_fail(error) {
			if (this._aborted || this._failed) return;
			this._failed = true;
			if (!this.emitsError()) log('error', 'request: ' + (error && error.message));
			else this.emit('error', error);
		}
		emitsError() { return this.listenerCount('error') > 0; }
		start() { this._start(); }
		_start() {
			if (this._sent || this._aborted) return;
			this._sent = true;
			const send = () => {
				try {
					this._prepare();
					this._ask();
				} catch (error) {
					setImmediate(() => this._fail(error));
				}
			};
			if (!this._form) return send();
			this._form.bytes((error, body, type) => {
				if (error) return this._fail(error);
				this._options.body = body;
				if (!/multipart/.test(this.headers['content-type'] || '')) this.headers['content-type'] = type;
				send();
			});
		}
		// _prepare settles what the first call is.
		_prepare() {
			const options = this._options;
			if (this._written.length) options.body = Buffer.concat(this._written);
			const call = parts.prepare(options, this.method, this.href, this.headers);
			this.body = options.body === undefined ? call.body : options.body;
			Object.assign(this, {headers: call.headers, href: call.url, uri: require('url').parse(call.url), _jar: jarOf(options.jar), _call: call});
			this.url = this.uri;
			this.path = this.uri.path;
			this._began = Date.now();
		}
		_ask() {
			const {_call: call, _options: options} = this, headers = Object.assign({}, call.headers);
			if (this._jar) {
				const cookies = this._jar.getCookieString(call.url);
				if (cookies) headers.cookie = headers.cookie ? cookies + '; ' + headers.cookie : cookies;
			}
			this.emit('request', {setHeader: (name, value) => { headers[String(name).toLowerCase()] = String(value); }, getHeader: name => headers[String(name).toLowerCase()], on() { return this; }, once() { return this; },
				setNoDelay() {}, setSocketKeepAlive() {}, setTimeout() {}, abort: () => this.abort()});
			ask('http', {method: call.method, url: call.url, headers, body: call.bytes ? call.bytes.toString('base64') : '', timeout: call.timeout, redirects: 0, tls: call.tls}, (error, reply) => {
				if (this._aborted) return;
				if (error) return this._fail(error);
				this._answered(reply, options);
			});
		}
		_answered(reply, options) {
			const call = this._call, cookies = reply.headers['set-cookie'];
			if (this._jar && cookies) for (const cookie of [].concat(cookies)) this._jar.setCookie(cookie, call.url, {ignoreError: true});
			try {
				if (this._redirected(reply, options)) return this._ask();
			} catch (error) {
				return this._fail(error);
			}
			if (reply.status === 401 && options.auth && options.auth.sendImmediately === false && !this._challenged) {
				const answer = parts.challenge(reply.headers['www-authenticate'] || '', options.auth, call.method, require('url').parse(call.url).path);
				this._challenged = true;
				if (answer) {
					call.headers.authorization = answer;
					return this._ask();
				}
			}
			const bytes = call.method === 'HEAD' ? Buffer.alloc(0) : Buffer.from(reply.body, 'base64');
			const response = flow(new EventEmitter());
			Object.assign(response, {statusCode: reply.status, statusMessage: reply.statusText, headers: reply.headers, httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1, complete: true, rawHeaders: []});
			for (const name of Object.keys(reply.headers)) for (const value of [].concat(reply.headers[name])) response.rawHeaders.push(name, value);
			Object.defineProperty(response, 'request', {value: this, writable: true, configurable: true, enumerable: false});
			response.caseless = {get: name => response.headers[String(name).toLowerCase()], has: name => String(name).toLowerCase() in response.headers};
			response.toJSON = () => ({statusCode: response.statusCode, body: response.body, headers: response.headers, request: this.toJSON()});
			response.destroy = () => {};
			this.response = this.res = response;
			if (options.time) {
				this.elapsedTime = response.elapsedTime = Date.now() - this._began;
				response.timings = {response: response.elapsedTime, end: response.elapsedTime};
			}
			this.emit('response', response);
			for (const target of this.dests) if (target && typeof target.setHeader === 'function' && !target.headersSent) for (const name of Object.keys(reply.headers)) if (name !== 'content-length') target.setHeader(name, reply.headers[name]);
			setImmediate(() => this._give(response, bytes, options));
		}
		_give(response, bytes, options) {
			if (this._aborted) return;
			this._given = response._given = true;
			for (const one of [response, this]) {
				if (bytes.length) one.emit('data', one._encoding ? bytes.toString(one._encoding) : bytes);
				one.emit('end');
				one.emit('close');
			}
			if (this._callback || this.listenerCount('complete') > 0) {
				let body = options.encoding === null ? bytes : bytes.toString(options.encoding || 'utf8');
				if (typeof body === 'string' && body.charCodeAt(0) === 0xfeff && (!options.encoding || /^utf-?8$/i.test(options.encoding))) body = body.slice(1);
				if (this._json) {
					try {
						body = JSON.parse(body, options.jsonReviver);
					} catch (e) { /* stays text */ }
				}
				if (body === '' && bytes.length === 0 && this._json) body = undefined;
				response.body = body;
			}
			this.emit('complete', response, response.body);
		}
		get _json() { const json = this._options.json; return json !== undefined && json !== false && json !== null; }
		// _redirected changes the call when an answer sends it elsewhere.
		_redirected(reply, options) {
			const to = reply.headers.location, call = this._call;
			if (reply.status < 300 || reply.status >= 400 || to === undefined) return false;
			const allowed = options.followRedirect === undefined ? true : options.followRedirect;
			let follow = false;
			if (options.followAllRedirects) follow = true;
			else if (allowed) follow = !/^(PATCH|PUT|POST|DELETE)$/.test(call.method);
			if (follow && typeof allowed === 'function') follow = allowed.call(this, {statusCode: reply.status, headers: reply.headers});
			if (!follow) return false;
			const most = options.maxRedirects === undefined ? 10 : options.maxRedirects;
			if (this._redirects.redirects.length >= most) throw new Error('Exceeded maxRedirects. Probably stuck in a redirect loop ' + call.url.split('?')[0]);
			const before = new URL(call.url), next = new URL(to, before);
			if (!next.hash && before.hash) next.hash = before.hash;
			this._redirects.redirects.push({statusCode: reply.status, redirectUri: next.href});
			if (options.followAllRedirects && reply.status !== 401 && reply.status !== 307 && reply.status !== 308) call.method = options.followOriginalHttpMethod ? call.method : 'GET';
			if (reply.status !== 401 && reply.status !== 307 && reply.status !== 308) {
				call.bytes = null;
				for (const name of ['host', 'content-type', 'content-length']) delete call.headers[name];
			}
			delete call.headers.host;
			if (next.host !== before.host) delete call.headers.authorization;
			if (!options.removeRefererHeader) call.headers.referer = before.href;
			call.url = this.href = next.href;
			this.method = call.method;
			this.uri = this.url = require('url').parse(next.href);
			this.host = this.uri.hostname;
			this.emit('redirect');
			return true;
		}
		form(form) {
			if (form !== undefined) {
				this._options.form = form;
				return this;
			}
			return this._form = this._form || parts.form(() => this._options);
		}
		json(value) { this._options.json = value; return this; }
		qs(value, replace) { this._options.qs = replace ? value : Object.assign({}, this._options.qs, value); return this; }
		auth(user, pass, sendImmediately, bearer) { this._options.auth = user !== null && typeof user === 'object' ? user : {user, pass, sendImmediately, bearer}; return this; }
		oauth(oauth) { this._options.oauth = oauth; return this; }
		multipart(multipart) { this._options.multipart = multipart; return this; }
		jar(jar) { this._options.jar = jar; return this; }
		setHeader(name, value) { this.headers[String(name).toLowerCase()] = String(value); return this; }
		setHeaders(headers) { Object.assign(this.headers, parts.headers(headers)); return this; }
		getHeader(name) { return this.headers[String(name).toLowerCase()]; }
		hasHeader(name) { return String(name).toLowerCase() in this.headers; }
		removeHeader(name) { delete this.headers[String(name).toLowerCase()]; return this; }
		write(part, encoding) { this._written.push(Buffer.from(part, encoding)); return true; }
		end(part) {
			if (part !== undefined && typeof part !== 'function') this.write(part);
			this._ended = true;
			this._start();
			return this;
		}
		abort() {
			this._aborted = true;
			this.emit('abort');
		}
		destroy() { this.abort(); }
		toJSON() { return {uri: this.uri, method: this.method, headers: this.headers}; }
	}
	Request.defaultProxy = undefined;

	const withDefaults = (base, options) => {
		const out = Object.assign({}, base, options);
		if (base.headers || options.headers) out.headers = Object.assign({}, base.headers, options.headers);
		if (base.qs && options.qs) out.qs = Object.assign({}, base.qs, options.qs);
		return out;
	};
	const surface = (base, requester) => {
		const request = (uri, given, callback) => {
			if (uri === undefined) throw new Error('undefined is not a valid uri or options object.');
			const options = withDefaults(base, initParams(uri, given, callback));
			if (String(options.method).toUpperCase() === 'HEAD' && parts.hasBody(options)) throw new Error('HTTP HEAD requests MUST NOT include a request body.');
			return requester ? requester(options) : new Request(options);
		};
		const verb = method => (uri, given, callback) => {
			const options = initParams(uri, given, callback);
			options.method = method;
			return request(options);
		};
		for (const name of ['get', 'post', 'put', 'patch', 'head', 'options']) request[name] = verb(name.toUpperCase());
		request.del = request.delete = verb('DELETE');
		request.defaults = (options, given) => {
			if (typeof options === 'function') {
				given = options;
				options = {};
			}
			return surface(withDefaults(base, options || {}), typeof given === 'function' ? given : requester);
		};
		request.forever = (agent, options) => request.defaults(options || {});
		request.jar = jar;
		request.cookie = text => internal.npm('tough-cookie').parse(String(text), {loose: true});
		request.initParams = initParams;
		request.Request = Request;
		request.debug = false;
		return request;
	};
	return surface({}, null);
}

// jar is a jar of cookies for one or many requests.
function jar(store) {
	const {CookieJar} = internal.npm('tough-cookie'), inner = new CookieJar(store, {looseMode: true});
	return {
		_jar: inner,
		setCookie: (cookie, uri, options) => inner.setCookieSync(cookie, uri, options || {}),
		getCookieString: uri => inner.getCookieStringSync(uri),
		getCookies: uri => inner.getCookiesSync(uri),
	};
}
let common = null;
const jarOf = option => !option ? null : typeof option === 'object' ? option : common = common || jar();

module.exports = make();
Object.defineProperty(module.exports, 'fresh', {value: make});
