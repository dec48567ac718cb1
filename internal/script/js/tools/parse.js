// parse(source, forms) is the syntax tree of a script in the first of the forms in which it can be read, as JSON: {form, tree, comments}, or
// {error: {message, at}}. Positions are offsets in UTF-16 units. forms are words: rule, one function expression; module, the body of a
// function; program.
'use strict';

const around = {rule: ['(', '\n)'], module: ['', ''], program: ['', '']};

return function (source, forms) {
	let wrong = null; // the mistake of the form that could be read the furthest
	for (const form of forms.split(' ')) {
		const [before, after] = around[form], comments = [];
		// A semicolon behind a function expression is accepted, as where it runs.
		const text = form === 'rule' ? source.replace(/;\s*$/, end => ' '.repeat(end.length)) : source;
		try {
			const tree = acorn.parse(before + text + after, {
				ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: form === 'module', allowHashBang: false,
				onComment: (block, text, start, end) => comments.push({block, text, start: start - before.length, end: end - before.length}),
			});
			return JSON.stringify({form, tree, comments, shift: before.length}, (key, value) => typeof value === 'bigint' ? String(value) : value);
		} catch (e) {
			const at = Math.max(0, (e.pos || 0) - before.length);
			if (!wrong || at > wrong.at) wrong = {message: String(e.message).replace(/ \(\d+:\d+\)$/, ''), at};
		}
	}
	return JSON.stringify({error: wrong});
};
