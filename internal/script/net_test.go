package script

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/outbound"
)

// loopbackNet lets scripts reach this machine, as an operator can.
func loopbackNet() Dialer { return Reach(outbound.Config{AllowPrivate: true, Resolve: knownNames}) }

func knownNames(_ context.Context, host string) ([]netip.Addr, error) {
	switch host {
	case "localhost", "db.example":
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	case "cloud.example":
		return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// askRule runs one rule, an async function body that returns what it found, and returns that.
func askRule(t *testing.T, h *Host, configuration map[string]string, body string) []any {
	t.Helper()
	out, err := h.Rules(context.Background(), Run{
		Tenant: "net", User: json.RawMessage(`{"user_id":"auth0|1"}`), Context: json.RawMessage(`{}`), Configuration: configuration,
		Rules: []Rule{{Name: "net", Source: "async function (user, context, callback) { try { user.out = await (async function () {" + body + "\n})(); callback(null, user, context); } catch (e) { console.error(e); callback(e); } }"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range out.Console {
		t.Log(line.Level, line.Text)
	}
	if out.Failure != nil {
		t.Fatalf("%+v", out.Failure)
	}
	var user struct{ Out []any }
	if err := json.Unmarshal(out.User, &user); err != nil {
		t.Fatal(err)
	}
	return user.Out
}

// eachRuntime runs a test on each runtime.
func eachRuntime(t *testing.T, test func(*testing.T, string)) {
	t.Helper()
	for _, runtime := range runtimes(t) {
		t.Run(runtime, func(t *testing.T) { test(t, runtime) })
	}
}

func wantJSON(t *testing.T, got any, want string) {
	t.Helper()
	if text := marshal(got); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// listen serves each connection with handle.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go handle(conn)
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestSockets(t *testing.T) { eachRuntime(t, testSockets) }

func testSockets(t *testing.T, runtime string) {
	closed := make(chan struct{}, 10)
	port := listen(t, func(conn net.Conn) { // answers lines; ends with the line bye
		defer func() { _ = conn.Close(); closed <- struct{}{} }()
		lines := bufio.NewReader(conn)
		for {
			line, err := lines.ReadString('\n')
			switch {
			case err != nil:
				return
			case line == "bye\n":
				_, _ = io.WriteString(conn, "farewell\n")
				return
			case line == "big\n":
				_, _ = io.WriteString(conn, strings.Repeat("x", 200_000)+"\n")
			default:
				_, _ = io.WriteString(conn, strings.ToUpper(line))
			}
		}
	})
	gone, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	_, refused, _ := net.SplitHostPort(gone.Addr().String())
	_ = gone.Close()
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime), Net: loopbackNet(), Limits: Limits{SocketBytes: 1 << 20}})
	conf := map[string]string{"PORT": port, "REFUSED": refused}

	got := askRule(t, h, conf, `
		const net = require('net'), out = [];
		const s = net.connect({port: +configuration.PORT, host: 'db.example'}, () => out.push('callback'));
		s.setEncoding('utf8');
		s.on('connect', () => out.push('connect ' + s.remoteAddress + ' ' + s.readyState));
		s.write('hello\n'); s.write('wörld\n');
		let text = '';
		s.on('data', d => { text += d; if (text.split('\n').length === 3) s.write('bye\n'); });
		await new Promise((ok, no) => { s.on('end', () => out.push('end')); s.on('close', had => { out.push('close ' + had); ok(); }); s.on('error', no); });
		out.push(text, s.bytesRead > 5, s.bytesWritten, s.destroyed);
		const big = net.createConnection(+configuration.PORT, 'localhost'); let n = 0;
		big.end('big\n'); for await (const part of big) n += part.length;
		out.push(n);
		return out;`)
	wantJSON(t, got, `["callback","connect 127.0.0.1 open","end","close false","HELLO\nWÖRLD\nfarewell\n",true,17,true,200001]`)

	got = askRule(t, h, conf, `
		const net = require('net'), failure = opts => new Promise(ok => net.connect(opts).on('error', e => ok(e.code + ' ' + e.syscall)).on('connect', () => ok('connected')));
		const idle = net.connect(+configuration.PORT, 'localhost'), late = new Promise(ok => idle.on('timeout', () => { idle.destroy(); ok('timeout'); })); idle.setTimeout(20);
		return [await failure({port: +configuration.REFUSED, host: 'localhost'}), await failure({port: 80, host: 'missing.example'}), await failure({port: 80, host: 'cloud.example'}), await failure({path: '/run/x.sock'}),
			await late];`)
	wantJSON(t, got, `["ECONNREFUSED connect","ENOTFOUND getaddrinfo","EACCES connect","ENOENT connect","timeout"]`)

	got = askRule(t, h, conf, `
		const s = require('net').connect(+configuration.PORT, 'localhost');
		s.write('x'.repeat(1100000));
		return [await new Promise(ok => s.on('error', e => ok(e.code)))];`)
	wantJSON(t, got, `["ERESPONSETOOLARGE"]`)

	for len(closed) > 0 {
		<-closed
	}
	began := time.Now()
	wantJSON(t, askRule(t, h, conf, `const s = require('net').connect(+configuration.PORT, 'localhost'); await new Promise(ok => s.on('connect', ok)); return ['left open'];`), `["left open"]`)
	select {
	case <-closed:
		if time.Since(began) > grace {
			t.Error("an idle connection was kept for", time.Since(began))
		}
	case <-time.After(2 * grace):
		t.Error("a connection outlived its run")
	}
}

func TestSocketsRefused(t *testing.T) { eachRuntime(t, testSocketsRefused) }

func testSocketsRefused(t *testing.T, runtime string) {
	port := listen(t, func(conn net.Conn) { _ = conn.Close() })
	body := `const net = require('net'); return [await new Promise(ok => net.connect(+configuration.PORT, '127.0.0.1').on('error', e => ok(e.code)).on('connect', () => ok('connected')))];`
	wantJSON(t, askRule(t, newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime), Net: Reach(outbound.Config{})}), map[string]string{"PORT": port}, body), `["EACCES"]`)
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime)})
	wantJSON(t, askRule(t, h, map[string]string{"PORT": port}, body), `["ECONNREFUSED"]`)
	wantJSON(t, askRule(t, h, nil, `return [await require('dns').promises.lookup('a.example').catch(e => e.code)];`), `["EREFUSED"]`)
}

func TestNames(t *testing.T) { eachRuntime(t, testNames) }

func testNames(t *testing.T, runtime string) {
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime), Net: loopbackNet()})
	wantJSON(t, askRule(t, h, nil, `
		const dns = require('dns'), util = require('util');
		const bad = async p => { try { return await p; } catch (e) { return e.code + ' ' + e.syscall; } };
		return [await dns.promises.lookup('db.example'), await dns.promises.lookup('db.example', {all: true}), await util.promisify(dns.lookup)('localhost'), await dns.promises.resolve4('db.example'), await bad(dns.promises.resolve6('db.example')),
			await bad(dns.promises.lookup('missing.example')), await bad(dns.promises.lookup('cloud.example')), await new Promise(ok => dns.lookup('127.0.0.1', (err, address, family) => ok([err, address, family])))];`),
		`[{"address":"127.0.0.1","family":4},[{"address":"127.0.0.1","family":4}],{"address":"127.0.0.1","family":4},["127.0.0.1"],"ENODATA queryAaaa","ENOTFOUND getaddrinfo","ENOTFOUND getaddrinfo",[null,"127.0.0.1",4]]`)
}

func TestTLS(t *testing.T) { eachRuntime(t, testTLS) }

func testTLS(t *testing.T, runtime string) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "secret ", r.URL.Path) }))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	ca := pemOf(server.Certificate().Raw)
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime), Net: loopbackNet(), HTTP: outbound.New(outbound.Config{AllowPrivate: true})})
	got := askRule(t, h, map[string]string{"PORT": port, "CA": ca}, `
		const tls = require('tls'), net = require('net'), https = require('https'), {Duplex} = require('stream'), port = +configuration.PORT, out = [];
		const talk = (s, path) => new Promise((ok, no) => { let text = ''; s.on('error', no).on('data', d => { text += d; }).on('end', () => ok(text.split('\r\n').pop())); s.write('GET ' + path + ' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'); });
		const fails = s => new Promise(ok => s.on('error', e => ok(e.code)).on('secureConnect', () => ok('connected')));
		let s = tls.connect({port, host: '127.0.0.1', ca: configuration.CA, servername: 'example.com'}, () => out.push(s.authorized, s.getProtocol(), typeof s.getCipher().name, s.getPeerCertificate().subject.O));
		out.push(await talk(s, '/direct'));
		const raw = net.connect(port, '127.0.0.1'); await new Promise(ok => raw.on('connect', ok));
		s = tls.connect({socket: raw, rejectUnauthorized: false}, () => out.push(s.authorized, s.authorizationError)); out.push(await talk(s, '/upgraded'));
		const under = net.connect(port, '127.0.0.1');
		const own = new Duplex({read() {}, write(chunk, e, done) { under.write(chunk, done); }, final(done) { under.end(done); }});
		under.on('data', d => own.push(d)).on('end', () => own.push(null));
		s = tls.connect({socket: own, rejectUnauthorized: false}); out.push(await talk(s, '/tunnelled'));
		const raced = []; // what is fed comes in its order, all of it, before the end
		for (let i = 0; i < 8; i++) {
			const under = net.connect(port, '127.0.0.1'), own = new Duplex({read() {}, write(chunk, e, done) { under.write(chunk, done); }, final(done) { under.end(done); }});
			under.on('data', d => { for (let at = 0; at < d.length; at += 50) own.push(d.subarray(at, at + 50)); }).on('end', () => own.push(null));
			raced.push(talk(tls.connect({socket: own, rejectUnauthorized: false}), '/' + i));
		}
		out.push((await Promise.all(raced)).every((text, i) => text === 'secret /' + i));
		out.push(await fails(tls.connect({port, host: '127.0.0.1'})), await fails(tls.connect({port, host: '127.0.0.1', ca: configuration.CA, servername: 'other.test'})), await fails(tls.connect({port, host: '127.0.0.1', ca: configuration.CA, checkServerIdentity: () => Object.assign(new Error('mine'), {code: 'MINE'})})));
		const get = opts => new Promise(ok => https.get(Object.assign({host: '127.0.0.1', port, path: '/https'}, opts), res => { let text = ''; res.on('data', d => { text += d; }).on('end', () => ok(text)); }).on('error', e => ok(e.code)));
		out.push(await get({}), await get({rejectUnauthorized: false}), await get({ca: configuration.CA, servername: 'example.com'}), await get({agent: new https.Agent({rejectUnauthorized: false})}));
		return out;`)
	wantJSON(t, got, `[true,"TLSv1.3","string","Acme Co","secret /direct",false,"DEPTH_ZERO_SELF_SIGNED_CERT","secret /upgraded","secret /tunnelled",true,"DEPTH_ZERO_SELF_SIGNED_CERT","ERR_TLS_CERT_ALTNAME_INVALID","MINE","UNABLE_TO_VERIFY_LEAF_SIGNATURE","secret /https","secret /https","secret /https"]`)
}

func TestTLSByHand(t *testing.T) { eachRuntime(t, testTLSByHand) }

// testTLSByHand: who makes a tls.TLSSocket looks at the certificate when it is secure. Only tls.connect refuses one by itself.
func testTLSByHand(t *testing.T, runtime string) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "secret ", r.URL.Path) }))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime), Net: loopbackNet()})
	got := askRule(t, h, map[string]string{"PORT": port, "CA": pemOf(server.Certificate().Raw)}, `
		const tls = require('tls'), net = require('net'), {Duplex} = require('stream'), out = [];
		const through = () => { // a stream of the script's own
			const under = net.connect(+configuration.PORT, '127.0.0.1');
			under.on('data', d => own.push(d)).on('end', () => own.push(null));
			const own = new Duplex({read() {}, write(chunk, e, done) { under.write(chunk, done); }, final(done) { under.end(done); }});
			return own;
		};
		for (const options of [{}, {rejectUnauthorized: true}, {ca: configuration.CA}, {ca: configuration.CA, servername: 'other.test', checkServerIdentity: () => new Error('not asked')}]) {
			for (const raw of [net.connect(+configuration.PORT, '127.0.0.1'), through()]) {
				const s = new tls.TLSSocket(raw, options);
				out.push(await new Promise(ok => s.on('error', e => ok('refused: ' + e.code)).on('secure', () => {
					const e = s.ssl.verifyError();
					ok([s.authorized, s.authorizationError, e && e.code, e && e.message, s.getPeerCertificate().subject.O]);
				})));
				s.destroy();
			}
			const judged = tls.connect(Object.assign({socket: net.connect(+configuration.PORT, '127.0.0.1')}, options));
			out.push(await new Promise(ok => judged.on('error', e => ok(e.code || e.message)).on('secureConnect', () => ok('secure'))));
			judged.destroy();
		}
		return out;`)
	const self, good = `[false,"DEPTH_ZERO_SELF_SIGNED_CERT","DEPTH_ZERO_SELF_SIGNED_CERT","self-signed certificate","Acme Co"]`, `[true,null,null,null,"Acme Co"]`
	const name = `[false,"ERR_TLS_CERT_ALTNAME_INVALID","ERR_TLS_CERT_ALTNAME_INVALID","Hostname/IP does not match certificate's altnames","Acme Co"]`
	wantJSON(t, got, "["+strings.Join([]string{self, self, `"DEPTH_ZERO_SELF_SIGNED_CERT"`, self, self, `"DEPTH_ZERO_SELF_SIGNED_CERT"`, good, good, `"secure"`, name, name, `"not asked"`}, ",")+"]")
}

func TestTLSBehindWrites(t *testing.T) { eachRuntime(t, testTLSBehindWrites) }

// testTLSBehindWrites: what was written to a connection goes out in the clear before TLS begins on it, as clients of MySQL count on, which ask for TLS and
// begin it at once.
func testTLSBehindWrites(t *testing.T, runtime string) {
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	port := listen(t, func(conn net.Conn) {
		asked := make([]byte, 1<<19+4)
		if _, err := io.ReadFull(conn, asked); err == nil {
			secure := tls.Server(conn, web.TLS)
			_, _ = fmt.Fprintf(secure, "secret %s", asked[len(asked)-4:])
			_ = secure.CloseWrite()
		}
		_ = conn.Close()
	})
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime), Net: loopbackNet()})
	got := askRule(t, h, map[string]string{"PORT": port}, `
		const tls = require('tls'), net = require('net'), out = [];
		const read = s => new Promise((ok, no) => { let text = ''; s.on('error', no).on('data', d => { text += d; }).on('end', () => ok(text)); });
		for (const ready of [true, false]) {
			const raw = net.connect(+configuration.PORT, '127.0.0.1');
			if (ready) await new Promise(ok => raw.on('connect', ok));
			raw.write(Buffer.alloc(1 << 19));
			raw.write('tls!');
			out.push(await read(tls.connect({socket: raw, rejectUnauthorized: false})));
		}
		return out;`)
	wantJSON(t, got, `["secret tls!","secret tls!"]`)
}

func TestHTTPModule(t *testing.T) { eachRuntime(t, testHTTPModule) }

func testHTTPModule(t *testing.T, runtime string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/echo", http.StatusFound)
		case "/slow":
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Second):
			}
		case "/broken":
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		default:
			w.Header().Add("Set-Cookie", "a=1")
			w.Header().Add("Set-Cookie", "b=2")
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.URL, r.Header.Get("X-Own"), r.Header.Get("Authorization"), body)
		}
	}))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime), HTTP: outbound.New(outbound.Config{AllowPrivate: true})})
	got := askRule(t, h, map[string]string{"PORT": port}, `
		const http = require('http'), {Readable} = require('stream'), port = +configuration.PORT, base = 'http://127.0.0.1:' + port, out = [];
		const read = async res => { let text = ''; res.setEncoding('utf8'); for await (const part of res) text += part; return text; };
		const answer = req => new Promise((ok, no) => req.on('response', ok).on('error', no));
		const failed = req => new Promise(ok => req.on('error', e => ok(e.code + ' ' + e.message.split(' ')[0])).on('response', () => ok('answered')));
		let res = await answer(http.get(base + '/echo?q=1')); out.push(res.statusCode, res.statusMessage, res.headers['set-cookie'], res.rawHeaders.length % 2, await read(res), res.complete);
		const req = http.request({method: 'post', host: '127.0.0.1', port, path: '/p', headers: {'X-Own': ['1', '2']}, auth: 'u:p'}); req.setHeader('content-type', 'text/plain');
		out.push(req.getHeader('Content-Type'), req.method, req.path, req instanceof http.ClientRequest); req.write('one '); req.end(Buffer.from('two')); res = await answer(req); out.push(await read(res));
		const piped = http.request(base + '/pipe', {method: 'PUT'}); Readable.from(['a', 'b']).pipe(piped); out.push(await read(await answer(piped)));
		res = await answer(http.get(base + '/moved')); out.push(res.statusCode, res.headers.location); res.resume();
		out.push(await failed(http.get('http://127.0.0.1:1/')), await failed(http.get(base + '/broken')), await failed(http.get('http://missing.invalid/')));
		const slow = http.get(base + '/slow', {timeout: 30}); slow.on('timeout', () => { out.push('timeout'); slow.destroy(); }); out.push(await failed(slow));
		const aborted = http.get(base + '/slow'); setTimeout(() => aborted.abort(), 10); out.push(await failed(aborted), aborted.aborted, aborted.destroyed);
		const c = new AbortController(), signalled = http.get(base + '/slow', {signal: c.signal}); setTimeout(() => c.abort(), 10); out.push(await failed(signalled));
		for (const bad of [() => http.get('https://x/'), () => http.request({headers: {'bad name': 1}}), () => http.request({path: '/a b'}), () => http.createServer()]) try { bad(); out.push('fine'); } catch (e) { out.push(e.code); }
		out.push(http.STATUS_CODES[404], http.METHODS.includes('PATCH'), typeof http.globalAgent, new http.Agent({keepAlive: true}).keepAlive);
		return out;`)
	wantJSON(t, got, `[201,"Created",["a=1","b=2"],0,"GET /echo?q=1   ",true,"text/plain","POST","/p",true,"POST /p 1, 2 Basic dTpw one two","PUT /pipe   ab",302,"/echo","ECONNREFUSED connect","ECONNRESET socket","ENOTFOUND getaddrinfo","timeout","ECONNRESET socket","ECONNRESET socket",true,true,"ABORT_ERR The","ERR_INVALID_PROTOCOL","ERR_INVALID_HTTP_TOKEN","ERR_UNESCAPED_CHARACTERS","ERR_FEATURE_UNAVAILABLE_ON_PLATFORM","Not Found",true,"object",true]`)
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
