// The global `jwt`: jsonwebtoken as of 0.4, which also takes the options of its successors and never minds an unknown one.
const modern = require('jsonwebtoken');
const passed = ['algorithm', 'header', 'audience', 'issuer', 'subject', 'jwtid', 'notBefore', 'expiresIn', 'keyid', 'noTimestamp'];
const claimOf = {audience: 'aud', issuer: 'iss', subject: 'sub', jwtid: 'jti'};

exports.sign = function (payload, secret, options, callback) {
	if (typeof options === 'function') {
		callback = options;
		options = {};
	}
	options = options || {};
	const chosen = {};
	for (const name of passed) if (options[name] !== undefined) chosen[name] = options[name];
	if (payload !== null && typeof payload === 'object' && !ArrayBuffer.isView(payload)) {
		if (!options.noTimestamp) payload.iat = Math.floor(Date.now() / 1000);
		for (const name of Object.keys(claimOf)) {
			if (chosen[name] === undefined) continue;
			payload[claimOf[name]] = chosen[name];
			delete chosen[name];
		}
		const minutes = options.expiresInMinutes, seconds = options.expiresInSeconds;
		if (minutes !== undefined || seconds !== undefined) {
			payload.exp = Math.floor(Date.now() / 1000) + (minutes !== undefined ? Number(minutes) * 60 : Number(seconds));
			delete chosen.expiresIn;
		} else if (chosen.expiresIn !== undefined) {
			delete payload.exp;
		}
		chosen.mutatePayload = true;
	}
	return modern.sign(payload, secret, chosen, callback);
};
exports.verify = modern.verify;
exports.decode = modern.decode;
exports.JsonWebTokenError = modern.JsonWebTokenError;
exports.TokenExpiredError = modern.TokenExpiredError;
exports.NotBeforeError = modern.NotBeforeError;
