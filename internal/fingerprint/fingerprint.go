// Package fingerprint tells kinds of programs apart by the first message of a TLS connection, the ClientHello (RFC 8446 section 4.1.2): what it offers, and in
// which order, differs from one library to the next.
//
//	JA3   the MD5 of version, ciphers, extensions, groups and point formats in the order of the message
//	JA4   FoxIO's specification of TLS clients: readable counts, then hashes of sorted ciphers and extensions, so that browsers that shuffle them stay the same
//
// It reads what crypto/tls has parsed, and keeps nothing.
package fingerprint

import (
	"cmp"
	"crypto/md5" //nolint:gosec // JA3 is an MD5
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// Extensions that are looked at (IANA's TLS ExtensionType values).
const (
	extServerName        = 0
	extALPN              = 16
	extSupportedVersions = 43
)

// Of returns the fingerprints of a client that says hello over TCP.
func Of(hello *tls.ClientHelloInfo) *stagedoor.Fingerprints {
	sum := md5.Sum([]byte(ja3(hello))) //nolint:gosec // see above
	return &stagedoor.Fingerprints{JA3: hex.EncodeToString(sum[:]), JA4: ja4(hello)}
}

// ja3 is the text of which JA3 is the hash.
func ja3(hello *tls.ClientHelloInfo) string {
	// Who names versions in the extension writes TLS 1.2 in the older field (RFC 8446 section 4.1.2), which crypto/tls does not tell.
	version := uint16(tls.VersionTLS12)
	if !slices.Contains(hello.Extensions, extSupportedVersions) {
		version = highest(hello.SupportedVersions)
	}
	groups := make([]uint16, len(hello.SupportedCurves))
	for i, group := range hello.SupportedCurves {
		groups[i] = uint16(group)
	}
	formats := make([]string, len(hello.SupportedPoints))
	for i, format := range hello.SupportedPoints {
		formats[i] = strconv.Itoa(int(format))
	}
	return strings.Join([]string{
		strconv.Itoa(int(version)), numbers(hello.CipherSuites), numbers(hello.Extensions), numbers(groups), strings.Join(formats, "-"),
	}, ",")
}

func ja4(hello *tls.ClientHelloInfo) string {
	ciphers, extensions := without(hello.CipherSuites), without(hello.Extensions)
	name := "i"
	if slices.Contains(extensions, extServerName) {
		name = "d"
	}
	first := fmt.Sprintf("t%s%s%02d%02d%s", versionName(highest(hello.SupportedVersions)), name, min(len(ciphers), 99), min(len(extensions), 99), protocol(hello.SupportedProtos))

	slices.Sort(ciphers)
	slices.Sort(extensions)
	extensions = slices.DeleteFunc(extensions, func(e uint16) bool { return e == extServerName || e == extALPN })
	signatures := make([]uint16, len(hello.SignatureSchemes))
	for i, scheme := range hello.SignatureSchemes {
		signatures[i] = uint16(scheme)
	}
	last := hexes(extensions)
	if signatures = without(signatures); last != "" && len(signatures) > 0 {
		last += "_" + hexes(signatures)
	}
	return first + "_" + hash(hexes(ciphers)) + "_" + hash(last)
}

// grease tells whether a value means nothing, but that servers must ignore it (RFC 8701).
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// without returns the values that mean something.
func without(values []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(values), grease)
}

func highest(versions []uint16) uint16 {
	var most uint16
	for _, v := range without(versions) {
		most = max(most, v)
	}
	return most
}

var versionNames = map[uint16]string{
	0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2", 0xfeff: "d1", 0xfefd: "d2", 0xfefc: "d3",
}

func versionName(v uint16) string { return cmp.Or(versionNames[v], "00") }

// protocol is the first and the last character of the first protocol that the client would speak.
func protocol(offered []string) string {
	if len(offered) == 0 || offered[0] == "" {
		return "00"
	}
	text := offered[0]
	if !alphanumeric(text[0]) || !alphanumeric(text[len(text)-1]) {
		text = hex.EncodeToString([]byte(text))
	}
	return text[:1] + text[len(text)-1:]
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func numbers(values []uint16) string {
	texts := []string{}
	for _, v := range without(values) {
		texts = append(texts, strconv.Itoa(int(v)))
	}
	return strings.Join(texts, "-")
}

func hexes(values []uint16) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprintf("%04x", v)
	}
	return strings.Join(texts, ",")
}

// hash is the part of a JA4 that stands for a list; an empty one has none.
func hash(text string) string {
	if text == "" {
		return "000000000000"
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}
