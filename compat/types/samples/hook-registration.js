/** @type {PreUserRegistrationHook} */
module.exports = function (user, context, cb) {
  if (!user.email || !user.email.endsWith(context.webtask.secrets.DOMAIN)) return cb(new PreUserRegistrationError('foreign address', 'Please use your work address.'));
  user.email_verified;  // <- 'email_verified' does not exist
  cb(null, { user: { app_metadata: { staff: true } } });
};
