// Node's vm: no second world, but code in this one.
const {Script} = {Script: class Script {
	#code;
	constructor(code) { this.#code = String(code); }
	runInThisContext() { return (0, eval)(this.#code); }
	runInNewContext() { throw new Error('vm.Script.runInNewContext is not available to scripts'); }
	runInContext() { throw new Error('vm.Script.runInContext is not available to scripts'); }
}};
module.exports = Object.assign(require('unavailable')('vm', 'createContext runInContext runInNewContext compileFunction measureMemory', 'SourceTextModule SyntheticModule Module'), {
	Script, isContext: () => false, runInThisContext: code => new Script(code).runInThisContext(), constants: {},
});
