package script

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf16"
)

// tdsServer answers like Microsoft's SQL Server as far as its clients need it to sign in and ask for a row (MS-TDS 2.2): a batch
// or a call that names the e-mail of its one person gets that row, "nonsense" gets an error, and everything else no row.
// With a certificate it asks for TLS, whose handshake travels in packets of the greeting.
type tdsServer struct {
	net.Conn
	secure *tls.Config
}

const (
	tdsBatch    = 0x01
	tdsCall     = 0x03
	tdsLogin    = 0x10
	tdsGreeting = 0x12
	tdsEmail    = "zażółć@example.com"
)

func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func short(s string) []byte { return append([]byte{byte(len(utf16.Encode([]rune(s))))}, wide(s)...) }

// receive reads one message, which may be several packets.
func (s *tdsServer) receive() (kind byte, body []byte, err error) {
	for {
		var head [8]byte
		if _, err := io.ReadFull(s, head[:]); err != nil {
			return 0, nil, err
		}
		part := make([]byte, int(binary.BigEndian.Uint16(head[2:]))-len(head))
		if _, err := io.ReadFull(s, part); err != nil {
			return 0, nil, err
		}
		if body = append(body, part...); head[1]&1 != 0 {
			return head[0], body, nil
		}
	}
}

func (s *tdsServer) send(kind byte, body ...[]byte) error {
	all := bytes.Join(body, nil)
	head := []byte{kind, 1, 0, 0, 0, 0, 1, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(all)+len(head)))
	_, err := s.Write(append(head, all...))
	return err
}

func (s *tdsServer) answer(tokens ...[]byte) error { return s.send(0x04, tokens...) }

func tdsToken(kind byte, body ...[]byte) []byte {
	all := bytes.Join(body, nil)
	return append(binary.LittleEndian.AppendUint16([]byte{kind}, uint16(len(all))), all...)
}

func tdsDone(kind byte, status uint16, rows uint64) []byte {
	out := binary.LittleEndian.AppendUint16([]byte{kind}, status)
	return binary.LittleEndian.AppendUint64(append(out, 0xc1, 0), rows)
}

func tdsError(number uint32, text string) []byte {
	return tdsToken(0xaa, binary.LittleEndian.AppendUint32(nil, number), []byte{1, 14}, binary.LittleEndian.AppendUint16(nil, uint16(len(utf16.Encode([]rune(text))))), wide(text), short("server"), short(""), []byte{1, 0, 0, 0})
}

// tdsRows is one row of an INT and an NVARCHAR, or none.
func tdsRows(some bool) []byte {
	collation := []byte{9, 4, 0xd0, 0, 52}
	out := []byte{0x81, 2, 0, 0, 0, 0, 0, 9, 0, 0x26, 4}
	out = append(append(out, short("id")...), 0, 0, 0, 0, 9, 0, 0xe7, 200, 0)
	out = append(append(out, collation...), short("email")...)
	if some {
		email := wide(tdsEmail)
		out = append(out, 0xd1, 4, 42, 0, 0, 0)
		out = append(binary.LittleEndian.AppendUint16(out, uint16(len(email))), email...)
	}
	return out
}

// login reads the name and the password of the one who signs in (MS-TDS 2.2.6.4).
func tdsCredentials(body []byte) (user, password string) {
	text := func(at int) []byte {
		from, n := int(binary.LittleEndian.Uint16(body[at:])), int(binary.LittleEndian.Uint16(body[at+2:]))*2
		return bytes.Clone(body[from : from+n])
	}
	decode := func(b []byte) string {
		u := make([]uint16, len(b)/2)
		for i := range u {
			u[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		return string(utf16.Decode(u))
	}
	hidden := text(44)
	for i, c := range hidden {
		c ^= 0xa5
		hidden[i] = c<<4 | c>>4
	}
	return decode(text(40)), decode(hidden)
}

func (s *tdsServer) serve() error {
	for {
		kind, body, err := s.receive()
		if err != nil {
			return err
		}
		switch kind {
		case tdsGreeting:
			err = s.greet()
		case tdsLogin:
			if user, password := tdsCredentials(body); user != "app" || password != "secret" {
				err = s.answer(tdsError(18456, "Login failed for user '"+user+"'."), tdsDone(0xfd, 2, 0))
				break
			}
			err = s.answer(tdsToken(0xad, []byte{1, 0x74, 0, 0, 4}, short("Microsoft SQL Server"), []byte{15, 0, 0, 0}), tdsToken(0xe3, []byte{4}, short("4096"), short("4096")), tdsDone(0xfd, 0, 0))
		case tdsBatch, tdsCall:
			done, more := byte(0xfd), []byte(nil)
			if kind == tdsCall {
				done, more = 0xff, append([]byte{0x79, 0, 0, 0, 0}, tdsDone(0xfe, 0, 0)...)
			}
			found := bytes.Contains(body, wide(tdsEmail))
			switch {
			case bytes.Contains(body, wide("nonsense")):
				err = s.answer(tdsError(208, "Invalid object name 'nonsense'."), tdsDone(done, 2, 0), more)
			case bytes.Contains(body, wide("SELECT id")) && found:
				err = s.answer(tdsRows(true), tdsDone(done, 0x10, 1), more)
			case bytes.Contains(body, wide("SELECT id")):
				err = s.answer(tdsRows(false), tdsDone(done, 0x10, 0), more)
			default:
				err = s.answer(tdsDone(done, 0, 0), more)
			}
		default:
			err = errors.New("a packet of an unknown kind")
		}
		if err != nil {
			return err
		}
	}
}

// greet answers the greeting, and changes to TLS if it is wanted.
func (s *tdsServer) greet() error {
	encryption := byte(2) // not to be had
	if s.secure != nil {
		encryption = 1
	}
	if err := s.answer([]byte{0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 15, 0, 0, 0, 0, 0, encryption}); err != nil || s.secure == nil {
		return err
	}
	shaking := &tdsHandshake{Conn: s.Conn}
	secure := tls.Server(shaking, s.secure)
	if err := secure.Handshake(); err != nil {
		return err
	}
	shaking.over = true
	s.Conn = secure
	return nil
}

// tdsHandshake wraps the records of a TLS handshake into packets of the greeting.
type tdsHandshake struct {
	net.Conn
	got  []byte
	over bool
}

func (c *tdsHandshake) Read(p []byte) (int, error) {
	if len(c.got) == 0 {
		if c.over {
			return c.Conn.Read(p)
		}
		_, body, err := (&tdsServer{Conn: c.Conn}).receive()
		if err != nil {
			return 0, err
		}
		c.got = body
	}
	n := copy(p, c.got)
	c.got = c.got[n:]
	return n, nil
}

func (c *tdsHandshake) Write(p []byte) (int, error) {
	if c.over {
		return c.Conn.Write(p)
	}
	return len(p), (&tdsServer{Conn: c.Conn}).send(tdsGreeting, p)
}

// tdsPort starts a server; its port.
func tdsPort(t *testing.T, secure *tls.Config) string {
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
			go func() {
				defer func() { _ = conn.Close() }()
				if err := (&tdsServer{conn, secure}).serve(); err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
					t.Logf("tds: %v", err)
				}
			}()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestSQLServer drives the published clients of Microsoft's SQL Server against a server that speaks its protocol.
func TestSQLServer(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	secure := web.TLS.Clone()
	secure.NextProtos, secure.MaxVersion = nil, tls.VersionTLS12 // the tickets of 1.3 come after the handshake
	conf := map[string]string{"PORT": tdsPort(t, nil), "TLS": tdsPort(t, secure), "EMAIL": tdsEmail}
	t.Run("tedious", func(t *testing.T) {
		both(t, func(t *testing.T, h *Host) {
			wantJSON(t, askRule(t, h, conf, `
				const {Connection, Request, TYPES} = require('tedious@11.0.3'), out = [];
				for (const [port, encrypt] of [[configuration.PORT, false], [configuration.TLS, true]]) {
					const options = {server: '127.0.0.1', authentication: {type: 'default', options: {userName: 'app', password: 'secret'}}, options: {port: +port, encrypt, trustServerCertificate: true, rowCollectionOnRequestCompletion: true}};
					const open = options => new Promise((ok, no) => { const c = new Connection(options); c.on('connect', e => e ? no(e) : ok(c)); c.connect(); });
					const c = await open(options);
					const ask = (sql, email) => new Promise((ok, no) => { const r = new Request(sql, (e, n, rows) => e ? no(e) : ok([n, rows.map(row => row.map(cell => cell.value))])); if (email) r.addParameter('email', TYPES.NVarChar, email); c.execSql(r); });
					out.push(await ask('SELECT id, email FROM people WHERE email = @email', configuration.EMAIL), await ask('SELECT id FROM people WHERE email = @email', 'b@example.com'), await ask('nonsense').catch(e => [e.number, e.message])); c.close();
					out.push(await open(Object.assign({}, options, {authentication: {type: 'default', options: {userName: 'app', password: 'wrong'}}})).catch(e => [e.code, e.message]));
				}
				return out;`), `[[1,[[42,"zażółć@example.com"]]],[0,[]],[208,"Invalid object name 'nonsense'."],["ELOGIN","Login failed for user 'app'."],[1,[[42,"zażółć@example.com"]]],[0,[]],[208,"Invalid object name 'nonsense'."],["ELOGIN","Login failed for user 'app'."]]`)
		})
	})
	t.Run("sqlserver", func(t *testing.T) { // the global of the templates of database scripts
		both(t, func(t *testing.T, h *Host) {
			wantJSON(t, askRule(t, h, conf, `
				const out = [];
				for (const [port, encrypt] of [[configuration.PORT, false], [configuration.TLS, true]]) out.push(await new Promise((ok, no) => {
					const connection = sqlserver.connect({userName: 'app', password: 'secret', server: '127.0.0.1', options: {port: +port, encrypt, rowCollectionOnRequestCompletion: true}});
					connection.on('connect', err => {
						if (err) return no(err);
						const request = new sqlserver.Request('SELECT id, email FROM people WHERE email = @email', (err, count, rows) => { err ? no(err) : ok([count, rows[0][0].value, rows[0][1].value]); connection.close(); });
						request.addParameter('email', sqlserver.Types.NVarChar, configuration.EMAIL);
						connection.execSql(request);
					});
				}).catch(e => e.message));
				return out;`), `[[1,42,"zażółć@example.com"],[1,42,"zażółć@example.com"]]`)
		})
	})
	t.Run("mssql", func(t *testing.T) {
		both(t, func(t *testing.T, h *Host) {
			wantJSON(t, askRule(t, h, conf, `
				const sql = require('mssql'), out = [];
				for (const [port, encrypt] of [[configuration.PORT, false], [configuration.TLS, true]]) {
					const pool = await new sql.ConnectionPool({user: 'app', password: 'secret', server: '127.0.0.1', port: +port, options: {encrypt, trustServerCertificate: true}}).connect();
					out.push((await pool.request().input('email', sql.NVarChar, configuration.EMAIL).query('SELECT id, email FROM people WHERE email = @email')).recordset, await pool.request().query('nonsense').catch(e => e.code));
					await pool.close();
				}
				return out;`), `[[{"email":"zażółć@example.com","id":42}],"EREQUEST",[{"email":"zażółć@example.com","id":42}],"EREQUEST"]`)
		})
	})
}

// TestHandshakeMisuse sends what only a broken worker would.
func TestHandshakeMisuse(t *testing.T) {
	j := &job{ctx: t.Context(), host: newHost(t, Config{})}
	ask := func(c socketCall) string {
		s, err := j.socket(c.Socket)
		if err != nil {
			return err.Error()
		}
		got, err := j.shake(s, c)
		if err != nil {
			return err.Error()
		}
		return got.(string)
	}
	if _, err := j.tunnel(); err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	defer server.Close()
	if _, err := j.keep(client); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]socketCall{
		"no handshake has begun": {Socket: 1},
		"not a tunnel":           {Socket: 3, Plain: 2},
		"This socket has been ended by the other party": {Socket: 1, Plain: 7},
	} {
		if got := ask(c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := ask(socketCall{Socket: 1, Plain: 2}); !strings.Contains(got, `"data"`) || strings.Contains(got, `"state"`) {
		t.Errorf("the first turn: %s", got)
	}
	if got := ask(socketCall{Socket: 1, Data: []byte("HTTP/1.1 400 Bad Request\r\n\r\n")}); !strings.Contains(got, "ERR_SSL_WRONG_VERSION_NUMBER") {
		t.Errorf("what is no TLS: %s", got)
	}
}
