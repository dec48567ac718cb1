// A copy of request with a Request of its own, for packages that change it.
module.exports = require('request').fresh();
