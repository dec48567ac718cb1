package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	bits "encoding/binary"
	"fmt"
	"image"
	"image/png"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// authenticator is the app on a listener's phone (RFC 6238). Its codes are each the next one, so that none is given twice: the server takes
// the ones of the half minute before and after as well, which is enough for three.
type authenticator struct {
	secret string
	last   int64
}

func (a *authenticator) code() string {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(a.secret)
	if err != nil {
		panic(err)
	}
	// The code of the time step before is good as well, and leaves the next two for later; not when it is about to be the one before that.
	a.last = max(a.last+1, (time.Now().Unix()+15)/30-1)
	for a.last > time.Now().Unix()/30+1 { // an app would not show it yet
		time.Sleep(time.Second)
	}
	mac := hmac.New(sha1.New, key)
	_ = bits.Write(mac, bits.BigEndian, a.last)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (bits.BigEndian.Uint32(sum[at:])&0x7fffffff)%1000000)
}

// scan reads the QR code that the page shows, as a phone's camera would: one that cannot read it from where it is comes nearer. The library looks for
// the pattern of one code in 130 in a wrong place, however near it is: its modules are read one by one then.
func (b *tab) scan() *url.URL {
	b.t.Helper()
	var text string
	var err error
	for _, near := range []float64{2, 3, 4} {
		if text, err = b.scanAt(near); err == nil {
			break
		}
	}
	if err != nil {
		text, err = b.scanModules(4)
	}
	if err != nil {
		b.t.Fatalf("the QR code cannot be read: %v", err)
	}
	u, err := url.Parse(text)
	if err != nil {
		b.t.Fatal(err)
	}
	b.view(390, 844, 1, "light")
	return u
}

// shoot takes a picture of an element, in the dark theme.
func (b *tab) shoot(element string, scale float64) image.Image {
	b.t.Helper()
	b.view(1280, 1200, scale, "dark")
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		b.t.Fatal(err)
	}
	var at struct{ X, Y, Width, Height float64 }
	b.eval(&at, `(() => { const r = document.querySelector(`+quote(element)+`).getBoundingClientRect(); return {X: r.x, Y: r.y, Width: r.width, Height: r.height}; })()`)
	return picture.(interface {
		SubImage(image.Rectangle) image.Image
	}).SubImage(image.Rect(int(scale*at.X), int(scale*at.Y), int(scale*(at.X+at.Width)), int(scale*(at.Y+at.Height))))
}

func (b *tab) scanAt(scale float64) (string, error) {
	b.t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(b.shoot("figure.qr", scale)) // a camera is pointed at it
	if err != nil {
		b.t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]interface{}{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return read.GetText(), nil
}

// scanModules reads the code by the middle of each of its modules; four light ones are around it.
func (b *tab) scanModules(scale float64) (string, error) {
	b.t.Helper()
	picture := b.shoot("figure.qr svg", scale)
	var all int
	b.eval(&all, `document.querySelector("figure.qr svg").viewBox.baseVal.width`)
	modules, err := gozxing.NewSquareBitMatrix(all - 8)
	if err != nil {
		return "", err
	}
	module := float64(picture.Bounds().Dx()) / float64(all)
	for y := range all - 8 {
		for x := range all - 8 {
			r, _, _, _ := picture.At(picture.Bounds().Min.X+int((float64(x)+4.5)*module), picture.Bounds().Min.Y+int((float64(y)+4.5)*module)).RGBA()
			if r < 0x8000 {
				modules.Set(x, y)
			}
		}
	}
	read, err := decoder.NewDecoder().Decode(modules, nil)
	if err != nil {
		return "", err
	}
	return read.GetText(), nil
}

// enroll sets the listener's app up on the page, and returns it.
func (b *tab) enroll(email string) *authenticator {
	b.t.Helper()
	b.see("figure.qr")
	uri := b.scan()
	if uri.Scheme != "otpauth" || uri.Host != "totp" || !strings.HasSuffix(uri.Path, ":"+email) {
		b.t.Fatalf("the QR code says %s", uri)
	}
	app := &authenticator{secret: uri.Query().Get("secret")}
	b.click("details summary")
	if typed := strings.ReplaceAll(b.text(".secret code"), " ", ""); typed != app.secret {
		b.t.Errorf("to be typed is %q, the picture says %q", typed, app.secret)
	}
	return app
}

func (b *tab) give(code string) {
	b.t.Helper()
	b.fill(`input[name="code"]`, code)
	b.click(`button[type="submit"].primary`)
}

// TestB8_SecondFactor: a listener sets up an app in the middle of a login, gives its code in the next one, has a browser remembered, and gets
// in without the phone by the recovery code. Another one follows the link of a mail.
func TestB8_SecondFactor(t *testing.T) {
	op := operatorOf(t)
	var made client
	op.do("POST", "/clients", map[string]any{
		"name": "Payroll", "app_type": "spa", "oidc_conformant": true, "callbacks": []string{demo.MixtapeURL}, "jwt_configuration": map[string]any{"alg": "RS256"},
		"grant_types": []string{"authorization_code"},
	}, &made)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+made.ClientID, nil, nil) })
	op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": true}, nil)
	t.Cleanup(func() { op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": false}, nil) })
	var asks struct{ ID string }
	op.do("POST", "/rules", map[string]any{"name": "Ask payroll for a second factor", "enabled": true, "script": `function (user, context, callback) {
		if (context.clientName === 'Payroll') context.multifactor = {provider: 'any'};
		callback(null, user, context);
	}`}, &asks)
	t.Cleanup(func() { op.do("DELETE", "/rules/"+asks.ID, nil, nil) })
	listener := op.newListener("mfa", nil)
	query, _ := request{server: demo.HTTPURL, clientID: made.ClientID, redirectURI: demo.MixtapeURL}.query()
	authorize := demo.HTTPURL + "/authorize?" + query.Encode()
	back := `location.href.startsWith(` + quote(demo.MixtapeURL) + `)`

	b := newTab(t)
	b.open(authorize)
	b.logIn(listener)
	app := b.enroll(listener.Email)
	b.look("hosted-mfa-enroll")
	b.give("000000")
	b.see(`[role="alert"]`)
	b.look("hosted-mfa-enroll-refused")
	b.give(app.code())
	b.see(`input[name="noted"]`)
	b.look("hosted-mfa-recovery-code")
	recovery := b.text(".secret code")
	b.click(`input[name="noted"]`)
	b.click(`button[type="submit"].primary`)
	b.await("the way back", back)

	// Another browser asks for a code, by keyboard alone, and is remembered.
	other := newTab(t)
	other.open(authorize)
	other.logIn(listener)
	other.see(`input[name="remember"]`)
	other.look("hosted-mfa-otp")
	other.press(app.code()) // the field has the cursor
	other.tabTo(`input[name="remember"]`)
	other.press(" ")
	other.tabTo(`button[type="submit"].primary`)
	other.press("\r")
	other.await("the way back", back)
	other.open(authorize + "&prompt=login")
	other.logIn(listener)
	other.await("the way back of a remembered browser", back)

	// Without the phone.
	third := newTab(t)
	third.open(authorize)
	third.logIn(listener)
	third.click(`a[href*="recovery-code"]`)
	third.see(`a[href*="mfa-otp-challenge"]`)
	third.look("hosted-mfa-recovery")
	third.give(recovery)
	third.see(`input[name="noted"]`)
	if next := third.text(".secret code"); next == recovery {
		t.Error("the recovery code is the same after it was used")
	}
	third.click(`input[name="noted"]`)
	third.click(`button[type="submit"].primary`)
	third.await("the way back", back)

	// The link of a mail.
	invited := op.newListener("mfa-mail", nil)
	var ticket struct {
		URL string `json:"ticket_url"`
	}
	op.do("POST", "/guardian/enrollments/ticket", map[string]any{"user_id": invited.UserID, "send_mail": true}, &ticket)
	b.openMail(invited.Email, "")
	b.look("hosted-mfa-mail")
	if mail := b.text("pre.text"); !strings.Contains(mail, ticket.URL) {
		t.Fatalf("the mail has no %s: %s", ticket.URL, mail)
	}
	_, path, _ := strings.Cut(ticket.URL, demo.Domain) // this browser does not know the demo's authority
	b.open(demo.HTTPURL + path)
	app = b.enroll(invited.Email)
	b.give(app.code())
	b.await("the app is set up", `document.querySelector("h1")?.innerText.includes("all set")`)
	b.look("hosted-mfa-enrolled")
	var methods []struct {
		Type      string `json:"type"`
		Confirmed bool   `json:"confirmed"`
	}
	op.do("GET", "/users/"+url.PathEscape(invited.UserID)+"/authentication-methods", nil, &methods)
	if len(methods) != 2 || !methods[0].Confirmed {
		t.Errorf("methods %+v", methods)
	}
	if complaints := b.complaints(); len(complaints) > 1 { // the refused code is one
		t.Errorf("the browser complained: %q", complaints)
	}
}
