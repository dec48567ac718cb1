// site is a line of a stack as V8 gives it to Error.prepareStackTrace, which packages (depd) use to find who called them.
function site(line) {
	const [, name, place] = /^\s*at (?:(.*) \()?([^()]*)\)?$/.exec(line) || ['', '', line];
	const [, file, row, column] = /^(.*?)(?::(\d+))?(?::(\d+))?$/.exec(place);
	const none = () => undefined, no = () => false;
	return {
		getFileName: () => file, getLineNumber: () => Number(row) || null, getColumnNumber: () => Number(column) || null, getFunctionName: () => name || null,
		getTypeName: () => 'Object', getMethodName: () => null, getEvalOrigin: () => file, getThis: none, getFunction: none,
		isEval: no, isToplevel: () => true, isConstructor: no, isNative: () => place === 'native', toString: () => text(line).trim().replace(/^at /, ''),
	};
}

// heading is what a stack begins with.
const heading = error => {
	const name = property(error, 'name'), message = property(error, 'message');
	const title = name === undefined ? 'Error' : text(name);
	return message === undefined || message === '' ? title : title === '' ? text(message) : title + ': ' + text(message);
};

// headed gives it to the stack of an error that the engine has thrown by itself.
function headed(error) {
	const stack = property(error, 'stack');
	if (typeof stack !== 'string' || slice(stack, 0, 7) !== '    at ') return;
	try {
		define(error, 'stack', {value: heading(error) + '\n' + stack, writable: true, configurable: true, enumerable: false});
	} catch (e) {
		// it is frozen
	}
}

// The engine's own stacks are frames alone. Those of V8, which scripts print and packages read, begin with what the error says when somebody first
// looks at its stack.
if (!Error.captureStackTrace) {
	const OwnError = Error, find = Function.prototype.call.bind(String.prototype.indexOf);
	const below = (stack, lines) => {
		let from = 0;
		for (; lines > 0; lines--) from = find(stack, '\n', from) + 1;
		return slice(stack, from);
	};
	const trace = (error, stack, own) => define(error, 'stack', {
		configurable: true, enumerable: false,
		get() {
			const frames = below(stack, own), value = heading(error) + '\n' + (slice(frames, -1) === '\n' ? slice(frames, 0, -1) : frames);
			if (Object.isExtensible(error)) hidden(error, 'stack', value);
			return value;
		},
		set(value) { hidden(this, 'stack', value); },
	});
	// The frames of construct, of made, and of the trap are not the script's.
	const made = (make, args, to) => {
		const error = construct(make, args, to), stack = property(error, 'stack');
		return typeof stack === 'string' ? trace(error, stack, 3) : error; // there may be no memory for one
	};
	for (const name of ['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError']) {
		const make = globalThis[name];
		const wrapped = new Proxy(make, {apply: (target, self, args) => made(target, args, wrapped), construct: (target, args, to) => made(target, args, to)});
		hidden(make.prototype, 'constructor', wrapped);
		hidden(globalThis, name, wrapped);
		if (make !== OwnError) Object.setPrototypeOf(make, Error);
	}
	hidden(Error, 'stackTraceLimit', 10);
	hidden(Error, 'captureStackTrace', function captureStackTrace(target, above) {
		let frames = below(new OwnError().stack, 1);
		const from = typeof above === 'function' ? find(frames, '    at ' + above.name + ' (') : -1;
		if (from >= 0) frames = below(slice(frames, from), 1);
		const prepare = Error.prepareStackTrace;
		if (typeof prepare !== 'function') trace(target, frames, 0);
		else hidden(target, 'stack', prepare(target, frames.split('\n').filter(line => line !== '').map(site)));
	});
}

// edge marks a function of this room that stacks name above or below the frames of scripts.
const edge = fn => define(fn, 'name', {value: 'stagedoor'});

// theirs is a stack without the frames of this room, and of what runs it, before and behind those of scripts.
function theirs(e) {
	try {
		const lines = text(e.stack || '').split('\n'), ours = /^ +at (?:stagedoor \(|.*\b(?:stagedoor|node):)/;
		let start = lines.findIndex(line => /^ +at /.test(line));
		if (start < 0) return slice(text(lines.join('\n')), 0, 4096);
		let from = start, to = lines.length;
		while (to > start && (lines[to - 1] === '' || ours.test(lines[to - 1]) || /^ +at \w+ \(native\)$/.test(lines[to - 1]))) to--;
		while (from < to && (ours.test(lines[from]) || lines[from].trim().startsWith('at ' + e.name + ' ('))) from++;
		return slice(text([...lines.slice(0, start), ...lines.slice(from, to)].join('\n')), 0, 4096);
	} catch (error) {
		return ''; // a script has changed what strings and arrays do
	}
}

class UnauthorizedError extends Error {
	constructor(message) {
		super(message);
		this.name = 'UnauthorizedError';
		this.code = 'unauthorized';
		this.description = message;
		this.statusCode = 401;
	}
}
class ValidationError extends Error {
	constructor(code, message) {
		super(message);
		this.name = 'ValidationError';
		this.code = code;
		this.description = message;
		this.statusCode = 400;
	}
}
class WrongUsernameOrPasswordError extends Error {
	constructor(userID, message) {
		super(message);
		this.name = 'WrongUsernameOrPasswordError';
		this.code = 'wrongusernameorpassword';
		this.user_id = userID;
		this.description = message;
		this.statusCode = 400;
	}
}

// text turns anything into a string, whatever its getters and toString do.
function text(value) {
	try {
		return String(value);
	} catch (e) {
		return '[unprintable]';
	}
}

// property reads a member that may be a hostile getter or sit behind a proxy.
function property(object, name) {
	try {
		return object[name];
	} catch (e) {
		return undefined;
	}
}

// normalise is the error as it crosses the boundary: a string becomes a message, an object gives the members known to callers.
function normalise(error) {
	if (error === null || (typeof error !== 'object' && typeof error !== 'function')) {
		return {name: 'Error', message: text(error)};
	}
	const out = {};
	headed(error);
	for (const name of ['name', 'message', 'code', 'description', 'user_id', 'stack']) {
		const value = property(error, name);
		if (typeof value === 'string' || typeof value === 'number') out[name] = text(value);
	}
	const status = property(error, 'statusCode') || property(error, 'status_code');
	if (typeof status === 'number') out.status = status;
	if (!out.name) out.name = 'Error';
	if (!out.message) out.message = out.description || out.name;
	return out;
}

// named is whom an error is about; empty if it says nobody.
const named = error => {
	const id = error !== null && typeof error === 'object' ? property(error, 'user_id') : '';
	return id ? text(id).slice(0, 255) : '';
};

const isUnauthorized = e => e.name === 'UnauthorizedError';
// Where the engine has no memory for an error either, it throws what no script can: of no type, or null.
const isOutOfMemory = (e, thrown) => e.name === 'InternalError' && e.message === 'out of memory' || typeof thrown === 'unknown';
