// bcrypt is bcryptjs here, which does the same in JavaScript: addons are not loaded.
module.exports = internal.npm('bcryptjs');
