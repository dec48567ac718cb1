// Node's punycode: the published package.
module.exports = require('vendor/punycode');
