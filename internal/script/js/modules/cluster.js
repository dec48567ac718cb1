module.exports = Object.assign(require('unavailable')('cluster', 'fork disconnect setupPrimary setupMaster'), {isMaster: true, isPrimary: true, isWorker: false, workers: {}, on() { return this; }});
