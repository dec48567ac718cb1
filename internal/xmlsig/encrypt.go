package xmlsig

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"
)

// Reader is who alone can read what is encrypted for them.
type Reader struct {
	Key  *rsa.PublicKey
	Cert *x509.Certificate // of the key, which the message names; nil: it names nobody
	GCM  bool              // by AES-GCM rather than AES-CBC
}

// Bits of the keys that are encrypted for: weaker ones hold nobody off, stronger ones cost too much.
const minReader, maxReader = 2048, 8192

// ReaderOf reads a certificate (see [Certificates]), or a public key in PEM (PKIX or PKCS #1), or both, which then have to be of the same key. An empty
// text is none. Errors are for people.
func ReaderOf(cert, publicKey string) (*Reader, error) {
	r := &Reader{}
	if cert != "" {
		certs := Certificates(cert)
		if len(certs) == 0 {
			return nil, errors.New("the certificate cannot be read")
		}
		key, ok := certs[0].PublicKey.(*rsa.PublicKey)
		if !ok {
			return nil, errors.New("the certificate is not of an RSA key")
		}
		r.Cert, r.Key = certs[0], key
	}
	if publicKey != "" {
		key, err := readPublic(publicKey)
		if err != nil {
			return nil, err
		}
		if r.Key != nil && !r.Key.Equal(key) {
			return nil, errors.New("the public key is not that of the certificate")
		}
		r.Key = key
	}
	if r.Key == nil {
		return nil, errors.New("there is no key")
	}
	if n := r.Key.N.BitLen(); n < minReader || n > maxReader {
		return nil, errors.New("the RSA key is not of 2048 to 8192 bits")
	}
	return r, nil
}

func readPublic(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the public key cannot be read")
	}
	if key, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
		return key, nil
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the public key cannot be read")
	}
	key, ok := public.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the public key is not of RSA")
	}
	return key, nil
}

// encrypt puts an element into an EncryptedData (XML Encryption section 2.1), with its key beside it.
func (r *Reader) encrypt(el *etree.Element) (*etree.Element, error) {
	doc := etree.NewDocument()
	doc.SetRoot(el)
	text, err := doc.WriteToBytes()
	if err != nil {
		return nil, err
	}
	e := xmlenc.OAEP()
	if e.BlockCipher = xmlenc.AES256CBC; r.GCM {
		e.BlockCipher = xmlenc.AES256GCM
	}
	e.DigestMethod = xmlenc.SHA1 // of OAEP, which needs no collisions to be hard; clients of all ages know it
	cert := r.Cert
	if cert == nil {
		cert = &x509.Certificate{PublicKey: r.Key} // the library takes keys in certificates alone
	}
	sealed, err := e.Encrypt(cert, text, nil)
	if err != nil {
		return nil, err
	}
	if r.Cert == nil {
		if named := sealed.FindElement("./KeyInfo/EncryptedKey/KeyInfo"); named != nil {
			named.Parent().RemoveChild(named)
		}
	}
	sealed.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	return sealed, nil
}
