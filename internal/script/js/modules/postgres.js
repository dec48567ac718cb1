// The global postgres: postgres(address, callback(error, client, done)).
module.exports = (address, callback) => require('pg').connect(address, callback);
