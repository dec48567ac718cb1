package xmlsig_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

var came = stagedoor.CameBy{Connection: "con_1", NameID: "kim", Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", NameQualifier: "urn:idp", SPNameQualifier: "urn:sp", SessionIndex: "s-1"}

// TestLogoutRequest: a provider's signed request is read, in an address and by a form; ours names the person and the session as the provider did.
func TestLogoutRequest(t *testing.T) {
	s := both(t)
	for _, post := range []bool{false, true} {
		to, err := s.issuer.Logout(s.own.SLO, came, "relay", post, now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.own.ReadLogout(s.party, message(t, to), now)
		if err != nil || got.NameID != "kim" || len(got.Indexes) != 1 || got.Indexes[0] != "s-1" || got.RelayState != "relay" || got.ID == "" || !got.Ends.After(now) {
			t.Errorf("post %v: %+v %v", post, got, err)
		}
	}
	address, err := s.own.Logout(s.party, came, "back", now)
	if err != nil {
		t.Fatal(err)
	}
	theirs := &xmlsig.Own{EntityID: "urn:idp", SLO: s.party.SignOut, Key: s.issuer.Key, Cert: s.issuer.Cert}
	us := &xmlsig.Party{EntityID: s.own.EntityID, Certs: xmlsig.Certificates(base64.StdEncoding.EncodeToString(s.own.Cert.Raw))}
	got, err := theirs.ReadLogout(us, message(t, &xmlsig.Departure{Address: address}), now)
	if err != nil || got.NameID != "kim" || got.Indexes[0] != "s-1" {
		t.Errorf("%+v %v", got, err)
	}
	text := inflated(t, address)
	for _, want := range []string{`Format="` + came.Format + `"`, `NameQualifier="urn:idp"`, `SPNameQualifier="urn:sp"`, ">kim<", ">s-1<"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	away, err := s.own.LogoutAnswer(s.party, "id-9", strings.Repeat("x", 81), false, "", now)
	answer := away.Address
	if err != nil || !strings.HasPrefix(answer, s.party.SignOut+"?") || !strings.Contains(answer, "Signature=") || strings.Contains(answer, "RelayState") || !strings.Contains(inflated(t, answer), `InResponseTo="id-9"`) {
		t.Errorf("%s %v", answer, err)
	}
}

// TestHostileLogout: nothing that the provider did not sign, for us and for now, signs anybody out.
func TestHostileLogout(t *testing.T) {
	s := both(t)
	refused := func(name string, m xmlsig.Message, at time.Time) {
		t.Helper()
		if got, err := s.own.ReadLogout(s.party, m, at); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
	made := func(i *xmlsig.Issuer, to string, post bool) xmlsig.Message {
		d, err := i.Logout(to, came, "relay", post, now)
		if err != nil {
			t.Fatal(err)
		}
		return message(t, d)
	}
	stranger := both(t).issuer
	stranger.EntityID = "urn:idp"
	evil := *s.issuer
	evil.EntityID = "urn:evil"
	old := *s.issuer
	old.SHA1 = true
	for _, post := range []bool{false, true} {
		refused("another key", made(stranger, s.own.SLO, post), now)
		refused("another issuer", made(&evil, s.own.SLO, post), now)
		refused("another address", made(s.issuer, "https://evil.example/logout", post), now)
		refused("too late", made(s.issuer, s.own.SLO, post), now.Add(time.Hour))
		refused("too early", made(s.issuer, s.own.SLO, post), now.Add(-time.Hour))
		refused("SHA-1", made(&old, s.own.SLO, post), now)
	}
	good := made(s.issuer, s.own.SLO, false)
	q, _ := url.ParseQuery(good.Query)
	q.Del("Signature")
	refused("no signature", xmlsig.Message{Query: q.Encode()}, now)
	q.Del("SigAlg")
	refused("nothing of a signature", xmlsig.Message{Query: q.Encode()}, now)
	refused("another relay state", xmlsig.Message{Query: strings.Replace(good.Query, "RelayState=relay", "RelayState=other", 1)}, now)
	refused("another request beside it", xmlsig.Message{Query: "SAMLRequest=" + url.QueryEscape(q.Get("SAMLRequest")[:40]) + "&" + good.Query}, now)
	posted := made(s.issuer, s.own.SLO, true)
	raw, _ := base64.StdEncoding.DecodeString(posted.Form.Get("SAMLRequest"))
	form := func(text string) xmlsig.Message {
		return xmlsig.Message{Form: url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(text))}}}
	}
	refused("another name", form(strings.Replace(string(raw), ">kim<", ">ada<", 1)), now)
	refused("another session", form(strings.Replace(string(raw), ">s-1<", ">s-2<", 1)), now)
	refused("entities", form("<!DOCTYPE x>"+string(raw)), now)
	cut, rest := strings.Index(string(raw), "<ds:Signature"), strings.Index(string(raw), "</ds:Signature>")
	refused("unsigned form", form(string(raw)[:cut]+string(raw)[rest+len("</ds:Signature>"):]), now)
	for _, text := range []string{"", "SAMLRequest=", "SAMLRequest=%%%", "SAMLRequest=QUFB", "SAMLRequest=" + strings.Repeat("QUFB", 200<<10)} {
		refused("garbage", xmlsig.Message{Query: text}, now)
	}
	s.party.Certs = nil
	refused("no certificate", good, now)
}

func message(t testing.TB, d *xmlsig.Departure) xmlsig.Message {
	t.Helper()
	if d.Form != nil {
		form := url.Values{}
		for name, value := range d.Form {
			form.Set(name, value)
		}
		return xmlsig.Message{Form: form}
	}
	u, err := url.Parse(d.Address)
	if err != nil {
		t.Fatal(err)
	}
	return xmlsig.Message{Query: u.RawQuery}
}

// TestEncryptedAssertions: read with our key alone, and only inside of an answer that is signed.
func TestEncryptedAssertions(t *testing.T) {
	s := both(t)
	secret := func(x *xmlsig.Issued) { x.EncryptFor = &xmlsig.Reader{Cert: s.own.Cert} }
	answer := s.answer(t, secret)
	raw, _ := base64.StdEncoding.DecodeString(answer)
	if strings.Contains(string(raw), ">kim<") || strings.Contains(string(raw), "kim@corp") || !strings.Contains(string(raw), "EncryptedAssertion") {
		t.Fatal("it is not encrypted")
	}
	a, err := s.own.Read(s.party, answer, "id-1", now)
	if err != nil || a.NameID != "kim" || a.Attributes["email"][0] != "kim@corp.example" || a.CameBy.SessionIndex != "s" {
		t.Fatalf("%+v %v", a, err)
	}
	refused := func(name, answer string) {
		t.Helper()
		if a, err := s.own.Read(s.party, answer, "id-1", now); err == nil {
			t.Errorf("%s: read as %+v", name, a)
		}
	}
	refused("for somebody else", s.answer(t, func(x *xmlsig.Issued) { x.EncryptFor = &xmlsig.Reader{Cert: both(t).own.Cert} }))
	refused("another audience", s.answer(t, func(x *xmlsig.Issued) { secret(x); x.Audience = "urn:other" }))
	refused("too late", s.answer(t, func(x *xmlsig.Issued) { secret(x); x.At = now.Add(-time.Hour) }))
	// CBC without a signature around it can be bent, and its errors tell what is in it (Jager and Somorovsky, "How To Break XML Encryption", 2011).
	doc := tree(t, answer)
	if sig := doc.Root().FindElement("./Signature"); sig == nil {
		t.Error("the answer is not signed")
	} else {
		doc.Root().RemoveChild(sig)
	}
	refused("no signature around it", encoded(t, doc))
	doc = tree(t, answer)
	values := doc.Root().FindElements(".//CipherValue")
	last := values[len(values)-1]
	text := []byte(strings.Join(strings.Fields(last.Text()), ""))
	text[len(text)/2] ^= 1
	last.SetText(string(text))
	refused("bent", encoded(t, doc))
}

func FuzzReadLogout(f *testing.F) {
	s := both(f)
	to, err := s.issuer.Logout(s.own.SLO, came, "relay", true, now)
	if err != nil {
		f.Fatal(err)
	}
	raw, _ := base64.StdEncoding.DecodeString(to.Form["SAMLRequest"])
	f.Add(string(raw))
	f.Add("<samlp:LogoutRequest/>")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := s.own.ReadLogout(s.party, xmlsig.Message{Form: url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(text))}}}, now)
		if err == nil && (got.NameID != "kim" || got.Indexes[0] != "s-1") {
			t.Errorf("read as %+v", got)
		}
	})
}

// inflated is the message in an address.
func inflated(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	encoded := u.Query().Get("SAMLRequest") + u.Query().Get("SAMLResponse")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
