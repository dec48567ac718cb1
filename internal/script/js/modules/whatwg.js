// URL and URLSearchParams. Parsing is the host program's; see its urlParts for where it is simpler than the WHATWG text.
const {native} = internal;

function pairsOf(text) {
	const out = [];
	for (const part of text.replace(/^\?/, '').split('&')) {
		if (part === '') continue;
		const at = part.indexOf('=');
		const clean = t => require('querystring').unescape(t.replace(/\+/g, ' '));
		out.push(at < 0 ? [clean(part), ''] : [clean(part.slice(0, at)), clean(part.slice(at + 1))]);
	}
	return out;
}
const encode = text => encodeURIComponent(String(text).toWellFormed()).replace(/%20/g, '+').replace(/[!'()~]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase());

class URLSearchParams {
	#pairs = [];
	#changed = null;
	constructor(init, changed) {
		if (typeof changed === 'function') this.#changed = changed;
		if (init === undefined || init === null) return;
		if (typeof init === 'string') this.#pairs = pairsOf(init);
		else if (typeof init[Symbol.iterator] === 'function') this.#pairs = Array.from(init, ([k, v]) => [String(k), String(v)]);
		else this.#pairs = Object.keys(init).map(k => [k, String(init[k])]);
	}
	#touch() { if (this.#changed) this.#changed(this.toString()); }
	append(name, value) { this.#pairs.push([String(name), String(value)]); this.#touch(); }
	delete(name) { this.#pairs = this.#pairs.filter(p => p[0] !== String(name)); this.#touch(); }
	get(name) { const found = this.#pairs.find(p => p[0] === String(name)); return found ? found[1] : null; }
	getAll(name) { return this.#pairs.filter(p => p[0] === String(name)).map(p => p[1]); }
	has(name) { return this.#pairs.some(p => p[0] === String(name)); }
	set(name, value) {
		name = String(name);
		const at = this.#pairs.findIndex(p => p[0] === name);
		if (at < 0) this.#pairs.push([name, String(value)]);
		else this.#pairs = this.#pairs.filter((p, i) => p[0] !== name || i === at).map(p => p[0] === name ? [name, String(value)] : p);
		this.#touch();
	}
	sort() { this.#pairs.sort((a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0); this.#touch(); }
	forEach(fn, self) { for (const [k, v] of this.#pairs) fn.call(self, v, k, this); }
	get size() { return this.#pairs.length; }
	*entries() { for (const [k, v] of this.#pairs) yield [k, v]; }
	*keys() { for (const [k] of this.#pairs) yield k; }
	*values() { for (const [, v] of this.#pairs) yield v; }
	[Symbol.iterator]() { return this.entries(); }
	toString() { return this.#pairs.map(([k, v]) => encode(k) + '=' + encode(v)).join('&'); }
}

function parts(text, base) {
	const found = native('url', String(text), base === undefined ? '' : String(base));
	if (found === '') {
		const error = new TypeError('Invalid URL');
		error.code = 'ERR_INVALID_URL';
		error.input = String(text);
		throw error;
	}
	return JSON.parse(found);
}

class URL {
	#p;
	#params = null;
	constructor(text, base) { this.#p = parts(text, base); }
	static canParse(text, base) { return native('url', String(text), base === undefined ? '' : String(base)) !== ''; }
	#set(change) {
		const p = Object.assign({}, this.#p, change);
		this.#p = parts(this.#write(p));
		if (!('search' in change)) return;
		this.#params = null;
	}
	#write(p) {
		const auth = p.username ? p.username + (p.password ? ':' + p.password : '') + '@' : '';
		return p.protocol + (p.opaque ? '' : '//') + auth + p.hostname + (p.port ? ':' + p.port : '') + p.pathname + p.search + p.hash;
	}
	get href() { return this.#write(this.#p); }
	set href(value) { this.#p = parts(value); this.#params = null; }
	get origin() { return this.#p.opaque ? 'null' : this.#p.protocol + '//' + this.host; }
	get protocol() { return this.#p.protocol; }
	set protocol(value) { this.#set({protocol: String(value).replace(/:?$/, ':')}); }
	get username() { return this.#p.username; }
	set username(value) { this.#set({username: encodeURIComponent(value)}); }
	get password() { return this.#p.password; }
	set password(value) { this.#set({password: encodeURIComponent(value)}); }
	get host() { return this.#p.hostname + (this.#p.port ? ':' + this.#p.port : ''); }
	set host(value) { const [hostname, port] = String(value).split(/:(?=\d*$)/); this.#set({hostname, port: port || ''}); }
	get hostname() { return this.#p.hostname; }
	set hostname(value) { this.#set({hostname: String(value)}); }
	get port() { return this.#p.port; }
	set port(value) { this.#set({port: String(value)}); }
	get pathname() { return this.#p.pathname; }
	set pathname(value) { this.#set({pathname: String(value).replace(/^\/?/, '/').replace(/[?#]/g, encodeURIComponent)}); }
	get search() { return this.#p.search; }
	set search(value) { value = String(value).replace(/#/g, '%23'); this.#set({search: value === '' || value === '?' ? '' : value.replace(/^\??/, '?')}); }
	get hash() { return this.#p.hash; }
	set hash(value) { value = String(value); this.#set({hash: value === '' || value === '#' ? '' : value.replace(/^#?/, '#')}); }
	get searchParams() {
		if (!this.#params) this.#params = new URLSearchParams(this.#p.search, text => { this.#p = Object.assign({}, this.#p, {search: text ? '?' + text : ''}); });
		return this.#params;
	}
	toString() { return this.href; }
	toJSON() { return this.href; }
}

// Packages tell these by their names.
for (const [type, name] of [[URL, 'URL'], [URLSearchParams, 'URLSearchParams']]) Object.defineProperty(type.prototype, Symbol.toStringTag, {value: name, configurable: true});
exports.URL = URL;
exports.URLSearchParams = URLSearchParams;
