// Calls to the host.

const waiting = new Map();   // call id → function (error, value)

function ask(method, params, done) {
	waiting.set(native('call', method, stringify(params)), done);
}

function settle(id, failed, json, at) {
	happened(at);
	const done = waiting.get(id);
	if (!done) return;
	waiting.delete(id);
	const value = parse(json);
	if (!failed) return call(done, null, value);
	call(done, errorOf(value));
}

// compute lets the host program work out something that needs nothing but its arguments, and takes its text or its error.
function compute(op, ...args) {
	const out = native(op, ...args);
	if (typeof out !== 'string' || out.charCodeAt(0) !== 33) return out;
	throw errorOf(parse(out.slice(1)));
}

// work is compute beside the event loop: done gets the error or the text.
function work(op, args, done) {
	waiting.set(native('work', op, ...args), (error, out) => {
		if (typeof out !== 'string' || out.charCodeAt(0) !== 33) return done(null, out);
		done(errorOf(parse(out.slice(1))));
	});
}

// errorOf is an Error with the members that the host gave it.
function errorOf(value) {
	const error = new (value.name === 'TypeError' ? TypeError : value.name === 'RangeError' ? RangeError : Error)(value.message);
	for (const key of keysOf(value)) if (key !== 'message' && (key !== 'name' || error.name !== value.name)) error[key] = value[key];
	return error;
}
