// Node's perf_hooks: the clock and marks.
const {clock, epoch} = internal;
const entries = [];
const performance = {
	get timeOrigin() { return epoch(); }, now: () => clock() / 1000,
	mark(name, options = {}) {
		const entry = {name, entryType: 'mark', startTime: options.startTime === undefined ? performance.now() : options.startTime, duration: 0, detail: options.detail === undefined ? null : options.detail};
		if (entries.length < 1000) entries.push(entry);
		return entry;
	},
	measure(name, from, to) {
		const at = mark => { const found = entries.findLast(e => e.name === mark); return found ? found.startTime : 0; };
		const start = typeof from === 'string' ? at(from) : 0, end = typeof to === 'string' ? at(to) : performance.now();
		const entry = {name, entryType: 'measure', startTime: start, duration: end - start, detail: null};
		if (entries.length < 1000) entries.push(entry);
		return entry;
	},
	getEntries: () => entries.slice(), getEntriesByName: name => entries.filter(e => e.name === name), getEntriesByType: type => entries.filter(e => e.entryType === type),
	clearMarks() { entries.length = 0; }, clearMeasures() { entries.length = 0; }, timerify: fn => fn, eventLoopUtilization: () => ({idle: 0, active: 0, utilization: 0}),
	toJSON: () => ({timeOrigin: epoch()}),
};
class PerformanceObserver { observe() {} disconnect() {} }
PerformanceObserver.supportedEntryTypes = [];
module.exports = {performance, PerformanceObserver, constants: {}, monitorEventLoopDelay: () => ({enable() {}, disable() {}, min: 0, max: 0, mean: 0, percentile: () => 0})};
