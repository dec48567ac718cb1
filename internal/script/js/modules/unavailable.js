// What scripts cannot have. The modules are there, because packages require them and seldom use them; their functions say why not.
module.exports = (module, names, classes = '') => {
	const out = {};
	const fail = name => {
		const error = new Error(module + '.' + name + ' is not available to scripts');
		error.code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM';
		return error;
	};
	for (const name of names.split(' ')) {
		if (name) out[name] = function () {
			const error = fail(name), done = arguments[arguments.length - 1];
			if (typeof done !== 'function' || name.endsWith('Sync')) throw error;
			internal.nextTick(done, error);
		};
	}
	for (const name of classes.split(' ')) if (name) out[name] = {[name]: function () { throw fail(name); }}[name];
	return out;
};
