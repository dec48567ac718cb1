// api.multifactor and what api.authentication has of second factors (extensibility fact sheet 3.6). What this server has no factor for refuses
// the login, so that no check is passed over.
'use strict';

const providers = ['any', 'none', 'guardian', 'google-authenticator', 'duo'];
const types = ['otp', 'email', 'push-notification', 'push', 'phone', 'webauthn-roaming', 'webauthn-platform', 'recovery-code'];

module.exports = t => {
	function typeOf(factor, name) {
		const type = factor && factor.type;
		if (!types.includes(type)) throw new TypeError('api.authentication.' + name + ' needs a factor with one of the types ' + types.join(', '));
		return type;
	}
	const list = (factors, name) => {
		if (!Array.isArray(factors) || factors.length === 0) throw new TypeError('api.authentication.' + name + ' needs an array of factors');
		return factors.map(f => typeOf(f, name));
	};
	const ask = (enroll, factors) => t.suspend('factor', {enroll, factors});
	const additional = options => (options && options.additionalFactors) || [];
	return {
		multifactor: {
			enable(provider, options) {
				if (!providers.includes(provider)) throw new TypeError('api.multifactor.enable needs one of the providers ' + providers.join(', '));
				if (provider === 'duo') return t.unsupported("multifactor.enable('duo')")();
				t.factor({provider, remember: Boolean(options && options.allowRememberBrowser)});
			},
		},
		authentication: {
			challengeWith: (factor, options) => ask(false, [typeOf(factor, 'challengeWith'), ...additional(options).map(f => typeOf(f, 'challengeWith'))]),
			challengeWithAny: factors => ask(false, list(factors, 'challengeWithAny')),
			enrollWith: (factor, options) => ask(true, [typeOf(factor, 'enrollWith'), ...additional(options).map(f => typeOf(f, 'enrollWith'))]),
			enrollWithAny: factors => ask(true, list(factors, 'enrollWithAny')),
		},
	};
};
