// Node's fs over no files at all: reading finds nothing, writing is refused.
const failed = (code, call, path) => Object.assign(new Error(code + (code === 'ENOENT' ? ': no such file or directory, ' : ': read-only file system, ') + call + " '" + path + "'"),
	{errno: code === 'ENOENT' ? -2 : -30, code, syscall: call, path: String(path)});
const reading = {access: 'access', open: 'open', readFile: 'open', readdir: 'scandir', readlink: 'readlink', realpath: 'lstat', stat: 'stat', lstat: 'lstat', opendir: 'opendir', statfs: 'statfs'};
const writing = {appendFile: 'open', chmod: 'chmod', chown: 'chown', copyFile: 'copyfile', cp: 'cp', link: 'link', mkdir: 'mkdir', mkdtemp: 'mkdtemp', rename: 'rename', rm: 'rm',
	rmdir: 'rmdir', symlink: 'symlink', truncate: 'open', unlink: 'unlink', utimes: 'utime', writeFile: 'open'};
const fs = {}, promises = {};
for (const [table, code] of [[reading, 'ENOENT'], [writing, 'EROFS']]) {
	for (const name of Object.keys(table)) {
		fs[name + 'Sync'] = (path, options) => {
			if (code === 'ENOENT' && options && options.throwIfNoEntry === false) return undefined;
			throw failed(code, table[name], path);
		};
		fs[name] = (path, ...rest) => {
			const done = rest.pop();
			if (typeof done !== 'function') throw Object.assign(new TypeError('The "cb" argument must be of type function'), {code: 'ERR_INVALID_ARG_TYPE'});
			internal.nextTick(done, failed(code, table[name], path));
		};
		promises[name] = path => Promise.reject(failed(code, table[name], path));
	}
}
fs.existsSync = () => false;
fs.exists = (path, done) => internal.nextTick(done, false);
fs.createReadStream = path => {
	const {Readable} = require('stream');
	return new Readable({read() { this.destroy(failed('ENOENT', 'open', path)); }});
};
fs.createWriteStream = path => {
	const {Writable} = require('stream');
	const out = new Writable({write(chunk, encoding, done) { done(failed('EROFS', 'open', path)); }});
	internal.nextTick(() => out.destroy(failed('EROFS', 'open', path)));
	return out;
};
fs.watch = fs.watchFile = path => { throw failed('ENOENT', 'watch', path); };
fs.unwatchFile = () => {};
fs.constants = promises.constants = {F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024, COPYFILE_EXCL: 1,
	S_IFMT: 61440, S_IFREG: 32768, S_IFDIR: 16384, S_IFLNK: 40960};
Object.assign(fs, {F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1});
fs.Stats = class Stats {};
fs.Dirent = class Dirent {};
fs.ReadStream = class ReadStream {};
fs.WriteStream = class WriteStream {};
fs.realpath.native = fs.realpath;
fs.realpathSync.native = fs.realpathSync;
fs.promises = promises;
module.exports = fs;
