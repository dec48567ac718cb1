// request 2.x in its callback form. The server makes the call; see the package's page on the protocol.
const {ask, call, log} = internal;
const {Buffer} = require('buffer');
const EventEmitter = require('events');
const querystring = require('querystring');
const warned = new Set();

function warn(option) {
	if (warned.has(option)) return;
	warned.add(option);
	log('warn', 'request: the option ' + option + ' has no effect here');
}

function options(uri, given, callback) {
	if (typeof given === 'function') {
		callback = given;
		given = undefined;
	}
	let out;
	if (uri !== null && typeof uri === 'object' && !(uri instanceof URL) && uri.href === undefined) out = Object.assign({}, given, uri);
	else out = Object.assign({}, given, {uri});
	if (typeof callback === 'function') out.callback = callback;
	return out;
}

function address(opts) {
	let url = opts.uri !== undefined ? opts.uri : opts.url;
	if (url !== null && typeof url === 'object') url = url.href || require('url').format(url);
	if (opts.baseUrl !== undefined) {
		url = url === undefined || url === '' ? String(opts.baseUrl) : String(opts.baseUrl).replace(/\/$/, '') + '/' + String(url).replace(/^\//, '');
	}
	if (url === undefined || url === null || url === '') throw new Error('options.uri is a required argument');
	if (typeof url !== 'string') throw new Error('options.uri must be a string');
	if (!URL.canParse(url) || !/^https?:\/\//i.test(url)) throw new Error('Invalid URI "' + url + '"');
	return new URL(url);
}

// prepare turns request's options into one plain call.
function prepare(opts) {
	const url = address(opts);
	const headers = {};
	for (const name of Object.keys(opts.headers || {})) {
		const value = opts.headers[name];
		if (value !== undefined && value !== null) headers[name.toLowerCase()] = Array.isArray(value) ? value.map(String).join(', ') : String(value);
	}
	const preset = (name, value) => { if (headers[name] === undefined) headers[name] = value; };
	if (opts.qs) {
		const merged = Object.assign(querystring.parse(url.search.slice(1)), opts.qs);
		const search = opts.useQuerystring ? querystring.stringify(merged) : querystring.nested(merged);
		url.search = search;
	}
	let body = opts.body;
	if (opts.json !== undefined && opts.json !== false && opts.json !== null) {
		preset('accept', 'application/json');
		if (typeof opts.json !== 'boolean') body = opts.json;
		if (body !== undefined && !(typeof opts.json === 'boolean' && typeof body === 'string' && /json/.test(headers['content-type'] || ''))) {
			body = JSON.stringify(body);
			preset('content-type', 'application/json');
		}
	}
	if (opts.form !== undefined && opts.form !== null) {
		body = typeof opts.form === 'string' ? opts.form : querystring.nested(opts.form);
		if (!/^application\/x-www-form-urlencoded\b/.test(headers['content-type'] || '')) headers['content-type'] = 'application/x-www-form-urlencoded';
	}
	if (Array.isArray(body)) body = Buffer.concat(body.map(part => typeof part === 'string' ? Buffer.from(part) : part));
	if (body !== undefined && body !== null && typeof body !== 'string' && !ArrayBuffer.isView(body)) throw new Error('Argument error, options.body.');
	const auth = opts.auth;
	if (auth && auth.bearer !== undefined) {
		headers.authorization = 'Bearer ' + (typeof auth.bearer === 'function' ? auth.bearer() : auth.bearer || '');
	} else if (auth) {
		const user = auth.user !== undefined ? auth.user : auth.username, pass = auth.pass !== undefined ? auth.pass : auth.password;
		headers.authorization = 'Basic ' + Buffer.from((user || '') + ':' + (pass || '')).toString('base64');
	} else if (url.username && headers.authorization === undefined) {
		headers.authorization = 'Basic ' + Buffer.from(querystring.unescape(url.username) + ':' + querystring.unescape(url.password)).toString('base64');
	}
	url.username = url.password = '';
	for (const name of ['proxy', 'ca', 'cert', 'key', 'agentOptions', 'pool', 'tunnel']) if (opts[name]) warn(name);
	if (opts.strictSSL === false || opts.rejectUnauthorized === false) warn('strictSSL: false');
	for (const name of ['formData', 'multipart', 'oauth', 'aws', 'hawk']) if (opts[name]) throw new Error('request: the option ' + name + ' is not supported');
	const method = String(opts.method || 'GET').toUpperCase();
	const follow = opts.followAllRedirects || opts.followRedirect !== false && (method === 'GET' || method === 'HEAD' || method === 'OPTIONS');
	return {
		method, url: url.href, headers, redirects: follow ? opts.maxRedirects === undefined ? 10 : opts.maxRedirects : 0,
		body: body === undefined || body === null ? '' : require('buffer').bytes(body).toBase64(),
		timeout: opts.timeout > 0 ? Math.ceil(opts.timeout) : 0,
	};
}

class Request extends EventEmitter {
	constructor(opts) {
		super();
		this.aborted = false;
		this.callback = opts.callback;
		const fail = error => {
			if (this.aborted) return;
			const heard = this.listenerCount('error') > 0 && this.emit('error', error);
			if (this.callback) this.callback(error);
			else if (!heard) log('error', 'request: ' + error.message);
		};
		let prepared;
		try {
			prepared = prepare(opts);
		} catch (error) {
			setImmediate(fail, error);
			return;
		}
		this.method = prepared.method;
		this.headers = prepared.headers;
		this.uri = this.url = require('url').parse(prepared.url);
		this.href = prepared.url;
		ask('http', prepared, (error, reply) => {
			if (error) return fail(error);
			if (this.aborted) return;
			const bytes = Buffer.from(reply.body, 'base64');
			let body = opts.encoding === null ? bytes : bytes.toString(opts.encoding || 'utf8');
			if (opts.json !== undefined && opts.json !== false && opts.json !== null && typeof body === 'string') {
				try {
					body = JSON.parse(body, opts.jsonReviver);
				} catch (e) { /* stays text */ }
			}
			const response = Object.assign(new EventEmitter(), {statusCode: reply.status, statusMessage: reply.statusText, headers: reply.headers, httpVersion: '1.1', body});
			response.request = this;
			response.caseless = {get: name => response.headers[String(name).toLowerCase()], has: name => String(name).toLowerCase() in response.headers};
			response.toJSON = () => ({statusCode: response.statusCode, body, headers: response.headers, request: this.toJSON()});
			this.response = response;
			this.emit('response', response);
			if (bytes.length) {
				this.emit('data', bytes);
				response.emit('data', bytes);
			}
			this.emit('end');
			response.emit('end');
			this.emit('complete', response, body);
			if (this.callback) this.callback(null, response, body);
		});
	}
	abort() { this.aborted = true; this.emit('abort'); }
	destroy() { this.abort(); }
	pipe(target) { this.on('data', part => target.write(part)).on('end', () => target.end && target.end()); return target; }
	toJSON() { return {uri: this.uri, method: this.method, headers: this.headers}; }
}

function make(defaults) {
	const withDefaults = opts => {
		const out = Object.assign({}, defaults, opts);
		if (defaults.headers || opts.headers) out.headers = Object.assign({}, defaults.headers, opts.headers);
		if (defaults.qs && opts.qs) out.qs = Object.assign({}, defaults.qs, opts.qs);
		return out;
	};
	const request = (uri, given, callback) => {
		if (uri === undefined) throw new Error('undefined is not a valid uri or options object.');
		return new Request(withDefaults(options(uri, given, callback)));
	};
	const verb = method => (uri, given, callback) => {
		const opts = options(uri, given, callback);
		opts.method = method;
		return request(opts);
	};
	for (const name of ['get', 'post', 'put', 'patch', 'head', 'options']) request[name] = verb(name.toUpperCase());
	request.del = request.delete = verb('DELETE');
	request.defaults = (opts, more) => {
		const own = withDefaults(Object.assign({}, opts, more && typeof more === 'object' ? more : undefined));
		return make(own);
	};
	request.jar = () => { warn('jar'); return {setCookie() {}, getCookies: () => [], getCookieString: () => ''}; };
	request.cookie = text => String(text);
	request.Request = Request;
	return request;
}

module.exports = make({});
