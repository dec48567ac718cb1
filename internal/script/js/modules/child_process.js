module.exports = require('unavailable')('child_process', 'exec execFile execFileSync execSync fork spawn spawnSync', 'ChildProcess');
