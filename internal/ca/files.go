package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

func loadOrCreate(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	path := filepath.Join(dir, keyFile)
	cert, key, err := load(path, now)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createFile(path, now); err == nil || errors.Is(err, fs.ErrExist) { // another process was quicker
			cert, key, err = load(path, now)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("local authority: %w", err)
	}
	if err := writePublic(filepath.Join(dir, certFile), cert); err != nil {
		return nil, nil, fmt.Errorf("local authority: %w", err)
	}
	return cert, key, nil
}

// load reads the key file: a PRIVATE KEY and a CERTIFICATE block.
func load(path string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, nil, fmt.Errorf("%s can be read by others (mode %04o): chmod 600 %s", path, mode, path)
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, nil, err
	}
	damaged := fmt.Errorf("%s is damaged: move it away, and a new authority will be made", path)
	keyBlock, rest := pem.Decode(data)
	certBlock, _ := pem.Decode(rest)
	if keyBlock == nil || certBlock == nil {
		return nil, nil, damaged
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, damaged // the cause could quote key material
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, damaged
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil || !cert.IsCA || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, damaged
	}
	if !now.Before(cert.NotAfter) {
		return nil, nil, fmt.Errorf("%s ran out on %s: move it away, and a new authority will be made", path, cert.NotAfter.Format(time.DateOnly))
	}
	return cert, key, nil
}

// createFile makes a new authority beside path and links it there, which is one step: nobody reads half a file, and who comes
// second gets fs.ErrExist.
func createFile(path string, now time.Time) error {
	der, key, err := create(now)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	return os.Link(temp, path)
}

// writePublic keeps the certificate for clients equal to the one in use.
func writePublic(path string, cert *x509.Certificate) error {
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) { //nolint:gosec // the operator names it
		return nil
	}
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(temp)                         // gone already if all went well
	if err := os.Chmod(temp, 0o644); err != nil { //nolint:gosec // public
		return err
	}
	return os.Rename(temp, path)
}

// writeTemp writes data durably to a new file beside path that only its owner can read.
func writeTemp(path string, data []byte) (name string, err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return "", err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return "", errors.Join(err, os.Remove(temp.Name()))
	}
	return temp.Name(), nil
}
