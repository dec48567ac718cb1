// The global pbkdf2: easy-pbkdf2, made for use.
module.exports = internal.npm('easy-pbkdf2')();
