package form_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/form"
)

// kept makes the value of a template a variable of the form.
func kept(name, template string) string {
	return `{"id":"keep_` + name + `","type":"FLOW","action":"STORE_VARS","params":{"vars":{"` + name + `":"` + template + `"}}}`
}

func act(id, kind, name, params string) string {
	return `{"id":"` + id + `","type":"` + kind + `","action":"` + name + `","params":` + params + `}`
}

func vaults(setups map[string]map[string]any) func(*form.Walk) {
	return func(w *form.Walk) {
		w.Powers.Vault = func(_ context.Context, id string) (*form.Vault, error) {
			if setups[id] == nil {
				return nil, stagedoor.Errorf(stagedoor.NotFound, "", "none")
			}
			return &form.Vault{Setup: setups[id]}, nil
		}
	}
}

func TestFlowTokens(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	powers := vaults(map[string]map[string]any{
		"hmac": {"type": "JWT", "algorithm": "HS256", "secret": "s3cret-of-the-vault-that-is-long"}, "other": {"type": "JWT", "algorithm": "HS256", "secret": "another-secret-that-is-long-too!"},
		"hmac512": {"type": "JWT", "algorithm": "HS512", "secret": "s3cret-of-the-vault-that-is-long"},
		"ec":      {"type": "JWT", "algorithm": "ES256", "private_key": block("PRIVATE KEY", private)}, "ecpub": {"type": "JWT", "algorithm": "ES256", "public_key": block("PUBLIC KEY", public)},
		// The classic confusion: the text of the public key as a secret.
		"confused": {"type": "JWT", "algorithm": "HS256", "secret": block("PUBLIC KEY", public)},
		"none":     {"type": "JWT", "algorithm": "none", "secret": "x"}, "bearer": {"type": "BEARER", "token": "x"}, "empty": {"type": "JWT", "algorithm": "HS256"}, "badkey": {"type": "JWT", "algorithm": "ES256", "private_key": "s3cret"},
	})
	sign := func(id, vault, more string) string {
		return act(id, "JWT", "SIGN_JWT", `{"connection_id":"`+vault+`","payload":{"name":"Ada","sub":"x"},"subject":"ada","issuer":"me","audience":"you"`+more+`}`)
	}
	verify := func(id, vault, token, more string) string {
		return act(id, "JWT", "VERIFY_JWT", `{"connection_id":"`+vault+`","token":"{{actions.`+token+`.token}}"`+more+`}`)
	}
	w, err := run(t, strings.Join([]string{
		sign("a", "hmac", `,"expires_in":"1h"`), sign("e", "ec", ""), sign("c", "confused", ""), sign("s", "hmac512", ""),
		act("d", "JWT", "DECODE_JWT", `{"token":"{{actions.a.token}}"}`), kept("claims", "{{actions.d.payload}}"), kept("alg", "{{actions.d.header.alg}}"),
		verify("v1", "hmac", "a", `,"issuer":"me","audience":"you"`), kept("right", "{{actions.v1.valid}}"), kept("name", "{{actions.v1.payload.name}}"),
		verify("v2", "other", "a", ""), kept("key", "{{actions.v2.cause}}"), kept("none", "{{actions.v2.payload}}"),
		verify("v3", "hmac", "a", `,"issuer":"him"`), kept("issuer", "{{actions.v3.cause}}"), verify("v4", "hmac", "a", `,"audience":"him"`), kept("audience", "{{actions.v4.cause}}"),
		verify("v5", "ecpub", "e", ""), kept("ec", "{{actions.v5.valid}}"), verify("v6", "ecpub", "c", ""), kept("confused", "{{actions.v6.cause}}"), verify("v7", "hmac512", "s", ""), kept("long", "{{actions.v7.valid}}"),
		act("v8", "JWT", "VERIFY_JWT", `{"connection_id":"hmac","token":"x.y"}`), kept("broken", "{{actions.v8.cause}}"), kept("token", "{{actions.a.token}}"),
	}, ","), powers)
	if err != nil {
		t.Fatal(err)
	}
	iat := float64(now.Unix())
	want := map[string]any{
		"in": `{"a":[1]}`, "claims": map[string]any{"name": "Ada", "sub": "ada", "iss": "me", "aud": "you", "iat": iat, "exp": iat + 3600}, "alg": "HS256", "right": true, "name": "Ada",
		"key": "invalid signature", "none": nil, "issuer": "jwt issuer invalid", "audience": "jwt audience invalid", "ec": true, "confused": "invalid algorithm", "long": true, "broken": "jwt malformed",
		"token": w.State.Vars["token"],
	}
	if !reflect.DeepEqual(w.State.Vars, want) {
		t.Errorf("got  %v\nwant %v", w.State.Vars, want)
	}
	late, err := run(t, act("v", "JWT", "VERIFY_JWT", `{"connection_id":"hmac","token":"`+w.State.Vars["token"].(string)+`"}`)+","+kept("late", "{{actions.v.cause}}"), func(w *form.Walk) {
		powers(w)
		w.Now = now.Add(time.Hour)
	})
	if err != nil || late.State.Vars["late"] != "jwt expired" {
		t.Errorf("%v %v", late.State.Vars, err)
	}
	for more, want := range map[string]string{
		sign("x", "none", ""): `algorithm "none"`, sign("x", "bearer", ""): `type "BEARER"`, sign("x", "empty", ""): "no secret", sign("x", "badkey", ""): "cannot be read", sign("x", "ecpub", ""): "no private key",
		sign("x", "hmac", `,"expires_in":"9999d"`): "366 days", sign("x", "hmac", `,"expires_in":"-1"`): "366 days", sign("x", "gone", ""): "not there", act("x", "JWT", "SIGN_JWT", `{}`): "names no connection",
		act("x", "JWT", "DECODE_JWT", `{"token":"a.b.c"}`): "no token", act("x", "JWT", "DECODE_JWT", `{"token":"bnVsbA.bnVsbA.c"}`): "no token",
	} {
		var told string
		_, err := run(t, more, func(w *form.Walk) {
			powers(w)
			w.Powers.Ran = func(_ context.Context, r form.Run) error {
				told = r.Failure
				return nil
			}
		})
		if err == nil || !strings.Contains(told+err.Error(), want) || strings.Contains(told+err.Error(), "s3cret") {
			t.Errorf("%s: %v, told %s", more, err, told)
		}
	}
}

// parsed is what PARSE_XML makes of a text, and what SERIALIZE_XML makes of that.
func parsed(t *testing.T, text string) (any, any, error) {
	t.Helper()
	b, err := json.Marshal(map[string]string{"xml": text})
	if err != nil {
		t.Fatal(err)
	}
	w, err := run(t, act("p", "XML", "PARSE_XML", string(b))+","+kept("o", "{{actions.p.object}}")+","+act("s", "XML", "SERIALIZE_XML", `{"object":"{{actions.p.object}}"}`)+","+kept("x", "{{actions.s.xml}}"), nil)
	return w.State.Vars["o"], w.State.Vars["x"], err
}

func TestFlowXML(t *testing.T) {
	for _, c := range []struct {
		text  string
		value any
		again string
	}{
		{
			`<?xml version="1.0" encoding="UTF-8"?><!-- c --><a:r xmlns:a="urn:x" id="1"><b>1 &lt; 2</b><b/><c k="v">t</c></a:r>`,
			map[string]any{"a:r": map[string]any{"@_xmlns:a": "urn:x", "@_id": "1", "b": []any{"1 < 2", ""}, "c": map[string]any{"@_k": "v", "#text": "t"}}},
			`<a:r id="1" xmlns:a="urn:x"><b>1 &lt; 2</b><b></b><c k="v">t</c></a:r>`,
		},
		{`<a><![CDATA[<x>&]]></a>`, map[string]any{"a": "<x>&"}, `<a>&lt;x&gt;&amp;</a>`},
		{`<a q="&quot;'&gt;"/>`, map[string]any{"a": map[string]any{"@_q": `"'>`}}, `<a q="&#34;&#39;&gt;"></a>`},
	} {
		v, again, err := parsed(t, c.text)
		if err != nil || !reflect.DeepEqual(v, c.value) || again != c.again {
			t.Errorf("%s is %v, %v, %v", c.text, v, again, err)
		}
	}
	for _, text := range []string{
		``, `x`, `<a>`, `<a></b>`, `<a/><b/>`, `<a/>x`, `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, `<a>&x;</a>`, `<a><!ENTITY x "y"></a>`,
		strings.Repeat("<a>", 60) + strings.Repeat("</a>", 60), `<r>` + strings.Repeat("<a/>", 10001) + `</r>`, `<a>` + strings.Repeat("x", 256<<10) + `</a>`,
	} {
		if v, _, err := parsed(t, text); err == nil {
			t.Errorf("%.60s is %v", text, v)
		}
	}
	for _, object := range []string{`{"a b":1}`, `{"a><script":1}`, `{"a":{"@_x y":1}}`, `{"a":1,"b":2}`, `{}`, `{"a":[1,2]}`, `{"a":{"b":[[1]]}}`, `"x"`, `7`} {
		if w, err := run(t, act("s", "XML", "SERIALIZE_XML", `{"object":`+object+`}`)+","+kept("x", "{{actions.s.xml}}"), nil); err == nil {
			t.Errorf("%s is %v", object, w.State.Vars["x"])
		}
	}
	if w, err := run(t, act("s", "XML", "SERIALIZE_XML", `{"object":"{\"a\":{\"b\":[1,true,null]}}"}`)+","+kept("x", "{{actions.s.xml}}"), nil); err != nil || w.State.Vars["x"] != `<a><b>1</b><b>true</b><b></b></a>` {
		t.Errorf("%v %v", w.State.Vars, err)
	}
}

func TestFlowWaits(t *testing.T) {
	began := time.Now()
	if _, err := run(t, act("d", "FLOW", "DELAY_FLOW", `{"number":"0.2"}`)+","+act("e", "FLOW", "DELAY_FLOW", `{"number":0,"units":"DAYS"}`), nil); err != nil || time.Since(began) < 200*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	for _, params := range []string{`{"number":11}`, `{"number":1,"units":"MINUTES"}`, `{"number":1,"units":"WEEKS"}`, `{"number":-1}`, `{"number":1e15,"units":"DAYS"}`} {
		if _, err := run(t, act("d", "FLOW", "DELAY_FLOW", params), nil); !stagedoor.IsKind(err, stagedoor.Scripted) || !strings.Contains(err.Error(), "10 seconds") {
			t.Errorf("%s: %v", params, err)
		}
	}
}

func FuzzXML(f *testing.F) {
	for _, s := range []string{`<a><b c="d">e</b></a>`, `<a:b xmlns:a="x"/>`, `<a>&amp;</a>`, `<!DOCTYPE a><a/>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, again, err := parsed(t, text)
		if err != nil || again == nil {
			return
		}
		if twice, _, err := parsed(t, again.(string)); err != nil || !reflect.DeepEqual(twice, v) {
			t.Errorf("%q became %v, then %v, %v", text, v, twice, err)
		}
	})
}
