package script

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"testing"
)

// TestComputingIsBounded: what nothing can interrupt refuses to take long.
func TestComputingIsBounded(t *testing.T) {
	h := newHost(t, Config{Workers: 1, Runtime: always(RuntimeEmbedded)})
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write(make([]byte, maxInflated+1))
	_ = w.Close()
	wantJSON(t, askRule(t, h, map[string]string{"BOMB": base64.StdEncoding.EncodeToString(bomb.Bytes())}, `
		const crypto = require('crypto'), zlib = require('zlib'), out = [];
		const code = async f => { try { await f(); return 'done'; } catch (e) { return e.code; } };
		out.push(await code(() => crypto.pbkdf2Sync('a', 'b', 1e9, 64, 'sha512')), await code(() => crypto.pbkdf2Sync('a', 'b', 1000, 1 << 21, 'sha1')), await code(() => new Promise((ok, no) => crypto.pbkdf2('a', 'b', 1e9, 64, 'sha512', e => e ? no(e) : ok()))));
		out.push(await code(() => crypto.scryptSync('a', 'b', 32, {N: 1 << 20, r: 8, p: 16, maxmem: 1 << 31})), await code(() => crypto.scryptSync('a', 'b', 32, {N: 1 << 30, maxmem: 2 ** 40})), await code(() => crypto.generateKeyPairSync('rsa', {modulusLength: 16384})));
		out.push(await code(() => zlib.gunzipSync(Buffer.from(configuration.BOMB, 'base64'))));
		out.push(await code(async () => { const all = []; for (let i = 0; i < 1001; i++) all.push(crypto.createCipheriv('aes-128-cbc', Buffer.alloc(16), Buffer.alloc(16))); }));
		return out;`), `["ERR_OUT_OF_RANGE","ERR_OUT_OF_RANGE","ERR_OUT_OF_RANGE","ERR_CRYPTO_INVALID_SCRYPT_PARAMS","ERR_CRYPTO_INVALID_SCRYPT_PARAMS","ERR_OUT_OF_RANGE","ERR_BUFFER_TOO_LARGE",null]`)
}
