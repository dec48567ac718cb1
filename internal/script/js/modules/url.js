// Node's url: the legacy functions beside URL and URLSearchParams.
const {URL, URLSearchParams} = require('whatwg');
const querystring = require('querystring');

function Url() {
	this.protocol = this.slashes = this.auth = this.host = this.port = this.hostname = this.hash = this.search = this.query = this.pathname = this.path = null;
	this.href = '';
}

function parse(text, withQuery) {
	if (text instanceof Url) return text;
	if (typeof text !== 'string') throw new TypeError('The "url" argument must be of type string. Received ' + typeof text);
	const m = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:(\/\/)([^/?#]*))?([^?#]*)(\?[^#]*)?(#[\s\S]*)?$/.exec(text.trim());
	const out = new Url();
	if (m[1]) out.protocol = m[1].toLowerCase() + ':';
	if (m[2]) {
		out.slashes = true;
		let rest = m[3];
		const at = rest.lastIndexOf('@');
		if (at >= 0) {
			out.auth = querystring.unescape(rest.slice(0, at));
			rest = rest.slice(at + 1);
		}
		const port = /:(\d+)$/.exec(rest);
		if (port) {
			out.port = port[1];
			rest = rest.slice(0, -port[0].length);
		}
		out.hostname = rest.toLowerCase().replace(/^\[(.*)\]$/, '$1');
		out.host = rest.toLowerCase() + (out.port ? ':' + out.port : '');
	}
	const http = /^(https?|ftp|wss?):$/.test(out.protocol || '');
	out.pathname = m[4] || (http && m[2] ? '/' : null);
	if (m[6]) out.hash = m[6];
	out.search = m[5] || (withQuery ? '' : null);
	out.query = withQuery ? querystring.parse((m[5] || '').slice(1)) : m[5] ? m[5].slice(1) : null;
	if (out.pathname || out.search) out.path = (out.pathname || '') + (out.search || '');
	out.href = format(out);
	return out;
}

function format(url) {
	if (typeof url === 'string') return parse(url).href;
	if (url instanceof URL) return url.href;
	let protocol = url.protocol || '';
	if (protocol && !protocol.endsWith(':')) protocol += ':';
	let host = '';
	if (url.host) host = url.host;
	else if (url.hostname) host = (url.hostname.includes(':') && !url.hostname.startsWith('[') ? '[' + url.hostname + ']' : url.hostname) + (url.port ? ':' + url.port : '');
	if (host && url.auth) host = encodeURIComponent(url.auth).replace(/%3A/i, ':') + '@' + host;
	let search = url.search || '';
	if (!search && url.query && typeof url.query === 'object') search = querystring.stringify(url.query);
	if (search && !search.startsWith('?')) search = '?' + search;
	let hash = url.hash || '';
	if (hash && !hash.startsWith('#')) hash = '#' + hash;
	let pathname = (url.pathname || '').replace(/[?#]/g, encodeURIComponent);
	if (host) {
		host = '//' + host;
		if (pathname && !pathname.startsWith('/')) pathname = '/' + pathname;
	} else if (url.slashes) host = '//';
	return protocol + host + pathname + search.replace(/#/g, '%23') + hash;
}
Url.prototype.format = function () { return format(this); };

exports.parse = parse;
exports.format = format;
exports.resolve = (from, to) => {
	const base = new URL(to, new URL(from, 'resolve://host/'));
	return base.protocol === 'resolve:' ? base.pathname + base.search + base.hash : base.href;
};
exports.Url = Url;
exports.URL = URL;
exports.URLSearchParams = URLSearchParams;
