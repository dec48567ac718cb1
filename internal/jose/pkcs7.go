package jose

import (
	"crypto/x509"
	"encoding/asn1"
)

var (
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
)

// PKCS7 returns the DER of a PKCS #7 bundle that holds the certificate and signs nothing (RFC 2315 section 9.1, with no signers).
func PKCS7(cert *x509.Certificate) ([]byte, error) {
	type content struct {
		Type asn1.ObjectIdentifier
	}
	type bundle struct {
		Version      int
		Digests      []asn1.RawValue `asn1:"set"`
		Content      content
		Certificates asn1.RawValue
		Signers      []asn1.RawValue `asn1:"set"`
	}
	inner, err := asn1.Marshal(bundle{
		Version: 1, Digests: []asn1.RawValue{}, Content: content{oidData}, Signers: []asn1.RawValue{},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: cert.Raw},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{oidSignedData, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner}})
}
