// Node's assert: the published package.
module.exports = require('vendor/assert');
