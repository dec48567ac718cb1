const lineLimit = 8192;

// log says something on the console. The level warning is that of the host itself: what a script asked for has no effect.
function log(level, line, rule) {
	line = text(line);
	native('log', level, line.length > lineLimit ? line.slice(0, lineLimit) + '…' : line, rule === undefined ? current : rule);
}

// plain tells whether a line needs none of util, which takes a while to load: words and numbers, and no marks to be filled in.
const plain = args => args.every((a, i) => typeof a === 'string' ? i > 0 || !a.includes('%') : typeof a === 'boolean' || a === undefined || a === null || typeof a === 'number' && !Object.is(a, -0));

const consoleLine = level => (...args) => {
	let line;
	try {
		line = args.length === 1 && typeof args[0] === 'string' ? args[0] : plain(args) ? args.map(String).join(' ') : require('util').format(...args);
	} catch (e) {
		line = '[unprintable]';
	}
	log(level, line);
};
const levels = {log: 'log', info: 'info', warn: 'warn', error: 'error', trace: 'trace', debug: 'debug', dir: 'log'};
const console = {};
for (const name of keysOf(levels)) console[name] = consoleLine(levels[name]);
console.time = console.timeEnd = console.group = console.groupEnd = console.table = console.assert = console.count = function () {};
