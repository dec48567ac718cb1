// Node's events: the published package and what Node has added since.
const EventEmitter = require('vendor/events');
const errorMonitor = Symbol('events.errorMonitor');

const emit = EventEmitter.prototype.emit;
EventEmitter.prototype.emit = function (type) {
	if (type !== 'error') return emit.apply(this, arguments);
	if (this._events && this._events[errorMonitor]) emit.apply(this, [errorMonitor].concat(Array.prototype.slice.call(arguments, 1)));
	try {
		return emit.apply(this, arguments);
	} catch (e) {
		if (this.listenerCount('error') === 0 && e.context !== undefined && e.context === arguments[1]) e.code = 'ERR_UNHANDLED_ERROR';
		throw e;
	}
};

// on is an endless asynchronous iterator over the events of one name.
function on(emitter, name, options = {}) {
	const queued = [], waiting = [];
	let failed = null, over = false;
	const push = (...args) => waiting.length ? waiting.shift().resolve({value: args, done: false}) : queued.push(args);
	const fail = error => {
		if (waiting.length) waiting.shift().reject(error);
		else failed = error;
		finish();
	};
	const end = () => { finish(); };
	const signal = options.signal;
	const abort = () => fail(signal.reason);
	function finish() {
		over = true;
		emitter.removeListener(name, push);
		emitter.removeListener('error', fail);
		for (const close of options.close || []) emitter.removeListener(close, end);
		if (signal) signal.removeEventListener('abort', abort);
		for (const w of waiting.splice(0)) w.resolve({value: undefined, done: true});
	}
	if (signal && signal.aborted) throw signal.reason;
	if (signal) signal.addEventListener('abort', abort);
	emitter.on(name, push);
	if (name !== 'error') emitter.on('error', fail);
	for (const close of options.close || []) emitter.on(close, end);
	return {
		next() {
			if (queued.length) return Promise.resolve({value: queued.shift(), done: false});
			if (failed) {
				const error = failed;
				failed = null;
				return Promise.reject(error);
			}
			if (over) return Promise.resolve({value: undefined, done: true});
			return new Promise((resolve, reject) => waiting.push({resolve, reject}));
		},
		return() { finish(); return Promise.resolve({value: undefined, done: true}); },
		throw(error) { fail(error); return Promise.resolve({value: undefined, done: true}); },
		[Symbol.asyncIterator]() { return this; },
	};
}

const onceOfPackage = EventEmitter.once;
function once(emitter, name, options = {}) {
	const signal = options.signal;
	if (typeof emitter.addEventListener === 'function' && typeof emitter.on !== 'function') {
		return new Promise(resolve => emitter.addEventListener(name, event => resolve([event]), {once: true}));
	}
	if (!signal) return onceOfPackage(emitter, name);
	if (signal.aborted) return Promise.reject(signal.reason);
	return Promise.race([onceOfPackage(emitter, name), new Promise((resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), {once: true}))]);
}

Object.assign(EventEmitter, {
	EventEmitter, errorMonitor, captureRejectionSymbol: Symbol.for('nodejs.rejection'), captureRejections: false, usingDomains: false, on, once,
	EventEmitterAsyncResource: class EventEmitterAsyncResource extends EventEmitter {},
	getEventListeners: (emitter, name) => typeof emitter.listeners === 'function' ? emitter.listeners(name) : [],
	getMaxListeners: emitter => emitter.getMaxListeners ? emitter.getMaxListeners() : EventEmitter.defaultMaxListeners,
	setMaxListeners: (n, ...emitters) => { for (const e of emitters) if (e.setMaxListeners) e.setMaxListeners(n); },
	addAbortListener(signal, listener) {
		signal.addEventListener('abort', listener, {once: true});
		return {[Symbol.dispose || Symbol.for('dispose')]: () => signal.removeEventListener('abort', listener)};
	},
});
module.exports = EventEmitter;
