// Node's stream: the published package.
module.exports = require('vendor/readable-stream');
