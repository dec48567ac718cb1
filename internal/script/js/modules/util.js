// The part of Node's util that scripts use. inspect also prints the console's objects.
const {property} = internal;

function key(name) {
	if (typeof name === 'symbol') return '[' + String(name) + ']';
	return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}
const quote = value => "'" + value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/'/g, "\\'") + "'";

function inspect(value, options) {
	const depth = options && options.depth !== undefined ? (options.depth === null ? 20 : options.depth) : 2;
	let budget = 20000;      // characters; what a console line can hold many times over
	const seen = [];
	const show = (value, level, top) => {
		if (budget < 0) return '…';
		const out = print(value, level, top);
		budget -= out.length;
		return out;
	};
	const print = (value, level, top) => {
		switch (typeof value) {
		case 'string': return top ? value : quote(value.length > 10000 ? value.slice(0, 10000) + '…' : value);
		case 'bigint': return value + 'n';
		case 'symbol': return String(value);
		case 'function': return '[Function' + (value.name ? ': ' + property(value, 'name') : ' (anonymous)') + ']';
		case 'object': break;
		default: return Object.is(value, -0) ? '-0' : String(value);
		}
		if (value === null) return 'null';
		if (seen.includes(value)) return '[Circular]';
		if (value instanceof Error) {
			const stack = property(value, 'stack');
			return String(property(value, 'name')) + ': ' + String(property(value, 'message')) + (stack ? '\n' + String(stack).trimEnd() : '');
		}
		if (value instanceof Date) return isNaN(value) ? 'Invalid Date' : value.toISOString();
		if (value instanceof RegExp) return String(value);
		if (value instanceof Promise) return 'Promise { … }';
		if (value instanceof Uint8Array) return '<' + (property(value.constructor, 'name') || 'Uint8Array') + ' ' + value.subarray(0, 50).toHex().replace(/..(?=.)/g, '$& ') + '>';
		if (level > depth) return Array.isArray(value) ? '[Array]' : '[Object]';
		seen.push(value);
		try {
			if (Array.isArray(value)) {
				const items = value.slice(0, 100).map(v => show(v, level + 1));
				if (value.length > 100) items.push('… ' + (value.length - 100) + ' more items');
				return items.length ? '[ ' + items.join(', ') + ' ]' : '[]';
			}
			if (value instanceof Map) return 'Map { ' + [...value].slice(0, 100).map(([k, v]) => show(k, level + 1) + ' => ' + show(v, level + 1)).join(', ') + ' }';
			if (value instanceof Set) return 'Set { ' + [...value].slice(0, 100).map(v => show(v, level + 1)).join(', ') + ' }';
			const names = Object.keys(value), members = [];
			for (const name of names.slice(0, 200)) {
				const found = Object.getOwnPropertyDescriptor(value, name);
				members.push(key(name) + ': ' + (!found || 'value' in found ? show(property(value, name), level + 1) : '[Getter]'));
			}
			if (names.length > 200) members.push('… ' + (names.length - 200) + ' more');
			const named = value.constructor && value.constructor !== Object && property(value.constructor, 'name');
			return (named ? named + ' ' : '') + (members.length ? '{ ' + members.join(', ') + ' }' : '{}');
		} finally {
			seen.pop();
		}
	};
	return show(value, 0, false);
}

function format(first, ...rest) {
	let out = '';
	if (typeof first === 'string') {
		let at = 0;
		out = first.replace(/%[sdifjoOc%]/g, mark => {
			if (mark === '%%') return '%';
			if (at >= rest.length) return mark;
			const value = rest[at++];
			switch (mark) {
			case '%s': return typeof value === 'object' && value !== null ? inspect(value, {depth: 0}) : String(value);
			case '%d': return String(Number(value));
			case '%i': return String(parseInt(value, 10));
			case '%f': return String(parseFloat(value));
			case '%j': try { return JSON.stringify(value); } catch (e) { return '[Circular]'; }
			case '%c': return '';
			default: return inspect(value);
			}
		});
		rest = rest.slice(at);
	} else {
		rest = [first, ...rest];
	}
	for (const value of rest) out += (out ? ' ' : '') + (typeof value === 'string' ? value : inspect(value));
	return out;
}

exports.inspect = inspect;
exports.format = format;
exports.inherits = (child, parent) => {
	child.super_ = parent;
	Object.setPrototypeOf(child.prototype, parent.prototype);
};
exports.promisify = fn => function (...args) {
	return new Promise((resolve, reject) => fn.call(this, ...args, (error, value) => error ? reject(error) : resolve(value)));
};
exports.callbackify = fn => function (...args) {
	const done = args.pop();
	fn.apply(this, args).then(value => internal.call(done, null, value), error => internal.call(done, error));
};
exports.deprecate = fn => fn;
exports.isArray = Array.isArray;
exports.isDeepStrictEqual = (a, b) => internal.npm('lodash').isEqual(a, b);
exports.types = {isPromise: v => v instanceof Promise, isDate: v => v instanceof Date, isRegExp: v => v instanceof RegExp};
exports.TextEncoder = require('encoding').TextEncoder;
exports.TextDecoder = require('encoding').TextDecoder;
