// Node's string_decoder: the published package.
module.exports = require('vendor/string_decoder');
