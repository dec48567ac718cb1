// @auth0/rule-utilities, which the registry does not have: written after its documentation (0.2.0; 0.1.0 has the first class alone).
const cannot = ['oauth2-resource-owner', 'oauth2-refresh-token', 'oauth2-password', 'redirect-callback'];

class Auth0RedirectRuleUtilities {
	constructor(user, context, configuration) {
		this.user = user;
		this.context = context;
		this.configuration = configuration || {};
		this.sessionTokenSecret = this.configuration.SESSION_TOKEN_SECRET;
		this.sessionTokenExpiresIn = this.configuration.SESSION_TOKEN_EXPIRES_IN || '3d';
	}
	get isRedirectCallback() { return this.context.protocol === 'redirect-callback'; }
	get redirectUrl() { return this.context.redirect && this.context.redirect.url; }
	get queryParams() { return this.context.request && this.context.request.query || {}; }
	get protocolCanRedirect() { return !cannot.includes(this.context.protocol); }
	get canRedirect() {
		return !this.context.redirect && !this.context.multifactor && this.queryParams.prompt !== 'none' && this.protocolCanRedirect;
	}
	get issuer() { return 'https://' + this.context.request.hostname + '/'; }
	secret() {
		if (!this.sessionTokenSecret) throw new Error('SESSION_TOKEN_SECRET is not set in the configuration of rules');
		return this.sessionTokenSecret;
	}
	createSessionToken(extra) {
		const claims = Object.assign({ip: this.context.request.ip, iss: this.issuer, sub: this.user.user_id}, extra);
		return require('jsonwebtoken').sign(claims, this.secret(), {algorithm: 'HS256', expiresIn: this.sessionTokenExpiresIn});
	}
	validateSessionToken(options) {
		const claims = require('jsonwebtoken').verify(this.queryParams.session_token, this.secret(),
			Object.assign({}, options, {algorithms: ['HS256'], subject: this.user.user_id, issuer: this.issuer}));
		if (!claims.exp) throw new Error('The session token has no expiry');
		return claims;
	}
	doRedirect(url, options) {
		if (!this.canRedirect) throw new Error('Cannot redirect');
		let {sessionToken, generateSessionToken = true} = options || {};
		if (!sessionToken && generateSessionToken) sessionToken = this.createSessionToken();
		this.context.redirect = {url: sessionToken ? url + '?session_token=' + sessionToken : url};
	}
}

class Auth0UserUpdateUtilities {
	constructor(user, auth0, namespace) {
		this.user = user;
		this.auth0 = auth0;
		this.namespace = namespace;
		for (const name of ['user_metadata', 'app_metadata']) this.of(name);
	}
	of(name) {
		const all = this.user[name] = this.user[name] || {};
		return this.namespace ? all[this.namespace] = all[this.namespace] || {} : all;
	}
	setUser(key, value) { this.user[key] = value; }
	setUserMeta(key, value) { this.of('user_metadata')[key] = value; }
	setAppMeta(key, value) { this.of('app_metadata')[key] = value; }
	getUserMeta(key) { return this.of('user_metadata')[key]; }
	getAppMeta(key) { return this.of('app_metadata')[key]; }
	client() {
		const {ManagementClient} = internal.npm('auth0@2.44.1');
		return new ManagementClient({domain: this.auth0.domain, token: this.auth0.accessToken});
	}
	// The token of rules may update users; profile attributes are what setUser changed, metadata as they stand.
	updateUser(attributes) { return this.client().updateUser({id: this.user.user_id}, attributes); }
	updateUserMeta() { return this.client().updateUserMetadata({id: this.user.user_id}, this.user.user_metadata); }
	updateAppMeta() { return this.client().updateAppMetadata({id: this.user.user_id}, this.user.app_metadata); }
}

Object.assign(exports, {Auth0RedirectRuleUtilities, Auth0UserUpdateUtilities});
