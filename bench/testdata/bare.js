// A bare Node.js worker, the limit that the script host is measured against: frames of four bytes of length and JSON on stdin and stdout;
// for each, a fresh context, in which the rules run one after the other on what was parsed there.
'use strict';
const vm = require('vm'), fs = require('fs');
const compiled = new Map();
const once = source => {
	if (!compiled.has(source)) compiled.set(source, new vm.Script(source));
	return compiled.get(source);
};
const pipeline = `(function (json, rules) {
	const input = JSON.parse(json);
	let user = input.user, context = input.context, at = 0, failed = null;
	const next = () => {
		if (failed || at === rules.length) return;
		rules[at++](user, context, (error, u, c) => { failed = error; user = u; context = c; next(); });
	};
	next();
	return JSON.stringify({error: failed, user, context});
})`;
let rest = Buffer.alloc(0);
process.stdin.on('data', bytes => {
	rest = rest.length ? Buffer.concat([rest, bytes]) : bytes;
	while (rest.length >= 4 && rest.length - 4 >= rest.readUInt32BE(0)) {
		const size = rest.readUInt32BE(0), m = JSON.parse(rest.toString('utf8', 4, 4 + size));
		rest = rest.subarray(4 + size);
		const context = vm.createContext({});
		const rules = m.rules.map(source => once('(' + source + '\n)').runInContext(context));
		const out = Buffer.from(once(pipeline).runInContext(context)(JSON.stringify(m.input), rules));
		const head = Buffer.alloc(4);
		head.writeUInt32BE(out.length);
		fs.writeSync(1, Buffer.concat([head, out]));
	}
});
process.stdin.on('end', () => process.exit(0));
