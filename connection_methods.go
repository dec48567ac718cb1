package stagedoor

import "encoding/json"

// methodSwitch is whether one of authentication_methods is on; absent is off.
type methodSwitch struct {
	Enabled bool `json:"enabled"`
}

// authenticationMethods is the option authentication_methods of a database: what its people log in with (Management API fact sheet 3.6).
type authenticationMethods struct {
	Password struct {
		Enabled *bool  `json:"enabled"`      // absent is on
		API     string `json:"api_behavior"` // required, optional
	} `json:"password"`
	Passkey methodSwitch `json:"passkey"`
	Email   methodSwitch `json:"email_otp"`
	Phone   methodSwitch `json:"phone_otp"`
}

func (o *ConnectionOptions) methods() (m authenticationMethods) {
	if json.Unmarshal(o.Stored["authentication_methods"], &m) != nil {
		return authenticationMethods{}
	}
	return m
}
