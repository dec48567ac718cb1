// Node's path: the published package, which knows POSIX paths alone.
module.exports = require('vendor/path-browserify');
module.exports.toNamespacedPath = path => path;
