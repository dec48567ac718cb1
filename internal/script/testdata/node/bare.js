// Runs the rules of cases in a plain Node.js process, with nothing of the script room: what comes out is what Node.js itself does. It reads
// a list of {name, rules, user, context} from stdin and writes an object of outcomes by name.
'use strict';
const vm = require('vm');
globalThis.require = require;

function run(c) {
	return new Promise(resolve => {
		let user = c.user, context = c.context, at = 0;
		const next = () => {
			if (at === c.rules.length) return resolve({user: JSON.stringify(user), context: JSON.stringify(context)});
			let called = false;
			try {
				vm.runInThisContext('(' + c.rules[at++] + '\n)').call(undefined, user, context, (error, u, x) => {
					if (called) return;
					called = true;
					if (error) return resolve({failure: String(error && error.message || error)});
					user = u || user;
					context = x || context;
					setImmediate(next);
				});
			} catch (e) {
				if (!called) resolve({failure: String(e && e.message || e)});
			}
		};
		setImmediate(next); // from the event loop, as a login comes
	});
}

(async () => {
	const all = JSON.parse(require('fs').readFileSync(0, 'utf8')), out = {};
	for (const c of all) out[c.name] = await run(c);
	process.stdout.write(JSON.stringify(out));
})();
