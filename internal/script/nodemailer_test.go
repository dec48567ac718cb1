package script

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// A script that sends mail by itself.
func TestNodemailer(t *testing.T) {
	var mu sync.Mutex
	var got []string
	port := listen(t, func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		_, _ = fmt.Fprint(conn, "220 mail.test\r\n")
		lines, inData := bufio.NewScanner(conn), false
		for lines.Scan() {
			line := lines.Text()
			mu.Lock()
			got = append(got, line)
			mu.Unlock()
			switch {
			case inData && line == ".":
				inData = false
				_, _ = fmt.Fprint(conn, "250 kept\r\n")
			case inData:
			case strings.HasPrefix(line, "EHLO"):
				_, _ = fmt.Fprint(conn, "250-mail.test\r\n250 AUTH PLAIN\r\n")
			case line == "DATA":
				inData = true
				_, _ = fmt.Fprint(conn, "354 go on\r\n")
			case strings.HasPrefix(line, "AUTH"):
				_, _ = fmt.Fprint(conn, "235 in\r\n")
			default:
				_, _ = fmt.Fprint(conn, "250 ok\r\n")
			}
		}
	})
	both(t, func(t *testing.T, h *Host) {
		wantJSON(t, askRule(t, h, map[string]string{"PORT": port}, `
			const transport = require('nodemailer@6').createTransport({host: '127.0.0.1', port: +configuration.PORT, secure: false, auth: {user: 'u', pass: 'p'}});
			const sent = await transport.sendMail({from: 'a@example.com', to: 'Zoë <b@example.com>', subject: 'Grüße', text: 'Hello'});
			return [sent.accepted, sent.response];`), `[["b@example.com"],"250 kept"]`)
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(got, "\n")
		for _, part := range []string{"AUTH PLAIN AHUAcA==", "RCPT TO:<b@example.com>", "Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=", "\nHello\n"} {
			if !strings.Contains(all, part) {
				t.Errorf("no %q in\n%s", part, all)
			}
		}
		got = nil
	})
}
