package mail

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

var good = Message{
	From: "Mixtape <no-reply@mixtape.example>", To: "ada@example.com", Subject: "Verify your address ♪",
	Text: "Hello Ada,\n.\n.. open the link ♪\n", HTML: "<p>Hello <b>Ada</b></p>", Kind: "verify_email",
}

func TestValidate(t *testing.T) {
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Message){
		"no sender":               func(m *Message) { m.From = "" },
		"no receiver":             func(m *Message) { m.To = "" },
		"not an address":          func(m *Message) { m.To = "ada" },
		"two receivers":           func(m *Message) { m.To = "ada@example.com, bob@example.com" },
		"header in receiver":      func(m *Message) { m.To = "ada@example.com\r\nBcc: bob@example.com" },
		"folded header in name":   func(m *Message) { m.To = "\"Ada\r\n Bcc: bob@example.com\" <ada@example.com>" },
		"line feed in sender":     func(m *Message) { m.From = "a@example.com\n" },
		"command in receiver":     func(m *Message) { m.To = "<ada@example.com>\r\nRCPT TO:<bob@example.com>" },
		"header in subject":       func(m *Message) { m.Subject = "Hi\r\nBcc: bob@example.com" },
		"carriage return":         func(m *Message) { m.Subject = "Hi\rBcc: bob@example.com" },
		"line feed":               func(m *Message) { m.Subject = "Hi\n\nbody" },
		"line separator":          func(m *Message) { m.Subject = "Hi\u2028there" },
		"next line":               func(m *Message) { m.Subject = "Hi\u0085there" },
		"NUL":                     func(m *Message) { m.Subject = "Hi\x00" },
		"not UTF-8":               func(m *Message) { m.Subject = "Hi\xff" },
		"no subject":              func(m *Message) { m.Subject = "" },
		"long subject":            func(m *Message) { m.Subject = strings.Repeat("x", maxSubject+1) },
		"no text":                 func(m *Message) { m.Text = "" },
		"HTML that is not UTF-8":  func(m *Message) { m.HTML = "\xff" },
		"line break hidden in 8b": func(m *Message) { m.To = "=?utf-8?q?a\r\nBcc:_b@example.com?= <ada@example.com>" },
	} {
		m := good
		change(&m)
		for _, sender := range []Sender{NewMemory(1), &SMTP{Host: "127.0.0.1", Port: 1}} {
			if err := sender.Send(t.Context(), m); !errors.Is(err, ErrInvalid) || strings.Contains(err.Error(), "bob") {
				t.Errorf("%s, %T: %v", name, sender, err)
			}
		}
	}
}

func TestMemory(t *testing.T) {
	b := NewMemory(3)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if err := b.Send(t.Context(), good); err != nil {
				t.Error(err)
			}
			b.Messages()
		})
	}
	group.Wait()
	for _, subject := range []string{"one", "two"} {
		m := good
		m.Subject = subject
		if err := b.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := b.Messages()
	if len(got) != 3 || got[0].Subject != "two" || got[1].Subject != "one" || got[2] != good {
		t.Errorf("%+v", got)
	}
	got[0].Subject = "changed"
	if b.Messages()[0].Subject != "two" {
		t.Error("the caller can change what is kept")
	}
}

// A post is a tiny mail server that keeps what it is given.
type post struct {
	cert     *tls.Certificate // nil offers no STARTTLS
	login    string           // user and password that AUTH PLAIN must give; empty offers no AUTH
	implicit bool             // TLS from the start
	refuse   string           // answer to RCPT TO

	port int
	mu   sync.Mutex
	log  []string // commands
	data string
}

func (p *post) start(t *testing.T) *post {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	p.port = listener.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.talk(conn)
		}
	}()
	return p
}

func (p *post) talk(conn net.Conn) {
	defer func() { conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	secure := false
	upgrade := func() {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*p.cert}, MinVersion: tls.VersionTLS12})
		secure = true
	}
	if p.implicit {
		upgrade()
	}
	in := bufio.NewReader(conn)
	say := func(text string) { fmt.Fprint(conn, text+"\r\n") }
	say("220 post.example ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		p.mu.Lock()
		p.log = append(p.log, line)
		p.mu.Unlock()
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-post.example")
			if p.cert != nil && !secure {
				say("250-STARTTLS")
			}
			if p.login != "" {
				say("250-AUTH PLAIN")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			upgrade()
			in = bufio.NewReader(conn)
		case "AUTH":
			want := "PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+strings.Replace(p.login, ":", "\x00", 1)))
			if rest != want {
				say("535 wrong password")
				continue
			}
			say("235 welcome")
		case "RCPT":
			if p.refuse != "" {
				say(p.refuse)
				continue
			}
			say("250 ok")
		case "DATA":
			say("354 go ahead")
			var data strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				data.WriteString(strings.TrimPrefix(line, "."))
			}
			p.mu.Lock()
			p.data = data.String()
			p.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (p *post) commands() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

// certificate borrows the one that the standard library has for tests.
func certificate(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return &server.TLS.Certificates[0], pool
}

func TestSMTP(t *testing.T) {
	p := (&post{}).start(t)
	if err := (&SMTP{Host: "127.0.0.1", Port: p.port}).Send(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if log := p.commands(); !strings.Contains(log, "MAIL FROM:<no-reply@mixtape.example>") || strings.Count(log, "RCPT TO:<ada@example.com>") != 1 || strings.Count(log, "RCPT") != 1 {
		t.Errorf("commands:\n%s", log)
	}
	message, err := netmail.ReadMessage(strings.NewReader(p.data))
	if err != nil {
		t.Fatal(err)
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if subject != good.Subject || message.Header.Get("Auto-Submitted") != "auto-generated" || !strings.HasSuffix(message.Header.Get("Message-ID"), "@mixtape.example>") {
		t.Errorf("header %v", message.Header)
	}
	if from, err := netmail.ParseAddress(message.Header.Get("From")); err != nil || from.Name != "Mixtape" || from.Address != "no-reply@mixtape.example" {
		t.Errorf("From: %v %v", from, err)
	}
	if date, err := message.Header.Date(); err != nil || time.Since(date) > time.Minute {
		t.Errorf("Date: %v %v", date, err)
	}
	if strings.Contains(p.data, "verify_email") {
		t.Error("Kind was sent")
	}
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatal(kind, err)
	}
	parts := multipart.NewReader(message.Body, params["boundary"])
	for _, want := range []struct{ kind, body string }{{"text/plain; charset=UTF-8", good.Text}, {"text/html; charset=UTF-8", good.HTML}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		got := strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n")
		if part.Header.Get("Content-Type") != want.kind || got != strings.TrimRight(want.body, "\n") || err != nil {
			t.Errorf("part %v %q %v", part.Header, body, err)
		}
	}
}

func TestSMTPWithPasswordDemandsTLS(t *testing.T) {
	cert, roots := certificate(t)
	const user, password = "mixtape", "correct horse"

	p := (&post{cert: cert, login: user + ":" + password}).start(t)
	s := &SMTP{Host: "127.0.0.1", Port: p.port, User: user, Password: password, RootCAs: roots}
	if err := s.Send(t.Context(), good); err != nil {
		t.Errorf("STARTTLS: %v", err)
	}
	if log := p.commands(); strings.Index(log, "STARTTLS") > strings.Index(log, "AUTH") || p.data == "" {
		t.Errorf("commands:\n%s", log)
	}

	implicit := (&post{cert: cert, login: user + ":" + password, implicit: true}).start(t)
	s.Port, s.ImplicitTLS = implicit.port, true
	if err := s.Send(t.Context(), good); err != nil || implicit.data == "" {
		t.Errorf("TLS from the start: %v\n%s", err, implicit.commands())
	}
	s.ImplicitTLS = false

	plain := (&post{login: user + ":" + password}).start(t)
	s.Port = plain.port
	if err := s.Send(t.Context(), good); err == nil || strings.Contains(plain.commands(), "AUTH") || plain.data != "" {
		t.Errorf("no TLS: %v\n%s", err, plain.commands())
	}

	s.Port, s.RootCAs = p.port, nil
	p.data = ""
	if err := s.Send(t.Context(), good); err == nil || p.data != "" {
		t.Error("a certificate of nobody was accepted")
	}

	s.RootCAs, s.Password = roots, "wrong"
	if err := s.Send(t.Context(), good); err == nil || strings.Contains(err.Error(), "wrong horse") || p.data != "" {
		t.Errorf("wrong password: %v", err)
	}
}

func TestSMTPErrors(t *testing.T) {
	p := (&post{refuse: "550 no such user"}).start(t)
	err := (&SMTP{Host: "127.0.0.1", Port: p.port}).Send(t.Context(), good)
	if err == nil || !strings.Contains(err.Error(), "no such user") || strings.Contains(err.Error(), "open the link") {
		t.Errorf("refused: %v", err)
	}
	if err := (&SMTP{Host: "127.0.0.1", Port: 1}).Send(t.Context(), good); err == nil {
		t.Error("sent to nobody")
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := (&SMTP{Host: "127.0.0.1", Port: silent.Addr().(*net.TCPAddr).Port}).Send(ctx, good); err == nil || time.Since(start) > sendTimeout/2 {
		t.Errorf("silent server: %v after %v", err, time.Since(start))
	}
}
