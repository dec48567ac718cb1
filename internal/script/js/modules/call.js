// How a script of a connection is called: one function with its arguments and a callback. module.exports(pipe) returns the runner that
// js/boot drives; pipe is what it may use of it.
'use strict';

const stringify = JSON.stringify, {property, edge} = internal;

module.exports = function (pipe) {
	const input = pipe.input;
	let value = 'null';

	// find evaluates the script and returns its function: the one that it is, the one named as the operation, or the first that it declares.
	function find() {
		const module = {exports: {}};
		const found = pipe.functions[0].call(undefined, module, module.exports);
		if (typeof found === 'function') return found;
		if (typeof module.exports === 'function') return module.exports;
		const functions = Array.isArray(found) ? found.filter(pair => typeof pair[1] === 'function') : [];
		for (const name of input.functions) {
			const named = functions.find(pair => pair[0] === name);
			if (named) return named[1];
		}
		if (functions.length === 0) throw new Error('The script is not a function');
		return functions[0][1];
	}

	return {
		reports: 'value',
		count: 1,
		over: () => false,
		start: edge(index => {
			const fn = find();
			let called = false;
			const callback = (error, result) => {
				if (called) {
					pipe.log('warning', 'callback was called more than once; the first call stands', index);
					return;
				}
				called = true;
				if (error) return pipe.failed(index, 'callback', error);
				try {
					const text = stringify(result);
					value = text === undefined ? 'null' : text;
				} catch (e) {
					return pipe.failed(index, 'exception', e);
				}
				pipe.settled(index);
			};
			const rest = 'context' in input ? [input.context, callback] : [callback];
			const result = fn(...input.arguments, ...rest);
			if (result === null || typeof result !== 'object') return;
			const then = property(result, 'then');
			if (typeof then === 'function') then.call(result, undefined, e => pipe.failed(index, 'callback', e));
		}),
		report: () => value,
	};
};
