// Node's querystring.
const escape = text => encodeURIComponent(String(text).toWellFormed());

function unescape(text) {
	try {
		return decodeURIComponent(text);
	} catch (e) {
		return text.replace(/(?:%[0-9a-f]{2})+/gi, run => require('buffer').Buffer.from(run.replace(/%/g, ''), 'hex').toString());
	}
}

function primitive(value) {
	switch (typeof value) {
	case 'string': return value;
	case 'number': return isFinite(value) ? String(value) : '';
	case 'boolean': case 'bigint': return String(value);
	}
	return '';
}

exports.stringify = exports.encode = function (object, separator = '&', equals = '=', options) {
	if (object === null || typeof object !== 'object') return '';
	const encode = options && options.encodeURIComponent || exports.escape;
	const out = [];
	for (const key of Object.keys(object)) {
		for (const value of [].concat(object[key])) out.push(encode(key) + equals + encode(primitive(value)));
	}
	return out.join(separator || '&');
};

exports.parse = exports.decode = function (text, separator = '&', equals = '=', options) {
	const out = Object.create(null);
	if (typeof text !== 'string' || text === '') return out;
	const decode = options && options.decodeURIComponent || exports.unescape;
	const limit = options && typeof options.maxKeys === 'number' ? options.maxKeys : 1000;
	let parts = text.split(separator || '&');
	if (limit > 0) parts = parts.slice(0, limit);
	for (const part of parts) {
		if (part === '') continue;
		const at = part.indexOf(equals || '=');
		const key = decode((at < 0 ? part : part.slice(0, at)).replace(/\+/g, ' '));
		const value = at < 0 ? '' : decode(part.slice(at + (equals || '=').length).replace(/\+/g, ' '));
		if (!(key in out)) out[key] = value;
		else if (Array.isArray(out[key])) out[key].push(value);
		else out[key] = [out[key], value];
	}
	return out;
};

exports.escape = escape;
exports.unescape = unescape;

// nested is the bracket form in which the request module writes `qs` and `form`: a[b]=c, d[0]=e.
exports.nested = function (object) {
	const out = [];
	const encode = text => encodeURIComponent(String(text).toWellFormed()).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase());
	const add = (name, value) => {
		if (value === undefined || typeof value === 'function') return;
		if (value instanceof Date) value = value.toISOString();
		if (value !== null && typeof value === 'object') {
			for (const key of Object.keys(value)) add(name + '[' + key + ']', value[key]);
			return;
		}
		out.push(encode(name) + '=' + (value === null ? '' : encode(value)));
	};
	for (const key of Object.keys(object)) add(key, object[key]);
	return out.join('&');
};
