module.exports = function (client, scope, audience, context, callback) { callback(null, { scope: scope }); };
