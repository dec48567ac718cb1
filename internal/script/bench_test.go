package script

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"
)

// storyRun is the story's pipeline without the HTTP call: the display name, the projection of the roles, the namespaced claims.
func storyRun(t testing.TB) Run {
	t.Helper()
	return Run{
		Tenant: "story",
		User: json.RawMessage(`{"user_id":"auth0|6543210","email":"listener@example.com","email_verified":true,"name":"Listener","nickname":"listener",
			"created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-02T00:00:00.000Z","logins_count":7,
			"identities":[{"connection":"Username-Password-Authentication","provider":"auth0","user_id":"6543210","isSocial":false}],
			"user_metadata":{"displayName":"J-vald3z","preferences":{"theme":"dark","language":"de","autoplay":true}},
			"app_metadata":{"plan":"gold","roles":["playlist_editor"]}}`),
		Context: json.RawMessage(`{"tenant":"story","clientID":"abcdefghijklmnop","clientName":"Mixtape","clientMetadata":{},"connectionID":"con_1",
			"connection":"Username-Password-Authentication","connectionStrategy":"auth0","connectionOptions":{},"connectionMetadata":{},"samlConfiguration":{},
			"protocol":"oidc-basic-profile","stats":{"loginsCount":7},"sso":{"with_auth0":false,"with_dbconn":false,"current_clients":[]},
			"accessToken":{},"idToken":{},"sessionID":"s","request":{"userAgent":"Mozilla/5.0 (X11; Linux x86_64)","ip":"127.0.0.1","hostname":"localhost",
			"query":{"scope":"openid profile email","response_type":"code","client_id":"abcdefghijklmnop","redirect_uri":"http://127.0.0.1:3000/callback","state":"xyz"},"body":{}},
			"authentication":{"methods":[{"name":"pwd","timestamp":1434454643024}]}}`),
		Configuration: map[string]string{"AUTH0_CLIENT_ID": "abcdefghijklmnop", "AUTH0_CLIENT_SECRET": "secret"},
		Domain:        "localhost", BaseURL: "https://localhost/api/v2",
		UpdateMetadata: func(_ context.Context, _, _ string, _ json.RawMessage) (json.RawMessage, error) {
			return json.RawMessage(`{"user_id":"auth0|6543210"}`), nil
		},
		Rules: []Rule{
			{Name: "display name", Source: printed(t, "displayname")},
			{Name: "project roles", Source: printed(t, "projection")},
			{Name: "namespaced claims", Source: printed(t, "namespace")},
		},
	}
}

// printed is the first rule of a case of the corpus.
func printed(t testing.TB, name string) string {
	t.Helper()
	for _, s := range archive(t, "testdata/"+name+".txtar") {
		if len(s.name) > 5 && s.name[:5] == "rule " {
			return s.text
		}
	}
	t.Fatal("no rule in", name)
	return ""
}

// BenchmarkStoryRules is what the story's rules cost a login: the hop to a warm worker, the hop back for the metadata, three rules. Logins
// are a little apart, as they are; BenchmarkStoryRulesThroughput has them end to end, where making realms is what counts.
func BenchmarkStoryRules(b *testing.B)           { storyRules(b, storyRun(b), 3*time.Millisecond) }
func BenchmarkStoryRulesThroughput(b *testing.B) { storyRules(b, storyRun(b), 0) }

// BenchmarkPackages is a rule that requires packages, which the worker has ready.
func BenchmarkPackages(b *testing.B) {
	run := storyRun(b)
	run.Rules = []Rule{{Name: "it", Source: `function (user, context, callback) {
		const _ = require('lodash'), moment = require('moment'), request = require('request');
		context.idToken['https://example.com/since'] = moment(user.created_at).unix() + typeof request.get + _.get(user, 'app_metadata.plan');
		callback(null, user, context);
	}`}}
	storyRules(b, run, 3*time.Millisecond)
}

func storyRules(b *testing.B, run Run, apart time.Duration) {
	h := newHost(b, Config{Runtime: always(RuntimeEmbedded)})
	one := func() {
		out, err := h.Rules(context.Background(), run)
		if err != nil || out.Failure != nil {
			b.Fatal(err, out.Failure)
		}
	}
	for range 5 {
		one()
	}
	b.ReportAllocs()
	time.Sleep(100 * time.Millisecond) // what is made ready is ready
	var before time.Duration
	for _, pid := range workers(h) {
		before += computed(pid)
	}
	own := processTime()
	for b.Loop() {
		if apart > 0 {
			b.StopTimer()
			time.Sleep(apart)
			b.StartTimer()
		}
		one()
	}
	own, before = processTime()-own, -before
	for _, pid := range workers(h) {
		before += computed(pid)
	}
	b.ReportMetric(float64(before.Microseconds())/float64(b.N), "worker-cpu-µs/op")
	b.ReportMetric(float64(own.Microseconds())/float64(b.N), "server-cpu-µs/op")
}

// BenchmarkRealm is the price of a fresh realm, which runs do not wait for.
func BenchmarkRealm(b *testing.B) {
	var code bytecode
	b.ReportAllocs()
	for b.Loop() {
		r, err := newRealm(&code)
		if err != nil {
			b.Fatal(err)
		}
		r.close()
	}
}

// BenchmarkFirstExecution is what the first login after a deployment waits for: a script that no worker has seen, which requires lodash,
// moment and request. warm: the tenant's worker runs scripts already. cold: its worker has never loaded the three. The aim is 100 ms.
func BenchmarkFirstExecution(b *testing.B) {
	deploy := func(b *testing.B, h *Host, n int) {
		run := storyRun(b)
		run.Rules = []Rule{{Name: "new", Source: fmt.Sprintf(`function (user, context, callback) { // version %d
			const _ = require('lodash'), moment = require('moment'), request = require('request');
			context.idToken['https://example.com/since'] = moment(user.created_at).unix() + typeof request.get + _.get(user, 'app_metadata.plan');
			callback(null, user, context);
		}`, n)}}
		if out, err := h.Rules(context.Background(), run); err != nil || out.Failure != nil {
			b.Fatal(err, out.Failure)
		}
	}
	b.Run("warm", func(b *testing.B) {
		h := newHost(b, Config{Workers: 1})
		deploy(b, h, 0)
		time.Sleep(200 * time.Millisecond) // the spare realms are being made
		for n := 1; b.Loop(); n++ {
			deploy(b, h, n)
			b.StopTimer()
			time.Sleep(50 * time.Millisecond)
			b.StartTimer()
		}
	})
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			h := New(Config{Workers: 1})
			if _, err := h.Rules(context.Background(), storyRun(b)); err != nil {
				b.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
			b.StartTimer()
			deploy(b, h, 1)
			b.StopTimer()
			_ = h.Close()
			b.StartTimer()
		}
	})
}

// BenchmarkWorker is the worker's part of the story's rules, in this process so that a profile shows what it does: go test -bench Worker -cpuprofile.
func BenchmarkWorker(b *testing.B) {
	in, toWorker := io.Pipe()
	fromWorker, out := io.Pipe()
	go func() { _ = WorkerMain(context.Background(), in, out) }()
	run := storyRun(b)
	var frames []byte
	s := start{User: run.User, Context: run.Context, Wall: 20000, CPU: 2000, Memory: 64 << 20, Calls: 100, LogBytes: 1000, Seed: newSeed()}
	for i, r := range run.Rules[1:] {
		hash := fmt.Sprint("h", i)
		s.Rules = append(s.Rules, hash)
		frames, _ = appendFrame(frames, message{Type: "load", Hash: hash, Source: r.Source})
	}
	_, _ = toWorker.Write(frames)
	answers := bufio.NewReader(fromWorker)
	id, took := uint64(0), time.Duration(0)
	one := func() {
		id++
		began := time.Now()
		frame, _ := appendFrame(nil, message{Type: "run", Run: id, Start: &s})
		_, _ = toWorker.Write(frame)
		for {
			m, err := readFrame(answers)
			if err != nil {
				b.Fatal(err)
			}
			if m.Type == "outcome" {
				took += time.Since(began)
				if m.Outcome.Failure != nil {
					b.Fatal(m.Outcome.Failure)
				}
			}
			if m.Type == "done" {
				return
			}
		}
	}
	for range 5 {
		one()
	}
	took = 0
	for b.Loop() {
		time.Sleep(3 * time.Millisecond)
		one()
	}
	b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs/outcome")
	_ = toWorker.Close()
}
