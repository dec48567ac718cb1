// api.redirect of the triggers that can send a person elsewhere (extensibility fact sheet 3.8). can tells whether this login has a browser.
'use strict';

const {property} = internal;

module.exports = (t, can) => ({
	canRedirect: t.value(can),
	encodeToken: t.value(({secret, payload, expiresInSeconds = 900}) => {
		const {user, request} = t.event(), now = Math.floor(Date.now() / 1000);
		const claims = {iss: request.hostname, iat: now, exp: now + expiresInSeconds, sub: user.user_id, ip: request.ip};
		return require('jsonwebtoken').sign(Object.assign(claims, payload), secret, {algorithm: 'HS256'});
	}),
	sendUserTo(url, options) {
		if (typeof url !== 'string' || !/^https?:\/\/[^/]/i.test(url)) throw new TypeError('api.redirect.sendUserTo needs an http or https URL');
		const query = {};
		for (const [name, value] of Object.entries((options && options.query) || {})) if (value !== undefined) query[name] = String(value);
		if (t.suspended() === 'prompt' || t.event().prompt) throw new Error('An action cannot render a form and send the user elsewhere');
		t.suspend('redirect', {url, query});
	},
	// Whoever holds the token may have got it in another login, of somebody else, or made it: all that ties it to this one is looked at.
	validateToken: t.value(({secret, tokenParameterName = 'session_token'}) => {
		const {user, request} = t.event();
		const given = name => property(request.body, name) || property(request.query, name);
		const token = given(tokenParameterName);
		if (typeof token !== 'string') throw new Error("There is no parameter called '" + tokenParameterName + "' in the request");
		const claims = require('jsonwebtoken').verify(token, secret, {algorithms: ['HS256']});
		for (const name of ['exp', 'iat', 'iss', 'sub', 'state']) if (claims[name] === undefined) throw new Error('The token has no claim ' + name);
		if (claims.sub !== user.user_id) throw new Error('The sub claim of the token is not the user of this login');
		if (claims.state !== given('state')) throw new Error('The state claim of the token is not the state of this login');
		return claims;
	}),
});
