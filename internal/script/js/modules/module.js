// Node's module: require is the only way to a module.
function Module(id) { this.id = id; this.exports = {}; this.loaded = false; this.children = []; this.paths = []; }
module.exports = Object.assign(Module, {
	Module, builtinModules: internal.core(), createRequire: () => globalThis.require, isBuiltin: name => internal.core().includes(String(name).replace(/^node:/, '')),
	_extensions: {}, _cache: {}, _load: name => globalThis.require(name), _resolveFilename: name => name, syncBuiltinESMExports() {},
});
