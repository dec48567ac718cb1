// The global jwt is made from the real package.
module.exports = internal.npm('jsonwebtoken@8.5.1');
