// What the welcome screen shows, for clients whose ID tokens hold namespaced
// claims only. Mixtape's API does not read these: it trusts its access token.
function (user, context, callback) {
  const namespace = 'https://mixtape.example/';
  const metadata = user.app_metadata || {};
  context.idToken[namespace + 'roles'] = user.roles;
  context.idToken[namespace + 'plan'] = metadata.plan || 'free';
  callback(null, user, context);
}
