// The global sqlserver: tedious as the templates of database scripts use it.
const tedious = internal.npm('tedious@1.11.0');
module.exports = {connect: options => new tedious.Connection(options), Request: tedious.Request, Types: tedious.TYPES, TYPES: tedious.TYPES, Connection: tedious.Connection};
