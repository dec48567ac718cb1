// Node's timers/promises.
const {setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate} = globalThis;

function aborted(signal) {
	const error = new Error('The operation was aborted');
	error.name = 'AbortError';
	error.code = 'ABORT_ERR';
	error.cause = signal.reason;
	return error;
}

const later = (start, stop) => (value, options = {}) => new Promise((resolve, reject) => {
	const signal = options.signal;
	if (signal && signal.aborted) return reject(aborted(signal));
	const timer = start(() => {
		if (signal) signal.removeEventListener('abort', abort);
		resolve(value);
	});
	if (options.ref === false && timer.unref) timer.unref();
	const abort = () => { stop(timer); reject(aborted(signal)); };
	if (signal) signal.addEventListener('abort', abort, {once: true});
});

exports.setTimeout = (delay, value, options) => later(fn => setTimeout(fn, delay), clearTimeout)(value, options);
exports.setImmediate = (value, options) => later(fn => setImmediate(fn), clearImmediate)(value, options);
exports.setInterval = async function* (delay, value, options = {}) {
	let due = 0, wake = null;
	const timer = setInterval(() => { due++; if (wake) wake(); }, delay);
	try {
		for (;;) {
			if (options.signal && options.signal.aborted) throw aborted(options.signal);
			if (due === 0) await new Promise(resolve => { wake = resolve; if (options.signal) options.signal.addEventListener('abort', resolve, {once: true}); });
			for (; due > 0; due--) yield value;
		}
	} finally {
		clearInterval(timer);
	}
};
exports.scheduler = {wait: (delay, options) => exports.setTimeout(delay, undefined, options), yield: () => exports.setImmediate()};
