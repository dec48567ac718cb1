// Node's url: the legacy functions are the published package's, URL and URLSearchParams are beside them.
const legacy = require('vendor/url');
const {URL, URLSearchParams} = require('whatwg');

Object.assign(exports, legacy, {
	URL, URLSearchParams,
	format(url, options = {}) {
		if (!(url instanceof URL)) return legacy.format(url);
		const out = new URL(url.href);
		if (options.fragment === false) out.hash = '';
		if (options.search === false) out.search = '';
		if (options.auth === false) out.username = out.password = '';
		return out.href;
	},
	parse(url, withQuery, slashes) {
		if (typeof url !== 'string' && !(url instanceof legacy.Url)) {
			throw Object.assign(new TypeError('The "url" argument must be of type string. Received ' + (url === null ? 'null' : typeof url)), {code: 'ERR_INVALID_ARG_TYPE'});
		}
		return legacy.parse(url, withQuery, slashes);
	},
	domainToASCII: name => { try { return new URL('ws://' + name).hostname; } catch (e) { return ''; } },
	domainToUnicode: name => require('punycode').toUnicode(String(name)),
	fileURLToPath(url) {
		url = new URL(url);
		if (url.protocol !== 'file:') throw Object.assign(new TypeError('The URL must be of scheme file'), {code: 'ERR_INVALID_URL_SCHEME'});
		return decodeURIComponent(url.pathname);
	},
	pathToFileURL: path => new URL('file://' + encodeURI(require('path').resolve(String(path))).replace(/[?#]/g, encodeURIComponent)),
	urlToHttpOptions(url) {
		const out = {protocol: url.protocol, hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'), hash: url.hash, search: url.search, pathname: url.pathname, path: url.pathname + url.search, href: url.href};
		if (url.port !== '') out.port = Number(url.port);
		if (url.username || url.password) out.auth = decodeURIComponent(url.username) + ':' + decodeURIComponent(url.password);
		return out;
	},
});
