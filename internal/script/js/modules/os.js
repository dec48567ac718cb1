// Node's os: constants that tell nothing about the machine.
module.exports = {
	EOL: '\n', devNull: '/dev/null', arch: () => 'x64', platform: () => 'linux', type: () => 'Linux', release: () => '5.0.0', version: () => '#1',
	machine: () => 'x86_64', hostname: () => 'localhost', homedir: () => '/', tmpdir: () => '/tmp', endianness: () => 'LE', uptime: () => Math.floor(internal.clock() / 1e6),
	loadavg: () => [0, 0, 0], totalmem: () => 1 << 30, freemem: () => 1 << 29, cpus: () => [], availableParallelism: () => 1, networkInterfaces: () => ({}),
	userInfo: () => ({uid: -1, gid: -1, username: 'script', homedir: '/', shell: null}), getPriority: () => 0, setPriority() {},
	constants: {
		signals: {SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15},
		errno: {EACCES: 13, EADDRINUSE: 98, ECONNABORTED: 103, ECONNREFUSED: 111, ECONNRESET: 104, EEXIST: 17, EHOSTUNREACH: 113, ENOENT: 2, ENOTFOUND: 3008, EPIPE: 32, ETIMEDOUT: 110},
		priorities: {}, dlopen: {}, UV_UDP_REUSEADDR: 4,
	},
};
