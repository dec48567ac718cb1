const maxTimers = 10000;
const due = [];              // timers by time, then by age
let sequence = 0;

class Timeout {
	constructor(fn, delay, args, repeat) {
		delay = Number(delay);
		if (!(delay >= 1 && delay <= 0x7fffffff)) delay = 1;
		this.id = ++sequence;
		hidden(this, 'fn', fn);
		hidden(this, 'delay', delay);
		hidden(this, 'args', args);
		hidden(this, 'repeat', repeat);
		hidden(this, 'held', true);
		this.set();
	}
	// set says when the timer is due by the run's clock, and when that is.
	set() {
		hidden(this, 'at', now + this.delay * 1000);
		hidden(this, 'due', stopwatch() + this.delay * 1000);
	}
	ref() { this.held = true; return this; }
	unref() { this.held = false; return this; }
	hasRef() { return this.held; }
	refresh() { if (drop(this)) { this.set(); keep(this); } return this; }
	[Symbol.toPrimitive]() { return this.id; }
}

function keep(timer) {
	if (due.length >= maxTimers) throw new RangeError('Too many timers');
	let low = 0, high = due.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (due[middle].at <= timer.at) low = middle + 1; else high = middle;
	}
	due.splice(low, 0, timer);
	return timer;
}

function drop(timer) {
	const at = due.findIndex(t => t === timer || t.id === timer);
	if (at < 0) return false;
	due.splice(at, 1);
	return true;
}

function timerFunction(fn) {
	if (typeof fn !== 'function') throw new TypeError('The "callback" argument must be of type function');
	return fn;
}
const setTimeout = (fn, delay, ...args) => keep(new Timeout(timerFunction(fn), delay, args, false));
const setInterval = (fn, delay, ...args) => keep(new Timeout(timerFunction(fn), delay, args, true));
const setImmediate = (fn, ...args) => {
	const timer = new Timeout(timerFunction(fn), 1, args, false);
	timer.at = timer.due = 0;
	return keep(timer);
};
define(setTimeout, Symbol.for('nodejs.util.promisify.custom'), {value: (delay, value, options) => load1('timers/promises').setTimeout(delay, value, options)});
define(setImmediate, Symbol.for('nodejs.util.promisify.custom'), {value: (value, options) => load1('timers/promises').setImmediate(value, options)});
const clearTimer = timer => {
	if (timer !== undefined && timer !== null) drop(typeof timer === 'string' ? Number(timer) : timer);
};

// What process.nextTick queues runs when what is going on has returned, before promises go on, as in Node.
let ticks = [];
const resolved = Promise.resolve(), then = resolved.then;
const microtask = fn => { then.call(resolved, fn); };

function nextTick(fn, ...args) {
	if (ticks.push([timerFunction(fn), args]) === 1) native('ticks'); // what promises queue runs when no promise can go on
}

function drain() {
	while (ticks.length > 0) {
		const batch = ticks;
		ticks = [];
		for (const [fn, args] of batch) call(fn, ...args);
	}
}

// horizon is the time of what happens now, if it is elapsed microseconds since the run began: before all timers that are not due yet.
function horizon(elapsed) {
	const time = stopwatch(), next = due.find(timer => timer.due > time);
	return Math.max(next ? Math.min(elapsed, next.at - 2) : elapsed, now);
}

// tick does one thing that is due and says when to come back: 0 at once, else in so many microseconds, -1 when only calls are waited for.
// An answer that comes at a time lets everything happen first that is due until then. Where still is set nothing happens that moves the clock: -2
// says that something would.
function tick(until, still) {
	if (phase === 'ready') {
		advance();
		return 0;
	}
	const timer = due[0];
	if (unheeded.size > 0 && !(timer && timer.at <= now && timer.id <= newest)) {
		if (still) return -2; // Node.js tells of those that what ran has looked at when the turn is over
		giveUp();
		return 0;
	}
	if (!timer) return -1;
	let left = timer.due - stopwatch(); // microseconds
	if (until !== undefined) left = timer.at > now ? timer.at - until : 0;
	if (left > 0) return phase !== 'waiting' && !due.some(t => t.held) ? -1 : left;
	if (still && timer.at > now) return -2;
	due.shift();
	happened(timer.at);
	if (timer.repeat) {
		timer.set();
		keep(timer);
	}
	call(timer.fn, ...timer.args);
	return 0;
}
