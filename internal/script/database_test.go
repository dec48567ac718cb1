package script

import (
	"bytes"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The published clients of databases, as scripts use them, against real servers.

// missing skips a test whose server is not installed, or fails it in CI.
func missingServer(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("no %s: scripts/install installs it", what)
	}
	t.Skipf("no %s here", what)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// program finds a command of Debian's, also where only root's PATH leads.
func program(names ...string) string {
	for _, name := range names {
		for _, dir := range []string{"", "/usr/sbin/", "/usr/bin/"} {
			path, err := exec.LookPath(dir + name)
			if err == nil {
				path, err = filepath.Abs(path)
			}
			if err == nil {
				return path
			}
		}
	}
	return ""
}

// serveUntilEnd starts a server and waits until ready says that it is there.
func serveUntilEnd(t *testing.T, ready func() error, command string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(command, args...) //nolint:gosec,noctx // a test's server
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-gone })
	for end := time.Now().Add(60 * time.Second); ; {
		err := ready()
		if err == nil {
			return
		}
		select {
		case <-gone:
			t.Fatalf("%s ended: %s", command, said.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not answer: %v", command, err)
		}
	}
}

func dials(port string) func() error {
	return func() error {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second) //nolint:noctx // a test
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
}

// both runs a case on each runtime.
func both(t *testing.T, test func(*testing.T, *Host)) {
	t.Helper()
	eachRuntime(t, func(t *testing.T, runtime string) {
		test(t, newHost(t, Config{Workers: 1, Net: loopbackNet(), Node: installed().path, Runtime: always(runtime)}))
	})
}

// again runs a script that keeps a client or a pool on `global` three times: what is left there of a run whose connections are gone must not
// break the next one.
func again(t *testing.T, h *Host, conf map[string]string, body, want string) {
	t.Helper()
	for range 3 {
		wantJSON(t, askRule(t, h, conf, body), want)
	}
}

func TestPostgres(t *testing.T) {
	at := os.Getenv("STAGEDOOR_TEST_POSTGRES")
	if at == "" {
		missingServer(t, "PostgreSQL (STAGEDOOR_TEST_POSTGRES)")
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	conf := map[string]string{"URL": at, "HOST": u.Hostname(), "PORT": u.Port(), "USER": u.User.Username(), "PASSWORD": password, "DATABASE": strings.TrimPrefix(u.Path, "/")}
	both(t, func(t *testing.T, h *Host) {
		wantJSON(t, askRule(t, h, conf, `
			const {Client, Pool} = require('pg'), out = [];
			const client = new Client({connectionString: configuration.URL}); await client.connect();
			await client.query('CREATE TEMP TABLE people (id serial, email text, born date, data jsonb, raw bytea, big int8)');
			await client.query('INSERT INTO people (email, born, data, raw, big) VALUES ($1, $2, $3, $4, $5)', ['zażółć@example.com', '2000-01-02', {a: [1]}, Buffer.from([0, 255]), '9007199254740993']);
			const {rows, rowCount, fields} = await client.query('SELECT id, email, data, raw, big, now() AS at FROM people WHERE email = $1', ['zażółć@example.com']);
			out.push(rowCount, rows[0].id, rows[0].email, rows[0].data, rows[0].raw.toString('hex'), rows[0].big, rows[0].at instanceof Date, fields.map(f => f.name).join());
			out.push(await client.query('SELECT nonsense').catch(e => e.code), (await client.query({text: 'SELECT generate_series(1, 3) AS n', rowMode: 'array'})).rows);
			await client.end();
			const pool = new Pool({host: configuration.HOST, port: +configuration.PORT, user: configuration.USER, password: configuration.PASSWORD, database: configuration.DATABASE, max: 3});
			out.push((await Promise.all([1, 2, 3, 4].map(n => pool.query('SELECT $1::int * 2 AS n', [n])))).map(r => r.rows[0].n));
			await pool.end();
			out.push(await new Client({host: configuration.HOST, port: +configuration.PORT, user: configuration.USER, password: 'wrong', database: 'postgres'}).connect().catch(e => e.code));
			out.push(await new Promise(ok => { const c = new Client(configuration.URL); c.connect(err => c.query('SELECT 7 AS n', (err, res) => { ok([err, res.rows[0].n]); c.end(); })); }));
			out.push(await new Promise(ok => require('pg').connect(configuration.URL, (err, c, done) => c.query('SELECT 8 AS n', (err, res) => { done(); ok([err, res.rows[0].n]); require('pg').end(); }))));
			const knex = Knex({client: 'pg', connection: configuration.URL, pool: {min: 0, max: 2}});
			out.push(await knex.select(knex.raw('?::text AS email', ["o'neil@example.com"])), await knex.raw('SELECT nonsense').catch(e => e.code), await knex.transaction(tx => tx.raw('SELECT 4 AS n')).then(r => r.rows));
			await knex.destroy();
			out.push(await new Promise(ok => postgres(configuration.URL, (err, c, done) => c.query('SELECT 9 AS n', (err, res) => { done(); ok(res.rows[0].n); }))));
			return out;`),
			`[1,1,"zażółć@example.com",{"a":[1]},"00ff","9007199254740993",true,"id,email,data,raw,big,at","42703",[[1],[2],[3]],[2,4,6,8],"28P01",[null,7],[null,8],[{"email":"o'neil@example.com"}],"42703",[{"n":4}],9]`)
		again(t, h, conf, `
			const {Client, Pool} = require('pg'), options = {connectionString: configuration.URL};
			global.pool = global.pool || new Pool(options);
			global.db = global.db || {pool: new Pool(options), made: Date.now()};
			if (!global.connected) { global.client = new Client(options); global.connecting = global.client.connect(); await global.connecting; global.connected = true; }
			await global.connecting;
			global.query = global.query || (text => global.pool.query(text));
			return (await Promise.all([global.pool, global.db.pool, global.client].map(c => c.query('SELECT 1 AS n')).concat(global.query('SELECT 2 AS n')))).map(r => r.rows[0].n);`,
			`[1,1,1,2]`)
	})
}

// TestDatabaseGuide runs the example of docs/guide/scripts.md.
func TestDatabaseGuide(t *testing.T) {
	at := os.Getenv("STAGEDOOR_TEST_POSTGRES")
	if at == "" {
		missingServer(t, "PostgreSQL (STAGEDOOR_TEST_POSTGRES)")
	}
	page, err := os.ReadFile("../../docs/guide/scripts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "## Databases")
	_, rest, js := strings.Cut(rest, "```js\n")
	rule, _, end := strings.Cut(rest, "```")
	if !found || !js || !end {
		t.Fatal("the guide has no example")
	}
	conf := map[string]string{"LOYALTY_DATABASE": at}
	both(t, func(t *testing.T, h *Host) {
		table := "loyalty_" + strconv.FormatInt(time.Now().UnixNano(), 36)
		askRule(t, h, conf, "const c = new (require('pg').Client)(configuration.LOYALTY_DATABASE); await c.connect(); await c.query('CREATE TABLE "+table+" AS SELECT $1::text AS email, $2::text AS tier', ['a@example.com', 'gold']); await c.end(); return [];")
		t.Cleanup(func() {
			askRule(t, h, conf, "const c = new (require('pg').Client)(configuration.LOYALTY_DATABASE); await c.connect(); await c.query('DROP TABLE "+table+"'); await c.end(); return [];")
		})
		out, err := h.Rules(t.Context(), Run{
			Tenant: "net", User: json.RawMessage(`{"user_id":"auth0|1","email":"a@example.com"}`), Context: json.RawMessage(`{"idToken":{}}`), Configuration: conf,
			Rules: []Rule{{Name: "loyalty", Source: strings.ReplaceAll(rule, "FROM loyalty", "FROM "+table)}},
		})
		if err != nil || out.Failure != nil || !strings.Contains(string(out.Context), `"https://mixtape.example/tier":"gold"`) {
			t.Errorf("%v %+v %s", err, out.Failure, out.Context)
		}
	})
}

// mariaDB is a private server, started once, for the tests of this program; its port.
func mariaDB(t *testing.T) string {
	t.Helper()
	server, install := program("mariadbd", "mysqld"), program("mariadb-install-db", "mysql_install_db")
	if server == "" || install == "" {
		missingServer(t, "MariaDB")
	}
	dir := t.TempDir()
	user := []string{}
	if os.Getuid() == 0 {
		user = append(user, "--user=root")
	}
	if out, err := exec.Command(install, append(user, "--no-defaults", "--datadir="+dir+"/data", "--auth-root-authentication-method=normal", "--skip-test-db")...).CombinedOutput(); err != nil { //nolint:gosec,noctx // a test
		t.Fatalf("%v: %s", err, out)
	}
	sql := filepath.Join(dir, "init.sql")
	text := "SET NAMES utf8mb4;\n" + "CREATE DATABASE app CHARACTER SET utf8mb4;\nCREATE USER 'app'@'%' IDENTIFIED BY 'secret';\nGRANT ALL ON app.* TO 'app'@'%';\nDELETE FROM mysql.global_priv WHERE user = '';\nFLUSH PRIVILEGES;\n" +
		"CREATE TABLE app.people (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(100), password VARCHAR(100), data BLOB, at DATETIME);\n" +
		"INSERT INTO app.people (email, password, data, at) VALUES ('zażółć@example.com', 'pw', x'00ff', '2020-01-02 03:04:05');\n"
	if err := os.WriteFile(sql, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	serveUntilEnd(t, dials(port), server, append([]string{
		"--no-defaults", "--datadir=" + dir + "/data", "--port=" + port, "--bind-address=127.0.0.1", "--socket=" + dir + "/s",
		"--pid-file=" + dir + "/pid", "--init-file=" + sql, "--innodb-buffer-pool-size=16M", "--innodb-flush-method=fsync", "--skip-log-bin",
	}, user...)...)
	return port
}

func TestMySQL(t *testing.T) {
	conf := map[string]string{"PORT": mariaDB(t)}
	both(t, func(t *testing.T, h *Host) {
		wantJSON(t, askRule(t, h, conf, `
			const out = [], options = {host: '127.0.0.1', port: +configuration.PORT, user: 'app', password: 'secret', database: 'app'};
			const mysql = require('mysql'), connection = mysql.createConnection(options);
			const query = (...args) => new Promise((ok, no) => connection.query(...args, (err, rows) => err ? no(err) : ok(rows)));
			await new Promise((ok, no) => connection.connect(err => err ? no(err) : ok()));
			const rows = await query('SELECT id, email, data, at FROM people WHERE email = ?', ['zażółć@example.com']);
			out.push(rows.length, rows[0].email, rows[0].data.toString('hex'), rows[0].at.getUTCFullYear());
			out.push((await query('UPDATE people SET password = ? WHERE id = ?', ['next', rows[0].id])).affectedRows, await query('SELECT nonsense').catch(e => e.code));
			await new Promise(ok => connection.end(ok));
			out.push(await new Promise(ok => mysql.createConnection(Object.assign({}, options, {password: 'wrong'})).connect(err => ok(err.code))));
			const pool = mysql.createPool(Object.assign({connectionLimit: 2}, options)); out.push(await new Promise((ok, no) => pool.query('SELECT 1 + 1 AS n', (err, rows) => err ? no(err) : ok(rows[0].n)))); await new Promise(ok => pool.end(ok));
			out.push(await new Promise((ok, no) => mysql_pool(options).query('SELECT 6 AS n', (err, rows) => err ? no(err) : ok(rows[0].n))));
			const callable = mysql(options); callable.connect(); out.push(await new Promise((ok, no) => callable.query('SELECT 5 AS n', (err, rows) => err ? no(err) : ok(rows[0].n))), mysql.escape("it's")); callable.end();
			return out;`), `[1,"zażółć@example.com","00ff",2020,1,"ER_BAD_FIELD_ERROR","ER_ACCESS_DENIED_ERROR",2,6,5,"'it\\'s'"]`)
		wantJSON(t, askRule(t, h, conf, `
			const mysql = require('mysql2/promise'), out = [];
			const c = await mysql.createConnection({host: '127.0.0.1', port: +configuration.PORT, user: 'app', password: 'secret', database: 'app'});
			const [rows] = await c.execute('SELECT email, data FROM people WHERE id = ?', [1]); out.push(rows[0].email, rows[0].data.length);
			out.push((await c.query('SELECT 1 AS a; ').catch(e => [[e.code]]))[0][0], await c.query('nonsense').catch(e => e.code)); await c.end();
			return out;`), `["zażółć@example.com",2,{"a":1},"ER_PARSE_ERROR"]`)
		again(t, h, conf, `
			const options = {host: '127.0.0.1', port: +configuration.PORT, user: 'app', password: 'secret', database: 'app'};
			global.pool = global.pool || require('mysql').createPool(options);
			global.pool2 = global.pool2 || require('mysql2/promise').createPool(options);
			if (!global.ready) { global.connection = require('mysql2').createConnection(options); global.ready = true; }
			return [await new Promise((ok, no) => global.pool.query('SELECT 1 AS n', (err, rows) => err ? no(err) : ok(rows[0].n))), (await global.pool2.query('SELECT 2 AS n'))[0][0].n,
				await new Promise((ok, no) => global.connection.query('SELECT 3 AS n', (err, rows) => err ? no(err) : ok(rows[0].n))),
				await new Promise((ok, no) => mysql_pool(options).query('SELECT 4 AS n', (err, rows) => err ? no(err) : ok(rows[0].n)))];`, `[1,2,3,4]`)
	})
}

func TestRedis(t *testing.T) {
	server := program("redis-server")
	if server == "" {
		missingServer(t, "Redis")
	}
	port := freePort(t)
	serveUntilEnd(t, dials(port), server, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir(), "--requirepass", "secret")
	both(t, func(t *testing.T, h *Host) {
		wantJSON(t, askRule(t, h, map[string]string{"PORT": port}, `
			const out = [];
			const redis = require('redis@4.7.1'), client = redis.createClient({url: 'redis://:secret@127.0.0.1:' + configuration.PORT}); client.on('error', e => out.push(e.message)); await client.connect();
			await client.set('key', 'wartość', {EX: 100}); out.push(await client.get('key'), await client.ttl('key') > 90, await client.get('none')); await client.hSet('h', {a: '1', b: '2'}); out.push(await client.hGetAll('h'), await client.multi().incr('n').incr('n').exec()); await client.del('n'); await client.quit();
			const old = require('redis@3.1.1').createClient({host: '127.0.0.1', port: +configuration.PORT, password: 'secret'});
			out.push(await new Promise((ok, no) => old.get('key', (err, value) => err ? no(err) : ok(value)))); old.quit();
			const Redis = require('ioredis'), io = new Redis({port: +configuration.PORT, host: '127.0.0.1', password: 'secret'});
			out.push(await io.get('key'), await io.pipeline().set('x', 1).get('x').exec(), await io.eval('return redis.call("get", KEYS[1])', 1, 'key')); await io.quit();
			return out;`), `["wartość",true,null,{"a":"1","b":"2"},[1,2],"wartość","wartość",[[null,"OK"],[null,"1"]],"wartość"]`)
		again(t, h, map[string]string{"PORT": port}, `
			if (!global.client || !global.client.isOpen) { global.client = require('redis@4.7.1').createClient({url: 'redis://:secret@127.0.0.1:' + configuration.PORT}); await global.client.connect(); }
			global.io = global.io || new (require('ioredis'))({port: +configuration.PORT, host: '127.0.0.1', password: 'secret'});
			global.old = global.old || require('redis@3.1.1').createClient({host: '127.0.0.1', port: +configuration.PORT, password: 'secret'});
			return [await global.client.get('key'), await global.io.get('key'), await new Promise((ok, no) => global.old.get('key', (err, value) => err ? no(err) : ok(value)))];`, `["wartość","wartość","wartość"]`)
	})
}

// TestMongoDB runs against FerretDB, which speaks MongoDB's protocol, or the server that STAGEDOOR_TEST_MONGODB names.
func TestMongoDB(t *testing.T) {
	at := os.Getenv("STAGEDOOR_TEST_MONGODB")
	if at == "" {
		server := program("../../bin/ferretdb", "ferretdb")
		if server == "" {
			missingServer(t, "FerretDB")
		}
		port, dir := freePort(t), t.TempDir()
		at = "mongodb://127.0.0.1:" + port + "/app"
		serveUntilEnd(t, dials(port), server, "--handler=sqlite", "--sqlite-url=file:"+dir+"/", "--listen-addr=127.0.0.1:"+port, "--telemetry=disable", "--debug-addr=-", "--state-dir="+dir, "--log-level=error")
	}
	both(t, func(t *testing.T, h *Host) {
		wantJSON(t, askRule(t, h, map[string]string{"URL": at}, `
			const out = [], {MongoClient, ObjectId} = require('mongodb@5.1.0');
			const client = new MongoClient(configuration.URL); await client.connect(); const people = client.db('app').collection('people');
			await people.deleteMany({});
			const {insertedId} = await people.insertOne({email: 'zażółć@example.com', tags: ['a'], at: new Date(0)}); out.push(insertedId instanceof ObjectId);
			const found = await people.findOne({email: 'zażółć@example.com'}); out.push(found.tags, found.at, found._id.equals(insertedId), (await people.updateOne({_id: insertedId}, {$set: {password: 'x'}})).modifiedCount, (await people.find({}).toArray()).length); await client.close();
			return out;`), `[true,["a"],"1970-01-01T00:00:00.000Z",true,1,1]`)
		wantJSON(t, askRule(t, h, map[string]string{"URL": at}, `
			const {MongoClient} = require('mongodb@3.6.3'), out = [];
			out.push(await new Promise((ok, no) => MongoClient.connect(configuration.URL, {useNewUrlParser: true, useUnifiedTopology: true}, (err, client) => err ? no(err) : client.db('app').collection('people').findOne({password: 'x'}, (err, doc) => { client.close(); err ? no(err) : ok(doc.email); }))));
			out.push(await new Promise((ok, no) => mongo(configuration.URL, (err, db) => err ? no(err) : db.collection('people').findOne({password: 'x'}, (err, doc) => err ? no(err) : ok(doc.email)))));
			return out;`), `["zażółć@example.com","zażółć@example.com"]`)
	})
	both(t, func(t *testing.T, h *Host) {
		again(t, h, map[string]string{"URL": at}, `
			if (!global.mongo5) { const client = new (require('mongodb@5.1.0').MongoClient)(configuration.URL); await client.connect(); global.mongo5 = {client, db: client.db('app')}; }
			if (!global.isConnected) { global.people = global.mongo5.db.collection('people'); global.isConnected = true; }
			return [(await global.mongo5.db.collection('people').findOne({password: 'x'})).email, (await global.people.find({password: 'x'}).toArray()).length];`, `["zażółć@example.com",1]`)
	})
	both(t, func(t *testing.T, h *Host) { // in a worker of its own: each driver holds 17 MB
		wantJSON(t, askRule(t, h, map[string]string{"URL": at}, `
			// The driver of old speaks to servers of old alone: this one answers its greeting and says so.
			return [await new Promise(ok => require('mongodb@3.1.4').MongoClient.connect(configuration.URL, {useNewUrlParser: true}, (err, client) => err ? ok(err.message) : client.db('app').collection('people').findOne({}, err => { client.close(); ok(err && err.code); })))];`), `[352]`)
	})
}
