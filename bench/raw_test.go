package bench

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// The limits: what has to be done at least, without anything around it. What computes is called by as many as there are cores.

func rawRSA(t *testing.T) work {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("a token"))
	return work{2, func() error {
		_, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		return err
	}}
}

func rawECDSA(t *testing.T) work {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("a token"))
	return work{2, func() error {
		_, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		return err
	}}
}

func rawBcrypt(t *testing.T) work {
	hash, err := bcrypt.GenerateFromPassword([]byte("Correct-Horse-9"), 10)
	if err != nil {
		t.Fatal(err)
	}
	return work{2, func() error { return bcrypt.CompareHashAndPassword(hash, []byte("Correct-Horse-9")) }}
}

// rawArgon2 is the hash that passwords get here: 19 MiB, two passes.
func rawArgon2() work {
	salt := make([]byte, 16)
	return work{2, func() error {
		argon2.IDKey([]byte("Correct-Horse-9"), salt, 2, 19456, 1, 32)
		return nil
	}}
}

func both(a, b work) work {
	return work{a.callers, func() error {
		if err := a.call(); err != nil {
			return err
		}
		return b.call()
	}}
}

// bareRow is a document of 2 KB.
var bareRow = `{"bio":"` + strings.Repeat("x", 2000) + `"}`

const bareTable = "CREATE TABLE bare (tenant TEXT, id TEXT, doc TEXT, PRIMARY KEY (tenant, id))"

// bareStatements are one durable UPDATE of a 2 KB document, a transaction by itself, and one SELECT of it, by the store's drivers: what
// people would write.
func bareStatements(t *testing.T, kind string) (update, read work) {
	ctx := context.Background()
	var exec func(query string, args ...any) error
	var row func(query, id string) error
	id, write := "SELECT doc FROM bare WHERE tenant = 't' AND id = $1", "UPDATE bare SET doc = $1 WHERE tenant = 't' AND id = $2"
	if kind == storetest.Postgres {
		pool, err := pgxpool.New(ctx, storetest.URL(t, kind)+"&pool_max_conns=32")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		exec = func(query string, args ...any) error {
			_, err := pool.Exec(ctx, query, args...)
			return err
		}
		row = func(query, id string) (err error) {
			var doc string
			return pool.QueryRow(ctx, query, id).Scan(&doc)
		}
	} else {
		open := func(conns int) *sql.DB {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			db.SetMaxOpenConns(conns)
			return db
		}
		db := open(1)
		exec = func(query string, args ...any) error {
			_, err := db.ExecContext(ctx, query, args...)
			return err
		}
		row = func(query, id string) error {
			var doc string
			return db.QueryRowContext(ctx, query, id).Scan(&doc)
		}
	}
	if err := exec(bareTable); err != nil {
		t.Fatal(err)
	}
	for i := range callers {
		if err := exec("INSERT INTO bare VALUES ('t', $1, $2)", fmt.Sprint(i), bareRow); err != nil {
			t.Fatal(err)
		}
	}
	var n atomic.Int64
	update = work{callers, func() error {
		i := n.Add(1)
		return exec(write, fmt.Sprintf(`{"n":%d,"bio":%q}`, i, bareRow[8:len(bareRow)-2]), fmt.Sprint(i%callers))
	}}
	return update, work{callers, func() error { return row(id, fmt.Sprint(n.Add(1)%callers)) }}
}
