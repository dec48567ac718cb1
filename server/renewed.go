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

// endsSoon is how long before its end the log tells of a certificate, once a day: by then it should have been renewed.
const endsSoon = 7 * 24 * time.Hour

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
	told   time.Time // that the certificate ends
}

// openCertificate reads a certificate that must be there.
func openCertificate(cert, key string, log *slog.Logger) (*certificateFiles, error) {
	c := &certificateFiles{cert: cert, key: key, log: log, now: time.Now}
	c.looked = c.now()
	if err := c.read(c.stamped()); err != nil {
		return nil, err
	}
	c.tell(c.looked)
	return c, nil
}

// get returns the certificate for a handshake.
func (c *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current(), nil
}

// current returns the certificate that is served now.
func (c *certificateFiles) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.looked) < renewedEvery {
		return c.pair
	}
	c.looked = now
	if stamp := c.stamped(); stamp != c.stamp {
		if err := c.read(stamp); err != nil {
			c.log.Error("the certificate for https has changed and cannot be used: the one before is still served", "error", err)
		} else {
			c.log.Info("the certificate for https was renewed", "file", c.cert, "until", c.pair.Leaf.NotAfter)
			c.told = time.Time{}
		}
	}
	c.tell(now)
	return c.pair
}

// tell says once a day that the certificate is not valid, or will soon not be: it is served all the same, and clients refuse it.
func (c *certificateFiles) tell(now time.Time) {
	leaf := c.pair.Leaf
	if now.Sub(c.told) < 24*time.Hour {
		return
	}
	switch {
	case now.After(leaf.NotAfter):
		c.log.Error("the certificate for https has expired: clients refuse it", "file", c.cert, "until", leaf.NotAfter)
	case now.Before(leaf.NotBefore):
		c.log.Error("the certificate for https is not valid yet: clients refuse it", "file", c.cert, "from", leaf.NotBefore)
	case now.After(leaf.NotAfter.Add(-endsSoon)):
		c.log.Warn("the certificate for https ends soon, and was not renewed", "file", c.cert, "until", leaf.NotAfter)
	default:
		return
	}
	c.told = now
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
