package stagedoor

import "time"

// PasswordlessOptions are the options of connections that send codes (object shapes, section 3).
type PasswordlessOptions struct {
	Email struct {
		Body    string `json:"body"`
		From    string `json:"from"`
		Subject string `json:"subject"`
		Syntax  string `json:"syntax"` // liquid, md_with_macros
	} `json:"email"`
	TOTP struct {
		Length int `json:"length"`    // digits; 0 counts as 6
		Step   int `json:"time_step"` // seconds; 0 counts as 180
	} `json:"totp"`
	AuthParams map[string]string `json:"authParams"` // of links that come without their own

	From     string `json:"from"`     // sender of text messages
	Template string `json:"template"` // of text messages
	Syntax   string `json:"syntax"`
	Provider string `json:"provider"` // twilio, sms_gateway; empty counts as twilio
	SID      string `json:"twilio_sid"`
	Token    string `json:"twilio_token"`
	Service  string `json:"messaging_service_sid"`
	Gateway  string `json:"gateway_url"`
	Bearer   *struct {
		Method   string `json:"method"` // bearer
		Subject  string `json:"subject"`
		Audience string `json:"audience"`
		Secret   string `json:"secret"`
		Base64   bool   `json:"secret_base64_encoded"`
	} `json:"gateway_authentication"`
	Forward bool `json:"forward_req_info"` // the gateway learns of the request
}

// Length is how many digits a code has (Authentication API fact sheet 4.7).
func (o *PasswordlessOptions) Length() int {
	if o.TOTP.Length < 4 || o.TOTP.Length > 40 {
		return 6
	}
	return o.TOTP.Length
}

// Life is how long a code works (Authentication API fact sheet 4.7).
func (o *PasswordlessOptions) Life() time.Duration {
	if o.TOTP.Step < 60 {
		return 180 * time.Second
	}
	return time.Duration(o.TOTP.Step) * time.Second
}

// Passwordless returns the options of a connection that sends codes. What has the wrong type counts as not there.
func (c *Connection) Passwordless() (o PasswordlessOptions) {
	c.readOptions(&o)
	return o
}

// The strategies of connections that send a code instead of asking for a password.
const (
	StrategyEmail = "email"
	StrategySMS   = "sms"
)

// SendsCodes tells whether people can sign in through the connection here by a code that is sent to them, and it is not switched off for
// logins.
func (c *Connection) SendsCodes() bool {
	return (c.Strategy == StrategyEmail || c.Strategy == StrategySMS) && c.isOn()
}
