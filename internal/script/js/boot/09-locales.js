// Node.js has all of them. Here js/modules/locale.js does what can be done right, and refuses the rest.
if (typeof Intl === 'undefined') {
	const localised = {Number: ['toLocaleString'], BigInt: ['toLocaleString'], Date: ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString'],
		String: ['localeCompare', 'toLocaleUpperCase', 'toLocaleLowerCase'], Array: ['toLocaleString']};
	for (const type of keysOf(localised)) for (const name of localised[type]) {
		hidden(globalThis[type].prototype, name, {[name](...args) { return load1('locale')[type][name](this, ...args); }}[name]);
	}
}
