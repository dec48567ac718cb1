// Event, EventTarget, AbortController, AbortSignal and DOMException.
const codes = {IndexSizeError: 1, NotFoundError: 8, NotSupportedError: 9, InvalidStateError: 11, SyntaxError: 12, InvalidAccessError: 15, NetworkError: 19, AbortError: 20,
	QuotaExceededError: 22, TimeoutError: 23, DataCloneError: 25};
class DOMException extends Error {
	#name;
	constructor(message = '', options = 'Error') {
		super(message);
		this.#name = typeof options === 'string' ? options : options && options.name !== undefined ? String(options.name) : 'Error';
		if (options && typeof options === 'object' && 'cause' in options) this.cause = options.cause;
	}
	get name() { return this.#name; }
	get code() { return codes[this.#name] || 0; }
}
for (const name of Object.keys(codes)) {
	const constant = name.replace(/Error$/, '').replace(/(?<=[a-z])[A-Z]/g, '_$&').toUpperCase() + '_ERR';
	Object.defineProperty(DOMException, constant, {value: codes[name], enumerable: true});
}

class Event {
	#stopped = false;
	constructor(type, options = {}) {
		this.type = String(type);
		this.bubbles = !!options.bubbles;
		this.cancelable = !!options.cancelable;
		this.composed = !!options.composed;
		this.defaultPrevented = false;
		this.target = this.currentTarget = null;
		this.timeStamp = internal.clock() / 1000;
		this.isTrusted = false;
	}
	preventDefault() { if (this.cancelable) this.defaultPrevented = true; }
	stopPropagation() {}
	stopImmediatePropagation() { this.#stopped = true; }
	get stopped() { return this.#stopped; }
	composedPath() { return this.target ? [this.target] : []; }
}
class CustomEvent extends Event {
	constructor(type, options = {}) {
		super(type, options);
		this.detail = options.detail === undefined ? null : options.detail;
	}
}

class EventTarget {
	#listeners = new Map();
	addEventListener(type, listener, options) {
		if (!listener) return;
		const once = typeof options === 'object' && options !== null && !!options.once;
		const list = this.#listeners.get(type) || [];
		if (list.some(l => l.listener === listener)) return;
		this.#listeners.set(type, list.concat({listener, once}));
		const signal = typeof options === 'object' && options !== null && options.signal;
		if (signal) signal.addEventListener('abort', () => this.removeEventListener(type, listener));
	}
	removeEventListener(type, listener) {
		this.#listeners.set(type, (this.#listeners.get(type) || []).filter(l => l.listener !== listener));
	}
	dispatchEvent(event) {
		event.target = event.currentTarget = this;
		const handler = this['on' + event.type];
		if (typeof handler === 'function') internal.call(() => handler.call(this, event));
		for (const {listener, once} of this.#listeners.get(event.type) || []) {
			if (once) this.removeEventListener(event.type, listener);
			internal.call(() => typeof listener === 'function' ? listener.call(this, event) : listener.handleEvent(event));
			if (event.stopped) break;
		}
		return !event.defaultPrevented;
	}
}

const secret = {};
let abort;
class AbortSignal extends EventTarget {
	#aborted = false; #reason; #timer; #followers = [];
	onabort = null;
	constructor(key) {
		super();
		if (key !== secret) throw Object.assign(new TypeError('Illegal constructor'), {code: 'ERR_ILLEGAL_CONSTRUCTOR'});
	}
	static {
		abort = (signal, reason) => {
			if (signal.#aborted) return;
			signal.#aborted = true;
			signal.#reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
			for (const follower of signal.#followers) abort(follower, signal.#reason);
			signal.dispatchEvent(new Event('abort'));
		};
	}
	get aborted() { return this.#aborted; }
	get reason() { return this.#reason; }
	throwIfAborted() { if (this.#aborted) throw this.#reason; }
	static abort(reason) {
		const signal = new AbortSignal(secret);
		abort(signal, reason);
		return signal;
	}
	static timeout(delay) {
		const signal = new AbortSignal(secret);
		signal.#timer = setTimeout(() => abort(signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError')), delay).unref();
		return signal;
	}
	static any(signals) {
		const out = new AbortSignal(secret);
		for (const signal of signals) {
			if (signal.#aborted) {
				abort(out, signal.#reason);
				break;
			}
			signal.#followers.push(out);
		}
		return out;
	}
	get [Symbol.toStringTag]() { return 'AbortSignal'; }
}
class AbortController {
	#signal = new AbortSignal(secret);
	get signal() { return this.#signal; }
	abort(reason) { abort(this.#signal, reason); }
	get [Symbol.toStringTag]() { return 'AbortController'; }
}
module.exports = {Event, CustomEvent, EventTarget, AbortController, AbortSignal, DOMException};
