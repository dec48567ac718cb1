// api.prompt of the triggers that can show a form (extensibility fact sheet 3.6): one for each action, and no redirect beside it. Sizes are those
// of the public reference; those of vars are ours.
'use strict';

const maxFields = 24 << 10, maxVars = 64 << 10;

module.exports = t => ({
	render(id, options) {
		if (typeof id !== 'string' || id === '' || id.length > 255) throw new TypeError('api.prompt.render needs the id of a form');
		const {fields = {}, vars = {}} = options || {};
		for (const [name, of, most] of [['fields', fields, maxFields], ['vars', vars, maxVars]]) {
			if (of === null || typeof of !== 'object' || Array.isArray(of)) throw new TypeError('api.prompt.render: ' + name + ' must be an object');
			if (JSON.stringify(of).length > most) throw new Error('api.prompt.render: ' + name + ' are larger than ' + (most >> 10) + ' KB');
		}
		if (t.suspended() === 'prompt' || t.event().prompt) throw new Error('An action can render one form only');
		if (t.suspended() === 'redirect' || t.resumed()) throw new Error('An action cannot render a form and send the user elsewhere');
		t.suspend('prompt', {id, fields, vars});
	},
});
