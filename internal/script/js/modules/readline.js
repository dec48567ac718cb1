module.exports = require('unavailable')('readline', 'createInterface clearLine clearScreenDown cursorTo moveCursor emitKeypressEvents', 'Interface');
