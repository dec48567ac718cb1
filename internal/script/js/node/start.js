// The first words of a Node.js worker, given on its command line: they read the archive from stdin (see nodeArchive in node.go) and start
// worker.js. Everything here and in the files of this folder but realm.js and modules/ runs in the main realm, which no script reaches.
'use strict';
const fs = require('fs');
const read = size => {
	const out = Buffer.allocUnsafe(size);
	for (let at = 0; at < size;) {
		const n = fs.readSync(0, out, at, size - at, null);
		if (n === 0) process.exit(0);
		at += n;
	}
	return out;
};
const archive = read(read(4).readUInt32BE(0));
const head = 4 + archive.readUInt32BE(0), index = JSON.parse(archive.toString('utf8', 4, head));
const file = name => {
	if (!Object.hasOwn(index, name)) return undefined;
	const [at, size, packed] = index[name];
	const part = archive.subarray(head + at, head + at + size);
	return (packed ? require('zlib').gunzipSync(part) : part).toString('utf8');
};
const parts = new Map();
const part = name => {
	if (!parts.has(name)) {
		const {Script} = require('vm');
		const module = {exports: {}};
		parts.set(name, module);
		new Script('(function (module, exports, require, part, file) {' + file('node/' + name + '.js') + '\n})', {filename: 'stagedoor:' + name})
			.runInThisContext()(module, module.exports, require, part, file);
	}
	return parts.get(name).exports;
};
part('worker');
