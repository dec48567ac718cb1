// password-hash-migration: who says nothing has not accepted the password. The last call counts.
'use strict';

exports.api = t => ({
	password: {
		accept: () => t.answer('accepted', true),
		reject: () => t.answer('accepted', false),
	},
});
