// Node's process: what packages look at while they load. There is no environment, and nothing to end.
const EventEmitter = require('events');
const {native, clock, nextTick, log} = internal;
const process = new EventEmitter();
const stream = level => Object.assign(new EventEmitter(), {
	isTTY: false, columns: 80, fd: level === 'error' ? 2 : 1, writable: true,
	write(text, encoding, done) {
		text = typeof text === 'string' ? text : require('buffer').Buffer.from(text).toString();
		log(level, text.replace(/\n$/, ''));
		if (typeof encoding === 'function') done = encoding;
		if (typeof done === 'function') nextTick(done);
		return true;
	},
	end() {}, cork() {}, uncork() {}, getColorDepth: () => 1, hasColors: () => false,
});
const refuse = what => () => {
	const error = new Error('process.' + what + ' is not available to scripts');
	error.code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM';
	throw error;
};
const hrtime = since => {
	const t = clock();
	let seconds = Math.floor(t / 1e6), nanos = Math.floor(t % 1e6 * 1000);
	if (since) {
		seconds -= since[0];
		nanos -= since[1];
		if (nanos < 0) { seconds--; nanos += 1e9; }
	}
	return [seconds, nanos];
};
hrtime.bigint = () => BigInt(Math.floor(clock() * 1000));

Object.assign(process, {
	title: 'node', env: {}, argv: ['/usr/bin/node'], argv0: 'node', execArgv: [], execPath: '/usr/bin/node', pid: 1, ppid: 0, exitCode: undefined,
	version: 'v22.12.0', versions: {node: '22.12.0', v8: '12.4.254.21-node.21', uv: '1.49.1', zlib: '1.3.0', modules: '127', openssl: '3.0.15'},
	release: {name: 'node', lts: 'Jod'}, platform: 'linux', arch: 'x64', config: {target_defaults: {}, variables: {}},
	features: {inspector: false, tls: true, ipv6: true}, report: {},
	nextTick, hrtime, cwd: () => '/', uptime: () => clock() / 1e6, umask: () => 18, getuid: () => 65534, getgid: () => 65534, geteuid: () => 65534, getegid: () => 65534,
	memoryUsage: Object.assign(() => ({rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0}), {rss: () => 0}),
	cpuUsage: () => ({user: Math.floor(clock()), system: 0}), resourceUsage: () => ({}), constrainedMemory: () => 0,
	emitWarning(warning, type) { log('warn', (typeof type === 'string' ? type + ': ' : '') + (warning && warning.message || warning)); },
	exit: refuse('exit'), abort: refuse('abort'), kill: refuse('kill'), chdir: refuse('chdir'), reallyExit: refuse('reallyExit'), dlopen: refuse('dlopen'),
	binding: refuse('binding'), _linkedBinding: refuse('binding'),
	stdout: stream('log'), stderr: stream('error'), stdin: Object.assign(new EventEmitter(), {isTTY: false, fd: 0, resume() {}, pause() {}, setEncoding() {}}),
	getBuiltinModule: name => { try { return globalThis.require(name); } catch (e) { return undefined; } },
	setUncaughtExceptionCaptureCallback() {}, hasUncaughtExceptionCaptureCallback: () => false,
	allowedNodeEnvironmentFlags: new Set(), noDeprecation: true, browser: undefined,
});
delete process.browser;
Object.defineProperty(process, Symbol.toStringTag, {value: 'process', configurable: true}); // axios tells Node by it
void native;
module.exports = process;
