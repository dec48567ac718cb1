// pre-user-registration: extensibility fact sheet 3.9 and, for hooks, 4.2.
'use strict';

exports.api = t => ({
	access: {deny: (reason, message) => t.deny('extensibility_error', reason, message)},
	user: {setUserMetadata: t.metadata('user'), setAppMetadata: t.metadata('app')},
	validation: {error: (code, message) => t.deny('extensibility_error', message === undefined ? code : message, message)},
});

exports.result = function (value, t) {
	for (const [kind, member] of [['user', 'user_metadata'], ['app', 'app_metadata']]) {
		const given = value.user && value.user[member];
		if (given === null || typeof given !== 'object') continue;
		for (const name of Object.keys(given)) t.metadata(kind)(name, given[name]);
	}
};

exports.refused = function (error, t) {
	if (error.name !== 'PreUserRegistrationError') return false;
	t.deny('extensibility_error', error.message, error.friendlyMessage);
	return true;
};
