// What the worker asks of the realm.
const operations = {
	time(at, seed) {
		epoch = at;
		unsown = seed;
	},
	// add takes the functions of scripts and tells how many there are before the first that is none.
	add(...functions) {
		for (let i = 0; i < functions.length; i++) {
			if (typeof functions[i] !== 'function') return i;
			rules.push(functions[i]);
		}
		return functions.length;
	},
	begin, tick, horizon, happened, settle, drain, exported, imported, rejected, rejections,
	notes() {
		Promise.reject(notes);
		keysOf(globalThis); // makes what the engine makes when it is first looked at: every run would make it anew
	},
	knows: specifier => resolve(specifier) !== null,
	lacks: specifier => resolve(specifier) !== null ? '' : missing(specifier, ': an operator can add it with "stagedoor modules add ' + specifier + '"').message,
	resolves: specifier => stringify(resolve(specifier)),
	globals() {
		for (const name of keysOf(globalThis)) if (!own.has(name)) return packGlobals();
		return '';
	},
	preload(names) { // the name of one that could not be loaded: this realm is not to be used; else what they took of time and chance
		for (const name of names.split(' ')) {
			try {
				if (name.startsWith('npm:')) part(name, '');
				else load1(name);
			} catch (e) {
				return name;
			}
		}
		return strayed;
	},
};
for (const fn of [call, advance, begin, tick, happened, settle, drain, errorOf]) edge(fn);
let told = 0;                // the time that the worker knows
const enter = (op, ...args) => {
	const out = operations[op](...args);
	if (ticks.length > 0 && op !== 'exported' && op !== 'imported') drain(); // these are asked for in the middle of a script
	if (now !== told) native('at', told = now);
	return out;
};
edge(enter);
