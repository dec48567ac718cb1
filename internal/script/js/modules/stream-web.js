// Node's stream/web: the published package.
module.exports = require('vendor/web-streams-polyfill');
