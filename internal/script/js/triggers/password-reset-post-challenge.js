// password-reset-post-challenge: extensibility fact sheet 3.9.
'use strict';

exports.api = function (t) {
	const {challengeWith, challengeWithAny} = require('factor')(t).authentication;
	const {encodeToken, sendUserTo, validateToken} = require('redirect')(t, () => true);
	return {
		access: {deny: reason => t.deny('access_denied', reason)},
		authentication: {challengeWith, challengeWithAny},
		redirect: {encodeToken, sendUserTo, validateToken},
		prompt: require('prompt')(t),
		transaction: {
			setResultUrl(url, options) {
				if (typeof url !== 'string' || !/^https?:\/\/[^/]/i.test(url)) throw new TypeError('api.transaction.setResultUrl needs an http or https URL');
				const query = {};
				for (const [name, value] of Object.entries((options && options.query) || {})) if (value !== undefined) query[name] = String(value);
				t.answer('result_url', {url, query});
			},
		},
	};
};
