package mail

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

const (
	implicitTLSPort = 465 // RFC 8314 section 3.3
	sendTimeout     = 30 * time.Second
)

// SMTP sends through a mail server, with a connection of its own for each message. Without ImplicitTLS it uses STARTTLS where
// the server offers it, and demands it if there is a password.
type SMTP struct {
	Host        string
	Port        int // 0 means 587
	User        string
	Password    string
	ImplicitTLS bool           // TLS from the start; port 465 always does so
	RootCAs     *x509.CertPool // nil means those of the system
	// Dial connects; nil means net.Dialer. Tenants name servers too, and must not reach the neighbours of ours.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Headers are further ones that each message carries.
	Headers map[string]string
}

// Send hands a message to the server and returns when the server took it. Connecting and sending may take 30 seconds each, or
// what is left until the deadline of ctx; once connected, it does not notice that ctx was canceled. An error may quote what
// the server said.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	message, err := compose(m)
	if err != nil {
		return err
	}
	for name, value := range s.Headers {
		message.SetGenHeader(mail.Header(name), value)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	client, err := s.client(deadline)
	if err != nil {
		return fmt.Errorf("mail: set up SMTP: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		return fmt.Errorf("mail: send by SMTP: %w", err)
	}
	return nil
}

func (s *SMTP) client(deadline time.Time) (*mail.Client, error) {
	port := s.Port
	if port == 0 {
		port = mail.DefaultPortTLS
	}
	config := &tls.Config{ServerName: s.Host, RootCAs: s.RootCAs, MinVersion: tls.VersionTLS12}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(time.Until(deadline)), mail.WithTLSConfig(config)}
	implicit := s.ImplicitTLS || port == implicitTLSPort
	if s.Dial != nil {
		options = append(options, mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := s.Dial(ctx, network, address)
			if err != nil || !implicit {
				return conn, err
			}
			secure := tls.Client(conn, config) // the library leaves that to who dials
			if err := secure.HandshakeContext(ctx); err != nil {
				return nil, errors.Join(err, conn.Close())
			}
			return secure, nil
		}))
	}
	switch {
	case implicit:
		options = append(options, mail.WithSSL())
	case s.Password != "":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if s.Password != "" {
		way := mail.SMTPAuthAutoDiscover
		if implicit && s.Dial != nil {
			way = mail.SMTPAuthPlain // the library does not know that such a connection is encrypted when it chooses
		}
		options = append(options, mail.WithSMTPAuth(way), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	return mail.NewClient(s.Host, options...)
}

func compose(m Message) (*mail.Msg, error) {
	message := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(message.From(m.From), message.To(m.To)); err != nil {
		return nil, fmt.Errorf("%w: From or To is not an address", ErrInvalid)
	}
	message.Subject(m.Subject)
	message.SetDate()
	message.SetMessageIDWithValue(messageID(m.From))         // the library would name this machine
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday notes in answer
	message.SetBodyString(mail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		message.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	return message, nil
}

// messageID is random, at the domain of the sender.
func messageID(from string) string {
	var id [16]byte
	rand.Read(id[:]) //nolint:errcheck // documented never to return an error
	address, err := netmail.ParseAddress(from)
	if err != nil {
		return hex.EncodeToString(id[:]) + "@localhost"
	}
	return hex.EncodeToString(id[:]) + address.Address[strings.LastIndexByte(address.Address, '@'):]
}
