package fingerprint

import (
	"crypto/md5"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

// hello is a ClientHello to be written.
type hello struct {
	version    uint16
	ciphers    []uint16
	extensions []extension // nil: the message ends before them
}

type extension struct {
	kind uint16
	data []byte
}

func list16(values ...uint16) []byte {
	out := binary.BigEndian.AppendUint16(nil, uint16(2*len(values)))
	for _, v := range values {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	return out
}

func list8(b []byte) []byte { return append([]byte{byte(len(b))}, b...) }

func sized16(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func serverName(name string) extension {
	return extension{0, sized16(append([]byte{0}, sized16([]byte(name))...))}
}

func alpn(protocols ...string) extension {
	var all []byte
	for _, p := range protocols {
		all = append(all, list8([]byte(p))...)
	}
	return extension{16, sized16(all)}
}

func versions(all ...uint16) extension {
	return extension{43, list8(list16(all...)[2:])}
}

func keyShare() extension {
	share := append([]byte{0x00, 0x1d}, sized16(make([]byte, 32))...)
	return extension{51, sized16(share)}
}

// record is the message as it is on the wire.
func (h hello) record() []byte {
	body := binary.BigEndian.AppendUint16(nil, h.version)
	body = append(body, make([]byte, 32)...) // random
	body = append(body, 0)                   // no session
	body = append(body, list16(h.ciphers...)...)
	body = append(body, 1, 0) // no compression
	if h.extensions != nil {
		var all []byte
		for _, e := range h.extensions {
			all = append(binary.BigEndian.AppendUint16(all, e.kind), sized16(e.data)...)
		}
		body = append(body, sized16(all)...)
	}
	message := append([]byte{1, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	return append([]byte{22, 3, 1}, sized16(message)...)
}

// read is what a server finds in a message.
func read(t *testing.T, record []byte) *tls.ClientHelloInfo {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	var found *tls.ClientHelloInfo
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn := tls.Server(server, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			found = h
			return nil, nil
		}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, net.ErrClosed }})
		conn.Handshake() //nolint:errcheck // there is no certificate
		conn.Close()
	}()
	go client.Write(record) //nolint:errcheck // the server reads it or is gone
	buffer := make([]byte, 1024)
	for {
		if _, err := client.Read(buffer); err != nil {
			break
		}
	}
	<-done
	if found == nil {
		t.Fatal("the server could not read the message")
	}
	return found
}

// published is the example of the specification of JA4, as a message with values that mean nothing between the others.
func published() hello {
	other := []byte{}
	return hello{
		version: 0x0303,
		ciphers: []uint16{0x5a5a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
		extensions: []extension{
			{0x1a1a, other},
			{0x001b, other},
			serverName("login.example.com"), keyShare(), alpn("h2", "http/1.1"),
			{0x4469, other},
			{0x0017, other},
			{0x002d, list8([]byte{1})},
			{0x000d, sized16(list16(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)[2:])},
			{0x0005, []byte{1, 0, 0, 0, 0}},
			{0x0023, other},
			{0x0012, other},
			versions(0xaaaa, 0x0304, 0x0303),
			{0xff01, []byte{0}},
			{0x000b, list8([]byte{0})},
			{0x000a, list16(0xbaba, 29, 23, 24)},
			{0x0015, make([]byte, 40)},
			{0x2a2a, []byte{0}},
		},
	}
}

func TestPublishedJA4(t *testing.T) {
	if got := Of(read(t, published().record())).JA4; got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Errorf("JA4 is %s", got)
	}
	shuffled := published()
	slices.Reverse(shuffled.ciphers)
	slices.Reverse(shuffled.extensions)
	if got := Of(read(t, shuffled.record())).JA4; got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Errorf("JA4 of the same in another order is %s", got)
	}
	unsigned := published()
	unsigned.extensions = slices.DeleteFunc(unsigned.extensions, func(e extension) bool { return e.kind == 0x000d })
	info := read(t, unsigned.record())
	info.Extensions = append(info.Extensions, 0x000d) // the specification counts it without what it holds
	if got := Of(info).JA4; got != "t13d1516h2_8daaf6152771_6d807ffa2a79" {
		t.Errorf("JA4 without signatures is %s", got)
	}
}

// TestPublishedJA3 has the examples that came with JA3. Messages as old as these are read no further than to their fingerprint.
func TestPublishedJA3(t *testing.T) {
	for text, row := range map[string]struct {
		hello hello
		hash  string
	}{
		"769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0": {hello{
			version: 0x0301, ciphers: []uint16{47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4},
			extensions: []extension{serverName("login.example.com"), {10, list16(23, 24, 25)}, {11, list8([]byte{0})}},
		}, "ada70206e40642a3e4461f35503241d5"},
		"769,4-5-10-9-100-98-3-6-19-18-99,,,": {hello{version: 0x0301, ciphers: []uint16{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}}, "de350869b8c85de67a350c8d186f11e6"},
	} {
		info := read(t, row.hello.record())
		if got := ja3(info); got != text {
			t.Errorf("%s, want %s", got, text)
		}
		if got := Of(info).JA3; got != row.hash {
			t.Errorf("the hash of %s is %s, want %s", text, got, row.hash)
		}
	}
	const modern = "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,27-0-51-16-17513-23-45-13-5-35-18-43-65281-11-10-21,29-23-24,0"
	if got := ja3(read(t, published().record())); got != modern {
		t.Errorf("%s, want %s", got, modern)
	}
}

// TestPublishedProtocols are the examples of the specification.
func TestPublishedProtocols(t *testing.T) {
	for text, want := range map[string]string{
		"h2": "h2", "http/1.1": "h1", "x": "xx", "\xab": "ab", "\x20": "20", "\xab\xcd": "ad", "\x20\x61": "21", "\x30\xab": "3b", "\x61\x20": "60", "\x30\x31\xab\xcd": "3d", "\x30\xab\xcd\x31": "01",
	} {
		if got := protocol([]string{text, "h3"}); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	if protocol(nil) != "00" || protocol([]string{""}) != "00" {
		t.Error("no protocol is not 00")
	}
}

func TestSmallAndLarge(t *testing.T) {
	if got := Of(&tls.ClientHelloInfo{}).JA4; got != "t00i000000_000000000000_000000000000" {
		t.Errorf("nothing is %s", got)
	}
	if got := Of(&tls.ClientHelloInfo{SupportedVersions: []uint16{0x7f1c}, SignatureSchemes: []tls.SignatureScheme{0x0403}}).JA4; got != "t00i000000_000000000000_000000000000" {
		t.Errorf("an unknown version is %s", got)
	}
	many := make([]uint16, 30000)
	for i := range many {
		many[i] = uint16(i)
	}
	if got := Of(&tls.ClientHelloInfo{CipherSuites: many, Extensions: many, SupportedVersions: []uint16{0x0303, 0x0304}}); !strings.HasPrefix(got.JA4, "t13d999900_") || len(got.JA3) != 2*md5.Size {
		t.Errorf("very much is %v", got)
	}
}

// TestRealClients looks at what this library says as a client, byte for byte.
func TestRealClients(t *testing.T) {
	for want, config := range map[string]*tls.Config{
		"t13d": {ServerName: "login.example.com"}, "t13i": {InsecureSkipVerify: true}, "t12d": {ServerName: "login.example.com", MaxVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
	} {
		client, wire := net.Pipe()
		go func() {
			tls.Client(client, config).Handshake() //nolint:errcheck // nobody answers
			client.Close()
		}()
		record := make([]byte, 5)
		if _, err := io.ReadFull(wire, record); err != nil {
			t.Fatal(err)
		}
		record = append(record, make([]byte, binary.BigEndian.Uint16(record[3:]))...)
		if _, err := io.ReadFull(wire, record[5:]); err != nil {
			t.Fatal(err)
		}
		wire.Close()
		got := Of(read(t, record))
		if !strings.HasPrefix(got.JA4, want) || len(got.JA4) != 36 {
			t.Errorf("%s is not of %s", got.JA4, want)
		}
		// The version of the message and its ciphers, found at their places.
		at := 5 + 4 + 2 + 32
		at += 1 + int(record[at])
		ciphers := record[at+2 : at+2+int(binary.BigEndian.Uint16(record[at:]))]
		var list []uint16
		for i := 0; i < len(ciphers); i += 2 {
			list = append(list, binary.BigEndian.Uint16(ciphers[i:]))
		}
		text := ja3(read(t, record))
		if !strings.HasPrefix(text, "771,"+numbers(list)+",") {
			t.Errorf("%s does not begin with the ciphers %v", text, list)
		}
		if sum := md5.Sum([]byte(text)); got.JA3 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s is not the hash of %s", got.JA3, text)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add([]byte{0x13, 0x01, 0x0a, 0x0a}, []byte{0, 0, 0, 16}, "h2")
	f.Fuzz(func(t *testing.T, ciphers, extensions []byte, protocol string) {
		pairs := func(b []byte) (out []uint16) {
			for i := 0; i+1 < len(b); i += 2 {
				out = append(out, binary.BigEndian.Uint16(b[i:]))
			}
			return out
		}
		got := Of(&tls.ClientHelloInfo{CipherSuites: pairs(ciphers), Extensions: pairs(extensions), SupportedProtos: []string{protocol}})
		if *got == (stagedoor.Fingerprints{}) || len(got.JA3) != 32 || len(got.JA4) != 36 {
			t.Errorf("%v", got)
		}
	})
}
