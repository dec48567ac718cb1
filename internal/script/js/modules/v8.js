// Node's v8: a copy of a value is there; the heap is nobody's business.
const structured = require('structured');
module.exports = Object.assign(require('unavailable')('v8', 'serialize deserialize writeHeapSnapshot getHeapSnapshot', 'Serializer Deserializer'), {
	getHeapStatistics: () => ({heap_size_limit: 0, total_heap_size: 0, used_heap_size: 0}), setFlagsFromString() {}, cachedDataVersionTag: () => 0,
	structuredClone: structured.structuredClone,
});
