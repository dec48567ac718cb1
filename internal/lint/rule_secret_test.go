package lint

import (
	"testing"
)

// TestSecrets: a text under the name of a secret is one if it looks like one.
func TestSecrets(t *testing.T) {
	l := linter(t)
	for line, secret := range map[string]bool{
		`const password = 'correcthorsebattery';`:                       true,
		`const password = 'correct-horse-battery-staple';`:              true,
		`const password = 'hunter2hunter2', x = 1;`:                     true,
		`const passwd = 'P@ssw0rd!';`:                                   true,
		`let secret; secret = 'q8Zr2kL0pXv';`:                           true,
		`const token = '7f3a9c2be1d4';`:                                 true,
		`const totp_secret = 'JBSWY3DPEHPK3PXP';`:                       true,
		`const o = { api_key: '7f3a9c2be1d4' };`:                        true,
		`const o = { apiKey: "7f3a9c2be1d4" };`:                         true,
		`const o = { 'x-api-key': '7f3a9c2be1d4' };`:                    true,
		`const o = { client_secret: 'q8Zr-2kL0pXv' };`:                  true,
		`const o = {}; o.clientSecret = 'q8Zr-2kL0pXv';`:                true,
		"const db_password = `s3cr3t-0f-db`;":                           true,
		`const SIGNING_KEY = configuration.KEY || 'q8Zr-2kL0pXv';`:      true,
		`const f = (secret = 'q8Zr-2kL0pXv') => secret;`:                true,
		`const slack_webhook_url = 'https://hooks.example/T0/B1/abc9';`: false, // example
		`const webhook_url = 'https://hooks.acme.net/T0/B1/abc9';`:      true,

		`const o = { password: 'Password' };`:                                                               false,
		`const o = { password: 'Contraseña', token: 'パスワードを入力' };`:                                          false,
		`const o = { password: '', secret: ' ', token: '********' };`:                                       false,
		`const o = { password: '••••••••', token: '00000000' };`:                                            false,
		`const o = { grant_type: 'password' };`:                                                             false,
		`const o = { password: 'Wrong password, try again!' };`:                                             false,
		`const o = { password: 'Enter 8 characters' };`:                                                     false,
		`const o = { password: 'current-password', token: 'refresh_token', secret: 'client_secret_post' };`: false,
		`const o = { token: 'oauth2-access-token', secret: 'HS256-secret' };`:                               false,
		`const o = { token: 'urn:ietf:params:oauth:token-type:access_token' };`:                             false,
		`const o = { token: '/oauth2/v1/token', password: './reset/password2' };`:                           false,
		`const o = { token: 'https://acme.net/oauth2/token' };`:                                             false,
		`const o = { password: 'YOUR_PASSWORD_1', secret: 'changeme123', token: '<token-1>' };`:             false,
		`const o = { password: '{{password1}}', secret: '${SECRET_1}', token: '%TOKEN_1%' };`:               false,
		`const o = { api_key: 'API_KEY_2', token: 'undefined', secret: 'development' };`:                    false,
		`const o = { password: '^.{8,20}$', passwd: 'varchar(255)' };`:                                      false,
		`const o = { password: configuration.DB_PASSWORD_1, token_type: 'bearer-v2-abc' };`:                 false,
		`const o = { tokens: 'a1b2c3d4e5f6', passwordless: 'a1b2c3d4e5f6', keyboard: 'a1b2c3d4e5f6' };`:     false,
		`if (typeof user.token === 'undefined' || user.secret === 'confidential') return callback(null);`:   false,
	} {
		found, err := l.Lint("x.js", "function rule(user, context, callback) {\n"+line+"\ncallback(null, user, context);\n}", "rule")
		if err != nil {
			t.Fatal(err)
		}
		got := false
		for _, f := range found {
			got = got || f.Rule == "secret-in-code" && f.Line == 2
			if f.Rule == "syntax" {
				t.Fatal(line, f)
			}
		}
		if got != secret {
			t.Errorf("%s: found %v, want %v", line, got, secret)
		}
	}
}
