// The api of the triggers that run once the identifier is known. The last call counts.
'use strict';

module.exports = t => ({
	authentication: {
		setConnectionByName(name) {
			if (typeof name !== 'string' || name === '') throw new TypeError('api.authentication.setConnectionByName needs the name of a connection');
			t.answer('connection', name);
		},
	},
});
