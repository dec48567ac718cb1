// Node's async_hooks, as far as the engine allows: a store is kept through timers, process.nextTick, promises' then, and functions that
// bind or AsyncResource carry over. Across await it is kept for as long as the promise that run returned is not settled, and no other
// store of the same AsyncLocalStorage took its place.
const {nextTick} = internal;
let current = new Map();   // storage → store

function bound(fn) {
	const then = current;
	return function (...args) {
		const before = current;
		current = then;
		try {
			return fn.apply(this, args);
		} finally {
			current = before;
		}
	};
}

let patched = false;
function patch() {
	if (patched) return;
	patched = true;
	for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) {
		const original = globalThis[name];
		Object.defineProperty(globalThis, name, {writable: true, configurable: true, enumerable: false, value: (fn, ...rest) => original(typeof fn === 'function' ? bound(fn) : fn, ...rest)});
	}
	process.nextTick = (fn, ...args) => nextTick(bound(fn), ...args);
	const then = Promise.prototype.then;
	Object.defineProperty(Promise.prototype, 'then', {writable: true, configurable: true, enumerable: false, value: function (yes, no) {
		return then.call(this, typeof yes === 'function' ? bound(yes) : yes, typeof no === 'function' ? bound(no) : no);
	}});
}

class AsyncLocalStorage {
	run(store, fn, ...args) {
		patch();
		const before = current, mine = new Map(current).set(this, store);
		current = mine;
		const back = () => { if (current === mine) current = before; };
		let result;
		try {
			result = fn(...args);
		} catch (e) {
			current = before;
			throw e;
		}
		if (result !== null && typeof result === 'object' && typeof result.then === 'function') result.then(back, back);
		else current = before;
		return result;
	}
	exit(fn, ...args) {
		const before = current;
		current = new Map(current);
		current.delete(this);
		try {
			return fn(...args);
		} finally {
			current = before;
		}
	}
	enterWith(store) { patch(); current = new Map(current).set(this, store); }
	getStore() { return current.get(this); }
	disable() { current = new Map(current); current.delete(this); }
	static bind(fn) { return bound(fn); }
	static snapshot() { return bound((fn, ...args) => fn(...args)); }
}

class AsyncResource {
	#run = bound((fn, self, args) => fn.apply(self, args));
	constructor(type) { this.type = type; }
	runInAsyncScope(fn, self, ...args) { return this.#run(fn, self, args); }
	bind(fn) { const resource = this; return function (...args) { return resource.runInAsyncScope(fn, this, ...args); }; }
	static bind(fn) { return bound(fn); }
	emitDestroy() { return this; }
	asyncId() { return 1; }
	triggerAsyncId() { return 0; }
}

module.exports = {
	AsyncLocalStorage, AsyncResource, executionAsyncId: () => 1, triggerAsyncId: () => 0, executionAsyncResource: () => ({}),
	createHook: () => ({enable() { return this; }, disable() { return this; }}), asyncWrapProviders: {},
};
