/** @type {PostLoginAction} */
exports.onExecutePostLogin = async (event, api) => {
  api.accessToken.setScope('x');  // <- 'setScope' does not exist
  event.stats.loginsCount;  // <- 'loginsCount' does not exist
  event.session.id;  // <- possibly 'undefined'
  api.multifactor.enable('everything');  // <- not assignable
  callback(null);  // <- Cannot find name 'callback'
  configuration.X;  // <- Cannot find name 'configuration'
};

/** @type {PreUserRegistrationAction} */
exports.onExecutePreUserRegistration = async (event, api) => {
  event.user.user_id;  // <- 'user_id' does not exist
  api.access.deny('reason');  // <- Expected 2 arguments
};
