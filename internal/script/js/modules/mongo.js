// The global mongo: mongo(address, callback(error, db)), and the types beside it.
const driver = internal.npm('mongodb@3.6.3');
const open = new Map();
function mongo(address, options, callback) {
	if (typeof options === 'function') { callback = options; options = {}; }
	if (!open.has(address)) open.set(address, driver.MongoClient.connect(address, Object.assign({useNewUrlParser: true, useUnifiedTopology: true}, options)));
	open.get(address).then(client => callback(null, client.db()), error => {
		open.delete(address);
		callback(error);
	});
}
for (const name of ['Long', 'Double', 'ObjectID', 'ObjectId', 'Timestamp', 'Binary', 'Code', 'DBRef', 'MinKey', 'MaxKey', 'Symbol', 'BSONRegExp', 'Decimal128', 'MongoClient']) if (driver[name] !== undefined) mongo[name] = driver[name];
module.exports = mongo;
