// Node's dns, over the server's resolver: names of addresses that scripts may not reach are not there. Both runtimes load this file.
const {ask} = internal;

const coded = (error, code) => Object.assign(error, {code});
function failed(error, syscall, hostname) {
	error.message = syscall + ' ' + (error.code || 'ESERVFAIL') + ' ' + hostname;
	return Object.assign(error, {syscall, hostname, errno: error.code === 'ENOTFOUND' && syscall === 'getaddrinfo' ? -3008 : error.code});
}
const need = done => { if (typeof done !== 'function') throw coded(new TypeError('The "callback" argument must be of type function. Received ' + done), 'ERR_INVALID_ARG_TYPE'); };
const find = (kind, name, syscall, done) => ask('resolve', {kind, name}, (error, value) => error ? done(failed(error, syscall, name)) : done(null, value));

function lookup(name, options, done) {
	if (typeof options === 'function') { done = options; options = {}; }
	need(done);
	if (typeof options === 'number') options = {family: options};
	options = options || {};
	const family = {IPv4: 4, IPv6: 6}[options.family] || Number(options.family) || 0;
	find('', String(name || ''), 'getaddrinfo', (error, addresses) => {
		if (error) return done(error);
		let found = addresses.map(address => ({address, family: address.includes(':') ? 6 : 4})).filter(a => family === 0 || a.family === family);
		if (options.order === 'ipv4first' || options.verbatim === false) found = found.filter(a => a.family === 4).concat(found.filter(a => a.family === 6));
		if (found.length === 0) return done(failed(coded(new Error(), 'ENOTFOUND'), 'getaddrinfo', name));
		if (options.all) return done(null, found);
		done(null, found[0].address, found[0].family);
	});
}

const addresses = family => (name, options, done) => {
	if (typeof options === 'function') { done = options; options = {}; }
	need(done);
	find('', name, family === 4 ? 'queryA' : 'queryAaaa', (error, list) => {
		if (error) return done(error);
		const found = list.filter(a => a.includes(':') === (family === 6));
		if (found.length === 0) return done(failed(coded(new Error(), 'ENODATA'), family === 4 ? 'queryA' : 'queryAaaa', name));
		done(null, options && options.ttl ? found.map(address => ({address, ttl: 0})) : found);
	});
};
const records = (kind, shape) => (name, done) => {
	need(done);
	find(kind, name, 'query' + kind[0] + kind.slice(1).toLowerCase(), (error, value) => {
		if (error) return done(error);
		const list = [].concat(value === null ? [] : value);
		if (list.length === 0) return done(failed(coded(new Error(), 'ENODATA'), 'query' + kind[0] + kind.slice(1).toLowerCase(), name));
		done(null, list.map(shape));
	});
};
const bare = text => String(text).replace(/\.$/, '');
const functions = {
	lookup, resolve4: addresses(4), resolve6: addresses(6),
	resolveMx: records('MX', r => ({exchange: bare(r.Host), priority: r.Pref})), resolveTxt: records('TXT', t => [t]), resolveNs: records('NS', r => bare(r.Host)),
	resolveSrv: records('SRV', r => ({name: bare(r.Target), port: r.Port, priority: r.Priority, weight: r.Weight})), resolveCname: records('CNAME', bare), resolvePtr: records('PTR', bare), reverse: records('PTR', bare),
};
for (const name of ['resolveCaa', 'resolveNaptr', 'resolveSoa', 'resolveAny', 'lookupService']) {
	functions[name] = (...args) => {
		const done = args.pop();
		need(done);
		process.nextTick(done, coded(new Error('dns.' + name + ' is not available to scripts'), 'ENOTIMP'));
	};
}
const byType = {A: 'resolve4', AAAA: 'resolve6', MX: 'resolveMx', TXT: 'resolveTxt', SRV: 'resolveSrv', CNAME: 'resolveCname', NS: 'resolveNs', PTR: 'resolvePtr'};
functions.resolve = (name, type, done) => {
	if (typeof type === 'function') { done = type; type = 'A'; }
	need(done);
	if (!byType[type]) throw coded(new TypeError("The argument 'rrtype' is invalid. Received '" + type + "'"), 'ERR_INVALID_ARG_VALUE');
	functions[byType[type]](name, done);
};

const promised = {};
for (const name of Object.keys(functions)) {
	promised[name] = (...args) => new Promise((resolve, reject) => functions[name](...args, (error, value, family) => {
		if (error) reject(error);
		else resolve(name === 'lookup' && family !== undefined ? {address: value, family} : value);
	}));
}
Object.defineProperty(functions.lookup, Symbol.for('nodejs.util.promisify.custom'), {value: promised.lookup});
const settings = {getServers: () => [], setServers() {}, setDefaultResultOrder() {}, getDefaultResultOrder: () => 'verbatim', cancel() {}, setLocalAddress() {}};
class Resolver {}
Object.assign(Resolver.prototype, functions, settings);
class PromisesResolver {}
Object.assign(PromisesResolver.prototype, promised, settings);

const codes = {NODATA: 'ENODATA', FORMERR: 'EFORMERR', SERVFAIL: 'ESERVFAIL', NOTFOUND: 'ENOTFOUND', NOTIMP: 'ENOTIMP', REFUSED: 'EREFUSED', TIMEOUT: 'ETIMEOUT', CONNREFUSED: 'ECONNREFUSED', CANCELLED: 'ECANCELLED'};
module.exports = Object.assign({}, functions, settings, codes, {Resolver, promises: Object.assign({}, promised, settings, codes, {Resolver: PromisesResolver}), ADDRCONFIG: 32, V4MAPPED: 8, ALL: 16});
