// Node's worker_threads: this is the main thread, and the only one.
module.exports = Object.assign(require('unavailable')('worker_threads', 'receiveMessageOnPort moveMessagePortToContext', 'Worker MessageChannel MessagePort BroadcastChannel'), {
	isMainThread: true, parentPort: null, workerData: null, threadId: 0, resourceLimits: {}, SHARE_ENV: Symbol.for('nodejs.worker_threads.SHARE_ENV'),
	markAsUntransferable() {}, getEnvironmentData() {}, setEnvironmentData() {},
});
