// The global mysql_pool: one pool for the same options.
const mysql = require('mysql');
const pools = new Map();
module.exports = options => {
	const key = JSON.stringify(options);
	if (!pools.has(key)) pools.set(key, mysql.createPool(typeof options === 'string' ? options : Object.assign({connectionLimit: 30}, options)));
	return pools.get(key);
};
