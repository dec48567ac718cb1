// Node's tty: nothing is a terminal.
class NoTerminal { constructor() { throw new Error('tty: scripts have no terminal'); } }
module.exports = {isatty: () => false, ReadStream: NoTerminal, WriteStream: NoTerminal};
