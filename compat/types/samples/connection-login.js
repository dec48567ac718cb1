/** @type {Async<LoginScript>} */
async function login(identifier, password, callback) {
  const bcrypt = require('bcrypt');
  const row = { id: 1, hash: configuration.HASH };
  if (!bcrypt.compareSync(password, row.hash)) return callback(new WrongUsernameOrPasswordError(identifier, 'no'));
  callback(null, { user_id: String(row.id), email: identifier, email_verified: true, plan: 'gold' });
}

/** @type {GetUserScriptWithContext} */
function getByEmail(email, context, callback) {
  if (context.organization && context.organization.name === 'closed') return callback(null);
  callback(null, { user_id: 1 });  // <- not assignable
}
