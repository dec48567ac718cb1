// login-post-identifier: api.authentication.setConnectionByName is all that is known of it. The last call counts.
'use strict';

exports.api = t => ({
	authentication: {
		setConnectionByName(name) {
			if (typeof name !== 'string' || name === '') throw new TypeError('api.authentication.setConnectionByName needs the name of a connection');
			t.answer('connection', name);
		},
	},
});
