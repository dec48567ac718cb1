// Node's util: printing is Node's own code, as published; the rest is small.
const vendored = require('vendor/node-inspect-extracted');
const {inspect, format, formatWithOptions, stripVTControlCharacters} = vendored;

// What is shown of an error is its stack.
Object.defineProperty(Error.prototype, inspect.custom, {configurable: true, writable: true, value() {
	internal.headed(this);
	return this; // as it is
}});

const kind = value => Object.prototype.toString.call(value).slice(8, -1);
const brand = (proto, method, ...args) => {
	const get = Object.getOwnPropertyDescriptor(proto, method);
	const fn = get.get || get.value;
	return value => {
		try {
			fn.apply(value, args);
			return true;
		} catch (e) {
			return false;
		}
	};
};
const typed = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;
const types = {
	isArrayBufferView: ArrayBuffer.isView, isTypedArray: v => typed.call(v) !== undefined,
	isDate: brand(Date.prototype, 'getTime'), isMap: brand(Map.prototype, 'size'), isSet: brand(Set.prototype, 'size'),
	isWeakMap: brand(WeakMap.prototype, 'has', {}), isWeakSet: brand(WeakSet.prototype, 'has', {}), isArrayBuffer: brand(ArrayBuffer.prototype, 'byteLength'),
	isSharedArrayBuffer: typeof SharedArrayBuffer === 'undefined' ? () => false : brand(SharedArrayBuffer.prototype, 'byteLength'), isDataView: v => ArrayBuffer.isView(v) && typed.call(v) === undefined,
	isAnyArrayBuffer: v => types.isArrayBuffer(v) || types.isSharedArrayBuffer(v),
	isBooleanObject: v => typeof v === 'object' && brand(Boolean.prototype, 'valueOf')(v), isNumberObject: v => typeof v === 'object' && brand(Number.prototype, 'valueOf')(v),
	isStringObject: v => typeof v === 'object' && brand(String.prototype, 'valueOf')(v), isSymbolObject: v => typeof v === 'object' && brand(Symbol.prototype, 'valueOf')(v),
	isBigIntObject: v => typeof v === 'object' && brand(BigInt.prototype, 'valueOf')(v),
	isBoxedPrimitive: v => types.isBooleanObject(v) || types.isNumberObject(v) || types.isStringObject(v) || types.isSymbolObject(v) || types.isBigIntObject(v),
	isPromise: v => v instanceof Promise, isRegExp: v => v !== null && typeof v === 'object' && kind(v) === 'RegExp', isNativeError: v => v instanceof Error,
	isAsyncFunction: v => typeof v === 'function' && /^Async/.test(kind(v)), isGeneratorFunction: v => typeof v === 'function' && /GeneratorFunction$/.test(kind(v)),
	isGeneratorObject: v => kind(v) === 'Generator', isMapIterator: v => kind(v) === 'Map Iterator', isSetIterator: v => kind(v) === 'Set Iterator',
	isArgumentsObject: v => kind(v) === 'Arguments', isModuleNamespaceObject: v => kind(v) === 'Module', isProxy: () => false, isExternal: () => false,
	isKeyObject: v => v instanceof require('crypto').KeyObject, isCryptoKey: v => v instanceof require('crypto').webcrypto.CryptoKey,
};
for (const name of ['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32', 'Float64', 'BigInt64', 'BigUint64']) {
	types['is' + name + 'Array'] = v => typed.call(v) === name + 'Array';
}

const custom = Symbol.for('nodejs.util.promisify.custom');
function promisify(fn) {
	if (typeof fn !== 'function') throw Object.assign(new TypeError('The "original" argument must be of type function.'), {code: 'ERR_INVALID_ARG_TYPE'});
	if (fn[custom]) return fn[custom];
	const out = function (...args) {
		return new Promise((resolve, reject) => Reflect.apply(fn, this, [...args, (error, ...values) => error ? reject(error) : resolve(values[0])]));
	};
	Object.setPrototypeOf(out, Object.getPrototypeOf(fn));
	Object.defineProperty(out, custom, {value: out, configurable: true});
	return Object.defineProperties(out, Object.getOwnPropertyDescriptors(fn));
}
promisify.custom = custom;

function callbackify(fn) {
	if (typeof fn !== 'function') throw Object.assign(new TypeError('The "original" argument must be of type function.'), {code: 'ERR_INVALID_ARG_TYPE'});
	return function (...args) {
		const done = args.pop();
		if (typeof done !== 'function') throw Object.assign(new TypeError('The last argument must be of type function.'), {code: 'ERR_INVALID_ARG_TYPE'});
		Reflect.apply(fn, this, args).then(value => internal.nextTick(done, null, value), error => internal.nextTick(done, error || Object.assign(new Error('Promise was rejected with a falsy value'), {code: 'ERR_FALSY_VALUE_REJECTION', reason: error})));
	};
}

function inherits(child, parent) {
	if (typeof child !== 'function' || typeof parent !== 'function' || parent.prototype === undefined) throw Object.assign(new TypeError('The "superCtor" argument must be of type function with a prototype'), {code: 'ERR_INVALID_ARG_TYPE'});
	Object.defineProperty(child, 'super_', {value: parent, writable: true, configurable: true});
	Object.setPrototypeOf(child.prototype, parent.prototype);
}

function debuglog() {
	return Object.assign(() => {}, {enabled: false});
}

// styleText and its like: there is no terminal.
module.exports = {
	inspect, format, formatWithOptions, stripVTControlCharacters, types, promisify, callbackify, inherits,
	deprecate: fn => fn, debuglog, debug: debuglog, isArray: Array.isArray, styleText: (style, text) => String(text), toUSVString: text => String(text).toWellFormed(),
	isDeepStrictEqual: (a, b) => {
		try {
			require('assert').deepStrictEqual(a, b);
			return true;
		} catch (e) {
			return false;
		}
	},
	isBoolean: v => typeof v === 'boolean', isNull: v => v === null, isNullOrUndefined: v => v === null || v === undefined, isNumber: v => typeof v === 'number',
	isString: v => typeof v === 'string', isSymbol: v => typeof v === 'symbol', isUndefined: v => v === undefined, isRegExp: types.isRegExp,
	isObject: v => v !== null && typeof v === 'object', isDate: types.isDate, isError: v => v instanceof Error, isFunction: v => typeof v === 'function',
	isPrimitive: v => v === null || typeof v !== 'object' && typeof v !== 'function', isBuffer: v => require('buffer').Buffer.isBuffer(v),
	_extend: (target, source) => Object.assign(target, source), log: (...args) => console.log(format(...args)),
	getSystemErrorName: n => Object.entries(require('os').constants.errno).find(([, v]) => v === -n)?.[0], aborted: signal => new Promise(resolve => signal.addEventListener('abort', resolve, {once: true})),
	TextEncoder: require('encoding').TextEncoder, TextDecoder: require('encoding').TextDecoder,
	parseArgs() { throw new Error('util.parseArgs is not available to scripts'); },
};
