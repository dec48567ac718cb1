const { ManagementClient } = require('auth0');
const shared = require('actions:shared');

/**
 * @param {PostLoginEvent} event
 * @param {PostLoginAPI} api
 */
exports.onExecutePostLogin = async (event, api) => {
  if (event.user.app_metadata.terms) return;
  if (!api.redirect.canRedirect()) return api.access.deny(shared.text);
  const token = api.redirect.encodeToken({ secret: event.secrets.TERMS, payload: { plan: event.user.app_metadata.plan } });
  api.redirect.sendUserTo('https://terms.example/', { query: { token } });
  const cached = api.cache.get('token');
  if (!cached) api.cache.set('token', String(new ManagementClient({})), { ttl: 60000 });
  else if (cached.expires_at < Date.now()) api.cache.delete('token');
};

/** @type {PostLoginAction} */
exports.onContinuePostLogin = async (event, api) => {
  api.user.setAppMetadata('terms', api.redirect.validateToken({ secret: event.secrets.TERMS }).accepted).idToken.setCustomClaim('terms', true);
  api.authentication.recordMethod('https://terms.example/');
};

/** @type {CredentialsExchangeAction} */
exports.onExecuteCredentialsExchange = async (event, api) => {
  if (event.client.metadata.closed) return api.access.deny('invalid_request', 'Closed');
  api.transaction.setTargetScopes(event.transaction.requested_scopes);
};
