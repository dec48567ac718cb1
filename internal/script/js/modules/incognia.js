// @incognia/api, written after its documentation: version 1 (…Assessment) and what version 2 calls its calls.
const regions = {global: 'https://api.us.incognia.com/api', us: 'https://api.us.incognia.com/api', br: 'https://incognia.inloco.com.br/api'};

class IncogniaError extends Error {
	constructor(message) { super(message); this.name = 'IncogniaError'; }
}

class IncogniaAPIError extends Error {
	constructor(message, {statusCode, payload} = {}) {
		super(message);
		Object.assign(this, {name: 'IncogniaAPIError', statusCode, payload});
	}
}

// renamed is value with the names of all its properties changed.
function renamed(value, rename) {
	if (Array.isArray(value)) return value.map(item => renamed(item, rename));
	if (!value || typeof value !== 'object') return value;
	return Object.fromEntries(Object.entries(value).map(([name, of]) => [rename(name), renamed(of, rename)]));
}
const camelCase = name => name.replace(/_([a-z])/g, (all, letter) => letter.toUpperCase());
const snakeCase = name => name.replace(/[A-Z]/g, letter => '_' + letter.toLowerCase());

function need(values, ...names) {
	if (!names.every(name => values && values[name])) throw new IncogniaError('No ' + names.join(' or ') + ' provided');
}

class IncogniaAPI {
	constructor(options) {
		need(options, 'clientId', 'clientSecret');
		const base = Object.hasOwn(regions, options.region || 'us') && regions[options.region || 'us'];
		if (!base) throw new IncogniaError('Invalid region. Available: us, br.');
		this.clientId = options.clientId;
		this.clientSecret = options.clientSecret;
		this.apiEndpoints = {TOKEN: base + '/v1/token', SIGNUPS: base + '/v2/onboarding/signups', TRANSACTIONS: base + '/v2/authentication/transactions', FEEDBACKS: base + '/v2/feedbacks'};
	}

	async getOnboardingAssessment(signupId) {
		need({signupId}, 'signupId');
		return this.resourceRequest({url: this.apiEndpoints.SIGNUPS + '/' + encodeURIComponent(signupId), method: 'get'});
	}
	async registerOnboardingAssessment(signup) {
		need(signup, 'installationId', 'addressLine');
		return this.register('SIGNUPS', signup);
	}
	async registerLoginAssessment(login) { return this.registerLogin(login); }

	async getSignupAssessment(signupId) { return this.getOnboardingAssessment(signupId); }
	async registerSignup(signup) {
		need(signup, 'installationId');
		return this.register('SIGNUPS', signup);
	}
	async registerLogin(login) { return this.transaction('login', login); }
	async registerPayment(payment) { return this.transaction('payment', payment); }
	async registerFeedback(feedback, params) {
		need(feedback, 'event', 'timestamp');
		return this.register('FEEDBACKS', feedback, params && renamed(params, snakeCase));
	}

	async transaction(type, values) {
		need(values, 'installationId', 'accountId');
		return this.register('TRANSACTIONS', Object.assign({}, values, {type}));
	}
	register(endpoint, values, params) {
		return this.resourceRequest({url: this.apiEndpoints[endpoint], method: 'post', params, data: renamed(JSON.parse(JSON.stringify(values)), snakeCase)});
	}

	async resourceRequest(options) {
		await this.updateAccessToken();
		const headers = {'Content-Type': 'application/json', Authorization: 'Bearer ' + this.incogniaToken.accessToken};
		return renamed((await this.send(Object.assign({}, options, {headers}))).data, camelCase);
	}

	async updateAccessToken() {
		if (this.isAccessTokenValid()) return;
		const {data} = await this.requestToken();
		this.incogniaToken = {createdAt: Math.round(Date.now() / 1000), expiresIn: parseInt(data.expires_in, 10), accessToken: data.access_token};
	}
	isAccessTokenValid() {
		const token = this.incogniaToken, spare = 10; // seconds that a call may take
		return Boolean(token) && Date.now() / 1000 < token.createdAt + token.expiresIn - spare;
	}
	requestToken() {
		return this.send({method: 'post', url: this.apiEndpoints.TOKEN, data: 'grant_type=client_credentials', auth: {username: this.clientId, password: this.clientSecret},
			headers: {'Content-Type': 'application/x-www-form-urlencoded'}});
	}

	async send(options) {
		try {
			return await internal.npm('axios')(options);
		} catch (e) {
			if (!e.response) throw new IncogniaAPIError('No response was received (' + e.message + ')');
			throw new IncogniaAPIError(e.message, {statusCode: e.response.status, payload: e.response.data});
		}
	}
}

module.exports = {IncogniaAPI, IncogniaApi: IncogniaAPI, IncogniaAPIError, IncogniaApiError: IncogniaAPIError, IncogniaError, Region: {US: 'us', GLOBAL: 'global', BR: 'br', BRAZIL: 'br'}};
