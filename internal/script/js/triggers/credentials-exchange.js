// credentials-exchange: extensibility fact sheet 3.9 and, for hooks, 4.2.
'use strict';

exports.api = t => ({
	access: {deny: (code, reason) => t.deny(String(code), reason)},
	accessToken: {setCustomClaim: t.claim('access')},
	transaction: {
		addTargetScope: s => t.scope('add', [s]), removeTargetScope: s => t.scope('remove', [s]), setTargetScopes: all => t.scope('set', all),
		clearTargetScopes: () => t.scope('set', []),
	},
});

// result takes what a hook called back with: its scope replaces, and only names with a namespace become claims.
exports.result = function (value, t) {
	t.scope('set', Array.isArray(value.scope) ? value.scope : []);
	for (const name of Object.keys(value)) if (/^https?:\/\//.test(name)) t.claim('access')(name, value[name]);
};

const codes = {InvalidScopeError: 'invalid_scope', InvalidRequestError: 'invalid_request', ServerError: 'server_error'};

exports.refused = function (error, t) {
	const code = codes[error.name];
	if (code) t.deny(code, error.message);
	return Boolean(code);
};
