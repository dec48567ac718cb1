// A small EventEmitter.
class EventEmitter {
	on(name, listener) { (this._events = this._events || new Map()).set(name, (this._events.get(name) || []).concat(listener)); return this; }
	once(name, listener) {
		const wrapped = (...args) => { this.removeListener(name, wrapped); listener.apply(this, args); };
		wrapped.listener = listener;
		return this.on(name, wrapped);
	}
	removeListener(name, listener) {
		if (this._events) this._events.set(name, (this._events.get(name) || []).filter(l => l !== listener && l.listener !== listener));
		return this;
	}
	removeAllListeners(name) {
		if (this._events) { if (name === undefined) this._events.clear(); else this._events.delete(name); }
		return this;
	}
	listeners(name) { return this._events && this._events.get(name) || []; }
	listenerCount(name) { return this.listeners(name).length; }
	emit(name, ...args) {
		const listeners = this.listeners(name);
		for (const listener of listeners) listener.apply(this, args);
		return listeners.length > 0;
	}
}
EventEmitter.prototype.addListener = EventEmitter.prototype.on;
EventEmitter.prototype.off = EventEmitter.prototype.removeListener;
EventEmitter.EventEmitter = EventEmitter;
module.exports = EventEmitter;
