package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// renewedEvery is how often the files of a certificate are looked at: whatever renews them does so days before the old one expires.
const renewedEvery = time.Minute

// certificateFiles are a certificate and its key in files of the operator. A pair that was renewed is taken without a restart; one that is broken,
// or half written, leaves the one before in its place.
type certificateFiles struct {
	cert, key string
	log       *slog.Logger
	now       func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate
	stamp  string    // of the files that pair was read from
	looked time.Time // at the files
}

// openCertificate reads a certificate that must be there.
func openCertificate(cert, key string, log *slog.Logger) (*certificateFiles, error) {
	c := &certificateFiles{cert: cert, key: key, log: log, now: time.Now}
	c.looked = c.now()
	return c, c.read(c.stamped())
}

// get returns the certificate for a handshake.
func (c *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.looked) < renewedEvery {
		return c.pair, nil
	}
	c.looked = now
	stamp := c.stamped()
	if stamp == c.stamp {
		return c.pair, nil
	}
	if err := c.read(stamp); err != nil {
		c.log.Error("the certificate for https has changed and cannot be used: the one before is still served", "error", err)
		return c.pair, nil
	}
	c.log.Info("the certificate for https was renewed", "file", c.cert, "until", c.pair.Leaf.NotAfter)
	return c.pair, nil
}

// read takes what the files hold. Their stamp is from before: what is written meanwhile is seen the next time.
func (c *certificateFiles) read(stamp string) error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("reading the certificate for https: %w", err)
	}
	c.pair, c.stamp = &pair, stamp
	return nil
}

// stamped tells one state of the files from another.
func (c *certificateFiles) stamped() string {
	var stamp string
	for _, name := range []string{c.cert, c.key} {
		if info, err := os.Stat(name); err == nil {
			stamp += fmt.Sprintf("%d %d\n", info.ModTime().UnixNano(), info.Size())
		}
	}
	return stamp
}
