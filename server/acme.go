package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// acme gets certificates from an authority, one for each host when it is first asked for.
func (s *Server) acme() *tls.Config {
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, HostPolicy: s.certified, Email: s.cfg.ACMEEmail, Cache: s.certificateCache(),
		Client: &acme.Client{DirectoryURL: cmp.Or(s.cfg.ACMEDirectory, autocert.DefaultACMEDirectory), UserAgent: "stagedoor"},
	}
	if key, err := s.cfg.ACMEBinding(); err == nil && key != nil {
		m.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: s.cfg.ACMEBindingID, Key: key}
	}
	c := m.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	c.GetCertificate = (&acmeTeller{s: s, next: m.GetCertificate, now: time.Now, told: map[string]time.Time{}}).get
	return c
}

// certified tells whether the server gets certificates for a host: those of the configuration, and the custom domains of tenants, whose owners showed
// that they point here.
func (s *Server) certified(ctx context.Context, host string) error {
	err := autocert.HostWhitelist(s.cfg.ACMEHosts...)(ctx, host)
	if err == nil {
		return nil
	}
	if _, unknown := s.db.TenantByDomain(ctx, host); unknown == nil {
		return nil
	}
	if name, is := strings.CutPrefix(host, stagedoor.MTLSPrefix); is {
		return s.certified(ctx, name)
	}
	return fmt.Errorf("%w: %w", errStranger, err)
}

// errStranger is for hosts that the server has no business with, which anybody can ask for.
var errStranger = errors.New("not a host of this server")

// acmeTeller tells the operator what the library keeps to itself: that no certificate came, and why, and that one was not renewed. People see a
// connection that breaks.
type acmeTeller struct {
	s    *Server
	next func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	now  func() time.Time

	mu   sync.Mutex
	told map[string]time.Time // by what was told of which host, all of them hosts of the server's
}

func (t *acmeTeller) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	pair, err := t.next(hello)
	if slices.Contains(hello.SupportedProtos, acme.ALPNProto) { // the authority's question, which anybody can ask, too
		return pair, err
	}
	host := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	switch {
	case err != nil:
		t.failed(host, err)
	case pair.Leaf != nil && t.now().After(pair.Leaf.NotAfter.Add(-endsSoon)) && t.first("ends "+host, 24*time.Hour):
		t.s.log.Warn("the certificate for https ends soon, and ACME has not renewed it", "host", host, "until", pair.Leaf.NotAfter)
	}
	return pair, err
}

// failed tells of a certificate that did not come. The library tries again a minute later at the earliest, and fails without a reason until then.
func (t *acmeTeller) failed(host string, err error) {
	if errors.Is(err, errStranger) || strings.HasSuffix(err.Error(), ": missing certificate") {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if t.s.certified(ctx, host) == nil && t.first("fails "+host, time.Minute) {
		t.s.log.Error("ACME brings no certificate: nobody can connect to this host by https", "host", host, "error", err)
	}
}

// first tells whether something was not told for so long.
func (t *acmeTeller) first(what string, pause time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if last, told := t.told[what]; told && now.Sub(last) < pause {
		return false
	}
	t.told[what] = now
	return true
}

// acmeCache keeps in the database what is got by ACME: the authority may ask any server of the database, and all of them show one certificate.
type acmeCache struct{ db *store.DB }

// certificateCache is where what is got by ACME is kept: the database, unless the operator names a directory. What one authority gave is not shown, nor
// renewed, once another is named: else the certificates of a trial would stay for months.
func (s *Server) certificateCache() autocert.Cache {
	var cache autocert.Cache = acmeCache{s.db}
	if s.cfg.ACMECache != "" {
		cache = autocert.DirCache(s.cfg.ACMECache)
	}
	if s.cfg.ACMEDirectory == "" {
		return cache
	}
	return ofAuthority{cache, jose.HashToken(s.cfg.ACMEDirectory)[:16] + "."}
}

// ofAuthority is the part of a cache that belongs to one authority.
type ofAuthority struct {
	cache  autocert.Cache
	prefix string
}

// Get is that of [autocert.Cache].
func (c ofAuthority) Get(ctx context.Context, name string) ([]byte, error) {
	return c.cache.Get(ctx, c.prefix+name)
}

// Put is that of [autocert.Cache].
func (c ofAuthority) Put(ctx context.Context, name string, value []byte) error {
	return c.cache.Put(ctx, c.prefix+name, value)
}

// Delete is that of [autocert.Cache].
func (c ofAuthority) Delete(ctx context.Context, name string) error {
	return c.cache.Delete(ctx, c.prefix+name)
}

// Get is that of [autocert.Cache].
func (c acmeCache) Get(ctx context.Context, name string) ([]byte, error) {
	value, err := c.db.ACMEValue(ctx, name)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, autocert.ErrCacheMiss
	}
	return value, err
}

// Put is that of [autocert.Cache].
func (c acmeCache) Put(ctx context.Context, name string, value []byte) error {
	return c.db.SetACMEValue(ctx, name, value)
}

// Delete is that of [autocert.Cache].
func (c acmeCache) Delete(ctx context.Context, name string) error {
	return c.db.DeleteACMEValue(ctx, name)
}
