// Node's own zlib. Its streams are made of its functions: they work on what came in when it has ended.
const zlib = internal.native.node('zlib');
const {Buffer} = require('buffer');
module.exports = zlib;

function streamOf(work) {
	return function (options) {
		const {Transform} = require('stream');
		const parts = [];
		const stream = new Transform({
			transform(chunk, encoding, done) {
				parts.push(Buffer.from(chunk, encoding));
				done();
			},
			flush(done) {
				work(Buffer.concat(parts), options || {}, (error, out) => {
					if (!error) this.push(out);
					done(error);
				});
			},
		});
		stream.close = done => { stream.destroy(); if (done) done(); };
		return stream;
	};
}
for (const [name, type] of [['gzip', 'Gzip'], ['gunzip', 'Gunzip'], ['deflate', 'Deflate'], ['inflate', 'Inflate'], ['deflateRaw', 'DeflateRaw'],
	['inflateRaw', 'InflateRaw'], ['unzip', 'Unzip'], ['brotliCompress', 'BrotliCompress'], ['brotliDecompress', 'BrotliDecompress']]) {
	zlib['create' + type] = zlib[type] = streamOf(zlib[name]);
}
