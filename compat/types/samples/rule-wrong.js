/** @type {Rule} */
function wrong(user, context, callback) {
  context.stats.logins_count;  // <- 'logins_count' does not exist
  user.email.split('@');  // <- possibly 'undefined'
  context.request.query.prompt;  // <- possibly 'undefined'
  if (context.protocol === 'oauth2-refresh') return;  // <- no overlap
  context.multifactor = { provider: 'guardians' };  // <- not assignable
  auth0.users.updateAppMetadata({ id: user.user_id }, {});  // <- not assignable
  callback(null, 'user');  // <- not assignable
  event.user;  // <- Cannot find name 'event'
}
