/** @type {Async<Rule>} */
async function plan(user, context, callback) {
  const axios = require('axios@0.21.1');
  if (context.protocol === 'oauth2-refresh-token' || context.stats.loginsCount > 1) return callback(null, user, context);
  if (!user.email_verified) return callback(new UnauthorizedError('Please verify your address first.'));
  try {
    const { data } = await axios.get('https://billing.example/plans', { timeout: 3000, params: { id: user.user_id } });
    context.idToken['https://acme.example/plan'] = data.plan;
    context.accessToken.scope = ['read:songs'];
    context.multifactor = { provider: 'any', allowRememberBrowser: false };
    global.seen = (global.seen || 0) + 1;
    await auth0.users.updateAppMetadata(user.user_id, { plan: data.plan });
    user.anything = user.app_metadata.plan || configuration.DEFAULT_PLAN;
    return callback(null, user, context);
  } catch (error) {
    return callback(error);
  }
}
