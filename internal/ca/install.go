package ca

import (
	"errors"
	"fmt"

	"github.com/smallstep/truststore"
)

// Install makes the system trust the authority, and Firefox and Chromium too where their tools are found. It may ask for the
// password of the administrator.
func (a *Authority) Install() error {
	if err := truststore.Install(a.cert, stores()...); err != nil && !errors.Is(err, truststore.ErrTrustExists) {
		return fmt.Errorf("install local authority: %w", err)
	}
	return nil
}

// Uninstall takes back what Install did.
func (a *Authority) Uninstall() error {
	if err := truststore.Uninstall(a.cert, stores()...); err != nil && !errors.Is(err, truststore.ErrTrustNotFound) {
		return fmt.Errorf("uninstall local authority: %w", err)
	}
	return nil
}

// stores adds the store that Firefox and Chromium share to that of the system, if certutil is installed.
func stores() []truststore.Option {
	nss, err := truststore.NewNSSTrust()
	if err != nil {
		return nil
	}
	return []truststore.Option{truststore.WithTrust(nss)}
}
