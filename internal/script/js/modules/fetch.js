// A simple fetch: text and bytes in, text and bytes out, no streams.
const {ask} = internal;
const {Buffer} = require('buffer');

class Headers {
	#map = new Map();
	constructor(init) {
		if (init instanceof Headers) init.forEach((v, k) => this.append(k, v));
		else if (init && typeof init[Symbol.iterator] === 'function') for (const [k, v] of init) this.append(k, v);
		else if (init) for (const k of Object.keys(init)) this.append(k, init[k]);
	}
	append(name, value) { name = String(name).toLowerCase(); this.#map.set(name, this.#map.has(name) ? this.#map.get(name) + ', ' + value : String(value)); }
	set(name, value) { this.#map.set(String(name).toLowerCase(), String(value)); }
	get(name) { const v = this.#map.get(String(name).toLowerCase()); return v === undefined ? null : v; }
	has(name) { return this.#map.has(String(name).toLowerCase()); }
	delete(name) { this.#map.delete(String(name).toLowerCase()); }
	forEach(fn, self) { for (const [k, v] of this.#map) fn.call(self, v, k, this); }
	entries() { return this.#map.entries(); }
	keys() { return this.#map.keys(); }
	values() { return this.#map.values(); }
	[Symbol.iterator]() { return this.#map.entries(); }
}

class Response {
	#bytes;
	constructor(body, init = {}) {
		this.#bytes = body === undefined || body === null ? Buffer.alloc(0) : Buffer.from(body);
		this.status = init.status === undefined ? 200 : init.status;
		this.statusText = init.statusText || '';
		this.headers = new Headers(init.headers);
		this.url = init.url || '';
		this.redirected = !!init.redirected;
		this.bodyUsed = false;
	}
	get ok() { return this.status >= 200 && this.status < 300; }
	#take() {
		if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read');
		this.bodyUsed = true;
		return this.#bytes;
	}
	async text() { return this.#take().toString(); }
	async json() { return JSON.parse(this.#take().toString()); }
	async arrayBuffer() { const b = this.#take(); return b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength); }
	async bytes() { return this.#take(); }
	clone() { return new Response(this.#bytes, this); }
}

function fetch(input, init) {
	return new Promise((resolve, reject) => {
		init = Object.assign({}, init);
		const url = new URL(input && typeof input === 'object' && input.href === undefined ? input.url : input);
		if (url.username || url.password) throw new TypeError('Request cannot be constructed from a URL that includes credentials');
		const headers = new Headers(init.headers);
		const method = String(init.method || 'GET').toUpperCase();
		let body = init.body;
		if (body instanceof URLSearchParams) {
			body = body.toString();
			if (!headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
		} else if (typeof body === 'string' && !headers.has('content-type')) headers.set('content-type', 'text/plain;charset=UTF-8');
		if (body !== undefined && body !== null && (method === 'GET' || method === 'HEAD')) throw new TypeError('Request with GET/HEAD method cannot have body');
		if (body !== undefined && body !== null && typeof body !== 'string') body = require('buffer').bytes(body);
		ask('http', {
			method, url: url.href, headers: Object.fromEntries(headers), redirects: init.redirect === 'manual' || init.redirect === 'error' ? 0 : 20,
			body: body === undefined || body === null ? '' : require('buffer').bytes(body).toBase64(), timeout: 0,
		}, (error, reply) => {
			if (error) {
				const failed = new TypeError('fetch failed');
				failed.cause = error;
				return reject(failed);
			}
			if (init.redirect === 'error' && reply.status >= 300 && reply.status < 400) return reject(new TypeError('fetch failed'));
			const given = Object.entries(reply.headers).map(([k, v]) => [k, Array.isArray(v) ? v.join(', ') : v]);
			resolve(new Response(Buffer.from(reply.body, 'base64'), {status: reply.status, statusText: reply.statusText, headers: given, url: reply.url, redirected: reply.url !== url.href}));
		});
	});
}

Object.assign(exports, {fetch, Headers, Response});
