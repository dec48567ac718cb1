// The package pg, and pg.connect and pg.end of its versions before 7.
const published = require('npm:pg@8.23.1')['']();
const pools = new Map();
function connect(options, callback) {
	if (typeof options === 'function') { callback = options; options = {}; }
	const key = JSON.stringify(options);
	if (!pools.has(key)) {
		const pool = new published.Pool(typeof options === 'string' ? {connectionString: options} : options);
		pool.on('error', () => {});
		pools.set(key, pool);
	}
	pools.get(key).connect((error, client, release) => callback(error || null, client, release || (() => {})));
}
function end() {
	for (const pool of pools.values()) pool.end();
	pools.clear();
}
// The package is an object whose members come as getters; its own stay what they are.
const pg = Object.create(published, {connect: {value: connect, writable: true, enumerable: true, configurable: true}, end: {value: end, writable: true, enumerable: true, configurable: true}});
module.exports = pg;
