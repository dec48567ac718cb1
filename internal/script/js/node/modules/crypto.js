// Node's own crypto; see bridge.js for how its objects come into this realm.
require('buffer');
module.exports = internal.native.node('crypto');
