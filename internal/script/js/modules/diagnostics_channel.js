// Node's diagnostics_channel.
class Channel {
	#subscribers = [];
	constructor(name) { this.name = name; }
	get hasSubscribers() { return this.#subscribers.length > 0; }
	subscribe(fn) { this.#subscribers.push(fn); }
	unsubscribe(fn) { const before = this.#subscribers.length; this.#subscribers = this.#subscribers.filter(s => s !== fn); return this.#subscribers.length < before; }
	publish(message) { for (const fn of this.#subscribers) fn(message, this.name); }
	bindStore() {}
	unbindStore() {}
	runStores(data, fn, self, ...args) { this.publish(data); return fn.apply(self, args); }
}
const channels = new Map();
const channel = name => {
	if (!channels.has(name)) channels.set(name, new Channel(name));
	return channels.get(name);
};
const tracing = name => {
	const out = {traceSync: (fn, context, self, ...args) => fn.apply(self, args), tracePromise: (fn, context, self, ...args) => fn.apply(self, args),
		traceCallback: (fn, position, context, self, ...args) => fn.apply(self, args), subscribe() {}, unsubscribe() {}, hasSubscribers: false};
	for (const event of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) out[event] = channel('tracing:' + name + ':' + event);
	return out;
};
module.exports = {channel, Channel, hasSubscribers: name => channel(name).hasSubscribers, subscribe: (name, fn) => channel(name).subscribe(fn), unsubscribe: (name, fn) => channel(name).unsubscribe(fn), tracingChannel: tracing};
