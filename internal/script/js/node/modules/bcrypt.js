// bcrypt is bcryptjs here, which does the same in JavaScript: addons are not loaded. What would take minutes is refused, as in the embedded
// runtime.
const js = internal.npm('bcryptjs'), maxRounds = 14;

function check(salt) {
	const rounds = typeof salt === 'number' ? salt : typeof salt === 'string' ? Number((/^\$2[aby]\$(\d\d)\$/.exec(salt) || [])[1]) : NaN;
	if (typeof salt === 'string' && rounds !== rounds) throw new Error('invalid salt: it must be in the form of $Vers$log2(NumRounds)$saltvalue');
	if (rounds > maxRounds) throw new Error('invalid salt: between 4 and ' + maxRounds + ' as the logarithm of its rounds');
}

const later = fn => (...args) => {
	const callback = typeof args[args.length - 1] === 'function' ? args.pop() : null;
	if (args.length > 2 && typeof args[args.length - 1] === 'function') args.pop(); // progress
	const answer = done => setImmediate(() => {
		let value, error = null;
		try {
			value = fn(...args);
		} catch (e) {
			error = e;
		}
		if (error) done(error);
		else done(null, value);
	});
	if (callback) return answer(callback);
	return new Promise((resolve, reject) => answer((error, value) => error ? reject(error) : resolve(value)));
};

exports.genSaltSync = (rounds = 10, minor = 'b') => {
	check(rounds);
	return js.genSaltSync(rounds).replace(/^\$2[ab]/, '$2' + minor);
};
exports.hashSync = (data, salt) => {
	if (data === undefined || data === null || salt === undefined) throw new Error('data and salt arguments required');
	if (typeof salt === 'number') salt = exports.genSaltSync(salt);
	check(salt);
	return js.hashSync(text(data), salt);
};
exports.compareSync = (data, hash) => {
	if (data === undefined || data === null || typeof hash !== 'string') throw new Error('data and hash arguments required');
	try {
		check(hash);
	} catch (e) {
		return false;
	}
	return hash.length === 60 && js.compareSync(text(data), hash);
};
exports.getRounds = hash => js.getRounds(hash);
exports.getSalt = hash => js.getSalt(hash);
exports.genSalt = later(exports.genSaltSync);
exports.hash = later(exports.hashSync);
exports.compare = later(exports.compareSync);

const text = data => typeof data === 'string' ? data : require('buffer').Buffer.from(data).toString();
