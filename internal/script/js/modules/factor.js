// api.multifactor and what api.authentication has of second factors (extensibility fact sheet 3.6).
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
	// duo is what Duo is to be asked with; what is left out is the tenant's.
	function duo(given) {
		const out = {};
		for (const name of ['host', 'ikey', 'skey', 'username']) {
			const value = given[name];
			if (value === undefined || value === null) continue;
			if (typeof value !== 'string') throw new TypeError('api.multifactor.enable needs a string for providerOptions.' + name);
			out[name] = value;
		}
		return out;
	}
	const ask = (enroll, factors) => t.suspend('factor', {enroll, factors});
	const additional = options => (options && options.additionalFactors) || [];
	return {
		multifactor: {
			enable(provider, options) {
				if (!providers.includes(provider)) throw new TypeError('api.multifactor.enable needs one of the providers ' + providers.join(', '));
				const demand = {provider, remember: Boolean(options && options.allowRememberBrowser)};
				if (provider === 'duo') demand.duo = duo((options && options.providerOptions) || {});
				t.factor(demand);
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
