// Headers, Request, Response, FormData, Blob and File.
const {utf8, string, view} = require('encoding');
const lower = name => {
	name = String(name);
	if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw new TypeError('Headers: ' + name + ' is an invalid header name.');
	return name.toLowerCase();
};
const clean = value => {
	value = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
	if (/[\0\r\n]/.test(value)) throw new TypeError('Headers: ' + JSON.stringify(value) + ' is an invalid header value.');
	return value;
};

class Headers {
	#map = new Map(); #cookies = [];
	constructor(init) {
		if (init === undefined || init === null) return;
		if (typeof init !== 'object') throw new TypeError('Headers: the init must be an object');
		if (typeof init[Symbol.iterator] === 'function') for (const [k, v] of init) this.append(k, v);
		else for (const k of Object.keys(init)) this.append(k, init[k]);
	}
	append(name, value) {
		name = lower(name);
		value = clean(value);
		if (name === 'set-cookie') this.#cookies.push(value);
		this.#map.set(name, this.#map.has(name) ? this.#map.get(name) + ', ' + value : value);
	}
	set(name, value) {
		name = lower(name);
		if (name === 'set-cookie') this.#cookies = [clean(value)];
		this.#map.set(name, clean(value));
	}
	get(name) { const v = this.#map.get(lower(name)); return v === undefined ? null : v; }
	has(name) { return this.#map.has(lower(name)); }
	delete(name) { name = lower(name); this.#map.delete(name); if (name === 'set-cookie') this.#cookies = []; }
	getSetCookie() { return this.#cookies.slice(); }
	forEach(fn, self) { for (const [k, v] of this) fn.call(self, v, k, this); }
	*entries() {
		for (const k of [...this.#map.keys()].sort()) {
			if (k === 'set-cookie') for (const v of this.#cookies) yield [k, v];
			else yield [k, this.#map.get(k)];
		}
	}
	*keys() { for (const [k] of this.entries()) yield k; }
	*values() { for (const [, v] of this.entries()) yield v; }
	[Symbol.iterator]() { return this.entries(); }
	get [Symbol.toStringTag]() { return 'Headers'; }
}

function join(parts) {
	const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
	let at = 0;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
	return out;
}

let bytesOf; // the bytes of a Blob
class Blob {
	#bytes; #type;
	constructor(parts = [], options = {}) {
		if (parts === null || typeof parts !== 'object' || typeof parts[Symbol.iterator] !== 'function') throw new TypeError('The "sources" argument must be a sequence');
		this.#bytes = join([...parts].map(part => part instanceof Blob ? bytesOf(part) : part instanceof ArrayBuffer || ArrayBuffer.isView(part) ? view(part).slice() : utf8(String(part))));
		this.#type = options.type === undefined ? '' : String(options.type).toLowerCase();
	}
	static { bytesOf = blob => blob.#bytes; }
	get size() { return this.#bytes.length; }
	get type() { return this.#type; }
	async text() { return string(this.#bytes); }
	async arrayBuffer() { return this.#bytes.slice().buffer; }
	async bytes() { return this.#bytes.slice(); }
	slice(start = 0, end = this.size, type = '') { return new Blob([this.#bytes.slice(start, end)], {type}); }
	stream() { return streamOf(this.#bytes); }
	get [Symbol.toStringTag]() { return 'Blob'; }
}
class File extends Blob {
	#name; #modified;
	constructor(parts, name, options = {}) {
		super(parts, options);
		this.#name = String(name);
		this.#modified = options.lastModified === undefined ? Date.now() : Number(options.lastModified);
	}
	get name() { return this.#name; }
	get lastModified() { return this.#modified; }
	get [Symbol.toStringTag]() { return 'File'; }
}

const streamOf = bytes => new (require('stream/web').ReadableStream)({
	type: undefined,
	start(controller) {
		if (bytes.length) controller.enqueue(new Uint8Array(bytes));
		controller.close();
	},
});

class FormData {
	#entries = [];
	constructor(form) { if (form !== undefined) throw new TypeError('FormData: there are no forms here'); }
	#entry(name, value, filename) {
		if (value instanceof Blob) {
			if (!(value instanceof File) || filename !== undefined) value = new File([value], filename === undefined ? 'blob' : filename, {type: value.type});
			return [String(name), value];
		}
		return [String(name), String(value)];
	}
	append(name, value, filename) { this.#entries.push(this.#entry(name, value, filename)); }
	set(name, value, filename) {
		const entry = this.#entry(name, value, filename), at = this.#entries.findIndex(e => e[0] === entry[0]);
		if (at < 0) this.#entries.push(entry);
		else this.#entries = this.#entries.filter((e, i) => i === at || e[0] !== entry[0]).map(e => e[0] === entry[0] ? entry : e);
	}
	get(name) { const found = this.#entries.find(e => e[0] === String(name)); return found ? found[1] : null; }
	getAll(name) { return this.#entries.filter(e => e[0] === String(name)).map(e => e[1]); }
	has(name) { return this.#entries.some(e => e[0] === String(name)); }
	delete(name) { this.#entries = this.#entries.filter(e => e[0] !== String(name)); }
	forEach(fn, self) { for (const [k, v] of this.#entries) fn.call(self, v, k, this); }
	*entries() { yield* this.#entries.map(e => e.slice()); }
	*keys() { for (const [k] of this.#entries) yield k; }
	*values() { for (const [, v] of this.#entries) yield v; }
	[Symbol.iterator]() { return this.entries(); }
	get [Symbol.toStringTag]() { return 'FormData'; }
}

// multipart is a form as a request sends it.
function multipart(form) {
	const boundary = '----formdata-' + require('crypto').randomBytes(12).toString('hex');
	const quote = text => text.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22');
	const parts = [];
	for (const [name, value] of form) {
		let head = '--' + boundary + '\r\nContent-Disposition: form-data; name="' + quote(name) + '"';
		if (value instanceof File) head += '; filename="' + quote(value.name) + '"\r\nContent-Type: ' + (value.type || 'application/octet-stream');
		parts.push(utf8(head + '\r\n\r\n'), value instanceof File ? bytesOf(value) : utf8(value.replace(/\r\n|\r|\n/g, '\r\n')), utf8('\r\n'));
	}
	parts.push(utf8('--' + boundary + '--\r\n'));
	return {bytes: join(parts), type: 'multipart/form-data; boundary=' + boundary};
}

// extract makes bytes of anything that can be a body, or the promise of them, and says what type it implies.
function extract(body) {
	if (typeof body === 'string') return {bytes: utf8(body), type: 'text/plain;charset=UTF-8'};
	if (body instanceof URLSearchParams) return {bytes: utf8(body.toString()), type: 'application/x-www-form-urlencoded;charset=UTF-8'};
	if (body instanceof FormData) return multipart(body);
	if (body instanceof Blob) return {bytes: bytesOf(body), type: body.type};
	if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return {bytes: view(body).slice(), type: ''};
	if (body !== null && typeof body === 'object' && typeof body[Symbol.asyncIterator] === 'function') return {bytes: collect(body), type: ''};
	if (body !== null && typeof body === 'object' && typeof body.getReader === 'function') return {bytes: collect(body), type: ''};
	return {bytes: utf8(String(body)), type: 'text/plain;charset=UTF-8'};
}

async function collect(body) {
	const parts = [];
	const add = part => parts.push(typeof part === 'string' ? utf8(part) : view(part));
	if (typeof body.getReader === 'function') {
		const reader = body.getReader();
		for (;;) {
			const {done, value} = await reader.read();
			if (done) break;
			add(value);
		}
	} else for await (const part of body) add(part);
	return join(parts);
}

class Body {
	#bytes = null; #used = false; #stream = null;
	_take(body, headers) {
		if (body === undefined || body === null) return;
		const {bytes, type} = extract(body);
		if (bytes instanceof Promise) bytes.catch(() => {}); // whoever reads it is told
		this.#bytes = bytes;
		if (type && !headers.has('content-type')) headers.set('content-type', type);
	}
	_copy() { return this.#bytes; }
	get body() {
		if (this.#bytes === null) return null;
		if (!this.#stream) {
			const bytes = this.#bytes, used = () => { this.#used = true; };
			this.#stream = new (require('stream/web').ReadableStream)({
				async pull(controller) {
					used();
					const all = await bytes;
					if (all.length) controller.enqueue(new Uint8Array(all));
					controller.close();
				},
			}, {highWaterMark: 0});
		}
		return this.#stream;
	}
	get bodyUsed() { return this.#used; }
	async #consume() {
		if (this.#used || this.#stream && this.#stream.locked) throw new TypeError('Body is unusable: Body has already been read');
		if (this.#bytes === null) return new Uint8Array(0);
		this.#used = true;
		return this.#bytes;
	}
	async text() { return string(await this.#consume()).replace(/^\ufeff/, ''); }
	async json() { return JSON.parse(await this.text()); }
	async bytes() { return new Uint8Array(await this.#consume()); }
	async arrayBuffer() { return (await this.#consume()).slice().buffer; }
	async blob() { return new Blob([await this.#consume()], {type: this.headers.get('content-type') || ''}); }
	async formData() {
		const type = this.headers.get('content-type') || '';
		const out = new FormData();
		if (/^application\/x-www-form-urlencoded/i.test(type)) {
			for (const [k, v] of new URLSearchParams(await this.text())) out.append(k, v);
			return out;
		}
		throw new TypeError('Response.formData: only application/x-www-form-urlencoded can be read');
	}
}

class Request extends Body {
	constructor(input, init = {}) {
		super();
		const from = input instanceof Request ? input : null;
		const url = new URL(from ? from.url : input && typeof input === 'object' && input.href === undefined && input.url ? input.url : input);
		if (url.username || url.password) throw new TypeError('Request cannot be constructed from a URL that includes credentials: ' + url.origin);
		const method = String(init.method !== undefined ? init.method : from ? from.method : 'GET');
		if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method) || /^(connect|trace|track)$/i.test(method)) throw new TypeError("'" + method + "' is not a valid HTTP method.");
		const upper = method.toUpperCase();
		const own = {
			url: url.href, method: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'].includes(upper) ? upper : method,
			headers: new Headers(init.headers !== undefined ? init.headers : from ? from.headers : undefined),
			redirect: init.redirect || (from ? from.redirect : 'follow'), signal: init.signal || (from ? from.signal : new AbortController().signal),
			credentials: init.credentials || 'same-origin', mode: init.mode || 'cors', cache: init.cache || 'default', keepalive: !!init.keepalive,
			duplex: 'half', destination: '', referrer: 'about:client', referrerPolicy: '', integrity: '',
		};
		for (const name of Object.keys(own)) Object.defineProperty(this, name, {value: own[name], enumerable: true, configurable: true});
		const body = init.body !== undefined ? init.body : from && !from.bodyUsed ? from._copy() : null;
		if (body !== null && (own.method === 'GET' || own.method === 'HEAD')) throw new TypeError('Request with GET/HEAD method cannot have body.');
		this._take(body instanceof Promise ? {async *[Symbol.asyncIterator]() { yield await body; }} : body, this.headers);
	}
	clone() { return new Request(this); }
	get [Symbol.toStringTag]() { return 'Request'; }
}

class Response extends Body {
	constructor(body, init = {}) {
		super();
		const status = init.status === undefined ? 200 : Number(init.status);
		if (!(status >= 200 && status <= 599) && !init._any) throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
		const own = {status, statusText: init.statusText === undefined ? '' : String(init.statusText), headers: new Headers(init.headers), url: '', redirected: false, type: 'default'};
		for (const name of Object.keys(own)) Object.defineProperty(this, name, {value: own[name], enumerable: true, configurable: true});
		this._take(body, this.headers);
	}
	get ok() { return this.status >= 200 && this.status < 300; }
	clone() {
		if (this.bodyUsed) throw new TypeError('Response.clone: Body has already been consumed.');
		const bytes = this._copy();
		const out = new Response(bytes instanceof Promise ? {async *[Symbol.asyncIterator]() { yield await bytes; }} : bytes, {status: this.status, statusText: this.statusText, headers: this.headers, _any: true});
		for (const name of ['url', 'redirected', 'type']) Object.defineProperty(out, name, {value: this[name], enumerable: true, configurable: true});
		return out;
	}
	static json(value, init = {}) {
		const headers = new Headers(init.headers);
		if (!headers.has('content-type')) headers.set('content-type', 'application/json');
		return new Response(JSON.stringify(value), Object.assign({}, init, {headers}));
	}
	static error() { const out = new Response(null, {status: 0, _any: true}); Object.defineProperty(out, 'type', {value: 'error'}); return out; }
	static redirect(url, status = 302) { return new Response(null, {status, headers: {location: new URL(url).href}}); }
	get [Symbol.toStringTag]() { return 'Response'; }
}
for (const name of ['_take', '_copy']) Object.defineProperty(Body.prototype, name, {enumerable: false});
module.exports = {Headers, Request, Response, FormData, Blob, File};
