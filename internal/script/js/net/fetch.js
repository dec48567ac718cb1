// fetch, over the server's calls. Both runtimes load this file: it knows the language, the globals of the Fetch standard, and internal.ask.
const {ask} = internal;
const {Headers, Request, Response} = globalThis;
const noBody = new Set([101, 103, 204, 205, 304]);

// What the standard lets no request set.
const forbidden = new Set(['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

function fail(error) {
	const failed = new TypeError('fetch failed');
	failed.cause = error;
	return failed;
}

async function fetch(input, init) {
	const request = new Request(input, init);
	const {signal} = request;
	if (signal.aborted) throw signal.reason;
	if (!/^https?:/.test(request.url)) throw fail(new Error('not implemented... yet...'));
	const body = request.body === null ? '' : Buffer.from(await request.arrayBuffer()).toString('base64');
	const headers = {};
	for (const [name, value] of request.headers) if (!forbidden.has(name)) headers[name] = value;
	if (headers.accept === undefined) headers.accept = '*/*';
	return new Promise((resolve, reject) => {
		const abort = () => reject(signal.reason);
		signal.addEventListener('abort', abort);
		ask('http', {method: request.method, url: request.url, headers, body, timeout: 0, redirects: request.redirect === 'follow' ? 20 : 0}, (error, reply) => {
			signal.removeEventListener('abort', abort);
			if (error) return reject(fail(error));
			if (request.redirect === 'error' && reply.status >= 300 && reply.status < 400 && reply.headers.location) return reject(fail(new Error('unexpected redirect')));
			const given = new Headers();
			for (const name of Object.keys(reply.headers)) for (const value of [].concat(reply.headers[name])) given.append(name, value);
			const bytes = Buffer.from(reply.body, 'base64');
			const response = new Response(noBody.has(reply.status) || request.method === 'HEAD' ? null : bytes, {status: Math.max(reply.status, 200), statusText: reply.statusText, headers: given});
			for (const [name, value] of [['url', reply.url], ['redirected', reply.url !== request.url], ['type', 'basic']]) Object.defineProperty(response, name, {value, enumerable: true, configurable: true});
			resolve(response);
		});
	});
}
exports.fetch = fetch;
