module.exports = require('unavailable')('dgram', 'createSocket', 'Socket');
