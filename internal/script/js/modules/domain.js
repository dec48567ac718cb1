// Node's domain, which catches nothing: an exception that nobody handles ends the run.
const EventEmitter = require('events');
class Domain extends EventEmitter {
	run(fn, ...args) { return fn.apply(this, args); }
	bind(fn) { return fn; }
	intercept(fn) { return (error, ...args) => error ? this.emit('error', error) : fn(...args); }
	add() {} remove() {} enter() {} exit() {} dispose() {}
}
module.exports = {Domain, create: () => new Domain(), createDomain: () => new Domain(), active: null};
