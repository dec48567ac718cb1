// What the options of request make of a call: address, headers, body, credentials.
const {Buffer} = require('buffer');
const querystring = require('querystring');
const crypto = () => require('crypto');

const unsupported = exports.unsupported = name => { throw new Error('request: the option ' + name + ' is not supported'); };

exports.address = function (options) {
	let url = options.uri !== undefined ? options.uri : options.url;
	if (url !== null && typeof url === 'object') url = url.href || require('url').format(url);
	if (options.baseUrl !== undefined) {
		if (typeof options.baseUrl !== 'string') throw new Error('options.baseUrl must be a string');
		if (url !== undefined && typeof url !== 'string') throw new Error('options.uri must be a string when using options.baseUrl');
		if (url && /^(\/\/|[a-z][a-z0-9+.-]*:\/\/)/i.test(url)) throw new Error('options.uri must be a path when using options.baseUrl');
		url = !url ? options.baseUrl : options.baseUrl.replace(/\/$/, '') + '/' + url.replace(/^\//, '');
	}
	if (url === undefined || url === null || url === '') throw new Error('options.uri is a required argument');
	if (typeof url !== 'string') throw new Error('options.uri must be a string');
	if (!URL.canParse(url) || !/^https?:\/\//i.test(url)) throw new Error('Invalid URI "' + url + '"');
	return url;
};

exports.headers = function (given) {
	const out = {};
	for (const name of Object.keys(given || {})) {
		const value = given[name];
		if (value !== undefined && value !== null) out[name.toLowerCase()] = Array.isArray(value) ? value.map(String).join(', ') : String(value);
	}
	return out;
};

exports.hasBody = options => options.json !== undefined && typeof options.json !== 'boolean' || options.body !== undefined || options.form !== undefined || options.formData !== undefined || options.multipart !== undefined;

const basic = (user, pass) => 'Basic ' + Buffer.from((user || '') + ':' + (pass || '')).toString('base64');
const credentials = auth => [auth.user !== undefined ? auth.user : auth.username, auth.pass !== undefined ? auth.pass : auth.password];
const written = (value, options) => options.useQuerystring ? querystring.stringify(value) : querystring.nested(value);

// prepare is the first call of a request.
exports.prepare = function (options, method, href, headers) {
	const url = new URL(href), json = options.json;
	headers = Object.assign({}, headers);
	const preset = (name, value) => { if (headers[name] === undefined) headers[name] = value; };
	if (options.qs) url.search = written(Object.assign(querystring.parse(url.search.slice(1)), options.qs), options);
	let body = options.body;
	if (json !== undefined && json !== false && json !== null) {
		preset('accept', 'application/json');
		if (typeof json !== 'boolean') body = json;
		if (body !== undefined && !Buffer.isBuffer(body) && !(typeof json === 'boolean' && typeof body === 'string' && /json/.test(headers['content-type'] || ''))) {
			body = JSON.stringify(body, options.jsonReplacer);
			preset('content-type', 'application/json');
		}
	}
	if (options.form !== undefined && options.form !== null) {
		body = typeof options.form === 'string' ? options.form.replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase()) : written(options.form, options);
		if (!/^application\/x-www-form-urlencoded\b/.test(headers['content-type'] || '')) headers['content-type'] = 'application/x-www-form-urlencoded';
	}
	if (options.multipart) body = related(options.multipart, headers, options);
	if (Array.isArray(body)) body = Buffer.concat(body.map(part => Buffer.from(part)));
	if (body !== undefined && body !== null && typeof body !== 'string' && !ArrayBuffer.isView(body)) throw new Error('Argument error, options.body.');
	const auth = options.auth;
	if (auth && auth.bearer !== undefined) {
		if (auth.sendImmediately !== false) headers.authorization = 'Bearer ' + (typeof auth.bearer === 'function' ? auth.bearer() : auth.bearer || '');
	} else if (auth) {
		const [user, pass] = credentials(auth);
		if (user === undefined || typeof user !== 'string' || pass !== undefined && typeof pass !== 'string') throw new Error('auth() received invalid user or password');
		if (auth.sendImmediately !== false) headers.authorization = basic(user, pass);
	} else if (url.username && headers.authorization === undefined) {
		headers.authorization = basic(querystring.unescape(url.username), querystring.unescape(url.password));
	}
	url.username = url.password = '';
	if (options.oauth) body = oauth(options.oauth, method, url, headers, body, options);
	if (options.gzip) preset('accept-encoding', 'gzip, deflate');
	const bytes = body === undefined || body === null ? null : typeof body === 'string' ? Buffer.from(body) : Buffer.from(body);
	return {method, url: url.href, headers, body, bytes, timeout: options.timeout > 0 ? Math.ceil(options.timeout) : 0, tls: tls(options)};
};

// tls are the options that change with whom a call speaks; undefined when there are none.
function tls(options) {
	const agent = Object.assign({}, options.agentOptions, options.agent && options.agent.options), pick = name => options[name] !== undefined ? options[name] : agent[name];
	const pem = value => value === undefined || value === null ? undefined : [].concat(value).map(v => String(v)).join('\n');
	const out = {};
	if (pick('strictSSL') === false || pick('rejectUnauthorized') === false) out.insecure = true;
	for (const name of ['ca', 'cert', 'key']) if (pick(name)) out[name] = pem(pick(name));
	if (pick('servername')) out.name = String(pick('servername'));
	if (pick('pfx') || pick('passphrase')) unsupported(pick('pfx') ? 'pfx' : 'passphrase');
	return Object.keys(out).length ? out : undefined;
}

// related writes the option multipart: parts with headers of their own.
function related(given, headers, options) {
	const list = Array.isArray(given) ? given : given.data, boundary = crypto().randomUUID(), out = [];
	if (!Array.isArray(list)) throw new Error('Argument error, options.multipart.');
	for (const part of list) {
		if (part.body === undefined) throw new Error('Body attribute missing in multipart.');
		let head = (out.length || options.preambleCRLF ? '\r\n' : '') + '--' + boundary + '\r\n';
		for (const name of Object.keys(part)) if (name !== 'body') head += name + ': ' + part[name] + '\r\n';
		out.push(Buffer.from(head + '\r\n'), Buffer.from(part.body));
	}
	out.push(Buffer.from('\r\n--' + boundary + '--' + (options.postambleCRLF ? '\r\n' : '')));
	const type = headers['content-type'];
	if (!type || !/multipart/.test(type)) headers['content-type'] = 'multipart/related; boundary=' + boundary;
	else headers['content-type'] = type.split(';')[0] + '; boundary=' + (/boundary=[^\s;]+/.test(type) ? /boundary=([^\s;]+)/.exec(type)[1] : boundary);
	return Buffer.concat(out);
}

// form is what r.form() gives: fields of multipart/form-data.
exports.form = function (options) {
	const fields = [], boundary = '--------------------------' + crypto().randomBytes(12).toString('hex');
	const quote = text => String(text).replace(/\r\n?|\n/g, '%0D%0A').replace(/"/g, '%22');
	return {
		append(name, value, how) {
			if (typeof how === 'string') how = {filename: how};
			fields.push({name, value, how: how || {}});
			return this;
		},
		getHeaders: more => Object.assign({'content-type': 'multipart/form-data; boundary=' + boundary}, more),
		getBoundary: () => boundary,
		bytes(done) {
			const out = [];
			const next = i => {
				if (i === fields.length) {
					out.push(Buffer.from('--' + boundary + '--\r\n'));
					return done(null, Buffer.concat(out), 'multipart/form-data; boundary=' + boundary);
				}
				const {name, value, how} = fields[i];
				const filename = how.filename || how.filepath || value && typeof value === 'object' && (value.path || value.name);
				const type = how.contentType || (Buffer.isBuffer(value) || filename ? guess(String(filename || '')) : '');
				let head = '--' + boundary + '\r\nContent-Disposition: form-data; name="' + quote(name) + '"' + (filename ? '; filename="' + quote(String(filename).split('/').pop()) + '"' : '') + '\r\n';
				if (type) head += 'Content-Type: ' + type + '\r\n';
				for (const key of Object.keys(how.header || {})) head += key + ': ' + how.header[key] + '\r\n';
				out.push(Buffer.from(head + '\r\n'));
				const take = bytes => {
					out.push(Buffer.from(bytes), Buffer.from('\r\n'));
					next(i + 1);
				};
				if (value !== null && typeof value === 'object' && typeof value.on === 'function' && !ArrayBuffer.isView(value)) {
					const read = [];
					value.on('data', part => read.push(Buffer.from(part))).on('end', () => take(Buffer.concat(read))).on('error', done);
					if (value.resume) value.resume();
					return;
				}
				if (typeof value === 'number') return take(String(value));
				if (typeof value !== 'string' && !ArrayBuffer.isView(value)) return done(new TypeError('The value of the form field "' + name + '" must be a string, a number, a Buffer or a stream'));
				take(value);
			};
			next(0);
		},
	};
};

const types = {txt: 'text/plain', html: 'text/html', csv: 'text/csv', json: 'application/json', xml: 'application/xml', pdf: 'application/pdf', png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', svg: 'image/svg+xml', zip: 'application/zip'};
const guess = filename => types[filename.split('.').pop().toLowerCase()] || 'application/octet-stream';

// append takes the option formData.
exports.append = function (form, data) {
	for (const name of Object.keys(data)) {
		for (const value of [].concat(data[name])) {
			if (value !== null && typeof value === 'object' && Object.hasOwn(value, 'value') && Object.hasOwn(value, 'options')) form.append(name, value.value, value.options);
			else form.append(name, value);
		}
	}
};

// challenge answers a 401: Basic, Bearer or Digest (RFC 7616 with MD5, as the package has it). Empty when it cannot.
exports.challenge = function (asked, auth, method, path) {
	const [user, pass] = credentials(auth), scheme = asked.split(' ')[0].toLowerCase();
	if (scheme === 'basic') return basic(user, pass);
	if (scheme === 'bearer') return 'Bearer ' + (typeof auth.bearer === 'function' ? auth.bearer() : auth.bearer || '');
	if (scheme !== 'digest') return '';
	const given = {}, md5 = text => crypto().createHash('md5').update(text).digest('hex');
	for (const [, name, quoted, bare] of asked.matchAll(/([a-z0-9_-]+)=(?:"([^"]+)"|([a-z0-9_-]+))/gi)) given[name] = quoted === undefined ? bare : quoted;
	const qop = /(^|,)\s*auth\s*($|,)/.test(given.qop) && 'auth', nc = qop && '00000001', cnonce = qop && crypto().randomUUID().replace(/-/g, '');
	let ha1 = md5(user + ':' + given.realm + ':' + pass);
	if (given.algorithm && given.algorithm.toLowerCase() === 'md5-sess') ha1 = md5(ha1 + ':' + given.nonce + ':' + cnonce);
	const ha2 = md5(method + ':' + path), response = qop ? md5([ha1, given.nonce, nc, cnonce, qop, ha2].join(':')) : md5(ha1 + ':' + given.nonce + ':' + ha2);
	const values = {username: user, realm: given.realm, nonce: given.nonce, uri: path, qop, response, nc, cnonce, algorithm: given.algorithm, opaque: given.opaque};
	return 'Digest ' + Object.keys(values).filter(name => values[name]).map(name => /^(qop|nc|algorithm)$/.test(name) ? name + '=' + values[name] : name + '="' + values[name] + '"').join(', ');
};

// oauth signs a call (OAuth 1.0a) and returns its body.
function oauth(given, method, url, headers, body, options) {
	const sign = internal.npm('oauth-sign'), params = {};
	for (const name of Object.keys(given)) if (!/^(consumer_secret|private_key|token_secret|realm|transport_method|body_hash)$/.test(name)) params['oauth_' + name] = given[name];
	params.oauth_version = params.oauth_version || '1.0';
	params.oauth_timestamp = String(params.oauth_timestamp || Math.floor(Date.now() / 1000));
	params.oauth_nonce = params.oauth_nonce || crypto().randomUUID().replace(/-/g, '');
	params.oauth_signature_method = params.oauth_signature_method || 'HMAC-SHA1';
	if (given.body_hash) params.oauth_body_hash = given.body_hash === true ? crypto().createHash('sha1').update(body || '').digest('base64') : given.body_hash;
	const isForm = /^application\/x-www-form-urlencoded\b/.test(headers['content-type'] || '');
	const all = Object.assign({}, querystring.parse(url.search.slice(1)), isForm ? querystring.parse(String(body || '')) : {}, params);
	const bare = url.protocol + '//' + url.host + url.pathname;
	params.oauth_signature = sign.sign(params.oauth_signature_method, method, bare, all, given.private_key || given.consumer_secret || '', given.token_secret);
	const pairs = (wrap, separator) => Object.keys(params).filter(name => name !== 'oauth_signature').sort().concat('oauth_signature').map(name => name + '=' + wrap + sign.rfc3986(params[name]) + wrap).join(separator);
	switch (given.transport_method || 'header') {
	case 'header': {
		headers.authorization = 'OAuth ' + (given.realm ? 'realm="' + given.realm + '",' : '') + pairs('"', ',');
		return body;
	}
	case 'query':
		url.search = (url.search ? url.search + '&' : '?') + pairs('', '&');
		return body;
	case 'body':
		if (method !== 'POST' || !isForm) throw new Error('oauth: transport_method of body requires POST and content-type application/x-www-form-urlencoded');
		return (body ? body + '&' : '') + pairs('', '&');
	}
	throw new Error('oauth: transport_method invalid');
}
