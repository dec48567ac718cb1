// post-login: extensibility fact sheet 3.6. Calls that the server cannot follow yet refuse the login, so that no check is passed over.
'use strict';

// What api.samlResponse sets, with what each takes.
const saml = {
	Audience: 'string', Recipient: 'string', CreateUpnClaim: 'boolean', PassthroughClaimsWithNoMapping: 'boolean', MapUnknownClaimsAsIs: 'boolean',
	MapIdentities: 'boolean', SignatureAlgorithm: ['rsa-sha256', 'rsa-sha1'], DigestAlgorithm: ['sha256', 'sha1'], Destination: 'string',
	LifetimeInSeconds: 'number', SignResponse: 'boolean', NameIdentifierFormat: 'string', NameIdentifierProbes: 'strings', AuthnContextClassRef: 'string',
	SigningCert: 'string', IncludeAttributeNameFormat: 'boolean', TypedAttributes: 'boolean', EncryptionCert: 'string', EncryptionPublicKey: 'string',
	RelayState: 'string', Issuer: 'string', EncryptionAlgorithm: ['aes256-cbc', 'aes256-gcm'], Cert: 'string', Key: 'string',
};

const isText = v => typeof v === 'string', isTexts = v => Array.isArray(v) && v.every(isText);

// Limits of what api.samlResponse sets, in characters.
const maxSetting = 8192, maxAttributeName = 1024, maxAttribute = 2048;

function samlResponse(t) {
	const set = (member, kind) => value => {
		const fits = Array.isArray(kind) ? kind.includes(value) : kind === 'strings' ? isTexts(value) : kind === 'number' ? Number.isInteger(value) && value > 0 : typeof value === kind;
		if (!fits) throw new TypeError('api.samlResponse.set' + member + ' does not take this value');
		if (JSON.stringify(value).length > maxSetting) throw new RangeError('The value of api.samlResponse.set' + member + ' is too long');
		t.answer('samlResponse.' + member[0].toLowerCase() + member.slice(1), value);
	};
	const out = {
		setAttribute(name, value) {
			if (!isText(name) || name === '' || name.length > maxAttributeName) throw new TypeError('The name of an attribute must be a string of 1 to ' + maxAttributeName + ' characters');
			if (value !== null && !isTexts(value) && !['string', 'number', 'boolean'].includes(typeof value)) throw new TypeError('The value of an attribute must be a string, number, boolean, list of strings, or null');
			if (JSON.stringify(value).length > maxAttribute) throw new RangeError('The value of the attribute ' + name + ' is too long');
			t.answer('samlResponse.attributes.' + name, value);
		},
	};
	for (const member of Object.keys(saml)) out['set' + member] = set(member, saml[member]);
	return out;
}

// Logins of these protocols have no browser that could be sent elsewhere.
const withoutBrowser = ['oauth2-password', 'oauth2-resource-owner', 'oauth2-resource-owner-jwt-bearer', 'oauth2-refresh-token',
	'oauth2-token-exchange', 'oauth2-access-token'];

exports.api = function (t) {
	const no = (group, names, how) => Object.fromEntries(names.map(name => [name, (how || t.unsupported)(group + '.' + name)]));
	const known = name => JSON.parse(JSON.stringify((t.input.known && t.input.known[name]) || []));
	const roles = () => known('roles');
	const listed = (list, most, of = 'api.roles') => {
		if (!Array.isArray(list) || list.length > most) throw new TypeError(of + ' needs a list of at most ' + most);
		return list;
	};
	// paged cuts a page of what the api knows, from the id that the page before gave as next.
	const paged = (name, {take = 50, from} = {}) => {
		const of = 'api.' + name, all = known(name), at = from === undefined ? 0 : all.findIndex(one => one.id === from);
		if (!Number.isInteger(take) || take < 1 || take > 100) throw new TypeError(of + ': take must be a number from 1 to 100');
		if (at < 0) throw new Error(of + ': from is not what the page before gave as next');
		const page = {[name]: all.slice(at, at + take)};
		if (at + take < all.length) page.next = all[at + take].id;
		return page;
	};
	const factor = require('factor')(t);
	const refreshing = () => (t.event().transaction || {}).protocol === 'oauth2-refresh-token';
	return {
		access: {deny: reason => t.deny('access_denied', reason)},
		accessToken: {
			setCustomClaim: t.claim('access'), addScope: s => t.scope('add', [s]), removeScope: s => t.scope('remove', [s]),
		},
		idToken: {setCustomClaim: t.claim('id')},
		user: {setUserMetadata: t.metadata('user'), setAppMetadata: t.metadata('app')},
		transaction: {setMetadata: t.transaction},
		validation: {error: (code, message) => t.deny('access_denied', message === undefined ? code : message)},
		rules: {wasExecuted: t.value(id => (t.input.rules || []).includes(id))},
		multifactor: factor.multifactor,
		redirect: require('redirect')(t, () => {
			const {protocol, prompt} = t.event().transaction || {};
			return !withoutBrowser.includes(protocol) && !(prompt || []).includes('none');
		}),
		authentication: Object.assign(factor.authentication, {recordMethod: t.method, setPrimaryUser: t.primary}),
		prompt: require('prompt')(t),
		session: Object.assign(t.access('session', 'session'), {
			setCookieMode: t.cookieMode,
			revoke(reason, options) {
				t.revoke('session', options && options.preserveRefreshTokens);
				t.deny('access_denied', reason);
			},
		}),
		refreshToken: Object.assign(t.access('refreshToken', 'refresh_token'), {
			revoke(reason) {
				if (!refreshing()) return t.log('warning', 'api.refreshToken.revoke has no effect: no refresh token is exchanged');
				t.revoke('refresh_token');
				t.deny('access_denied', reason);
			},
		}),
		roles: {
			getUserEffectiveRoles: t.value(async options => paged('roles', options)),
			getUserEffectiveRolesByIds: t.value(async ids => ({roles: roles().filter(r => listed(ids, 100).includes(r.id))})),
			getUserEffectiveRolesByNames: t.value(async names => ({roles: roles().filter(r => listed(names, 50).includes(r.name))})),
		},
		groups: {
			getUserGroups: t.value(async options => paged('groups', options)),
			hasGroupMembership: t.value(async ids => {
				const mine = known('groups').map(g => g.id);
				return listed(ids, 100, 'api.groups').some(id => mine.includes(id));
			}),
		},
		samlResponse: samlResponse(t),
	};
};
