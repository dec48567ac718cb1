package stagedoor

import (
	"encoding/json"
	"strings"
)

// The attributes by which users of a database can be known, as the wire names them (Management API fact sheet 3.6).
const (
	AttributeEmail    = "email"
	AttributePhone    = "phone_number"
	AttributeUsername = "username"
)

// What a sign-up does with an attribute.
const (
	signupRequired = "required"
	signupOptional = "optional"
)

// AttributeRule is what a database makes of one of these attributes.
type AttributeRule struct {
	Identifies bool // people log in with it, so that it is one user's alone
	Asked      bool // people who sign up are asked for it
	Must       bool // … and do not get in without it
	Needed     bool // there is no user without one, whoever makes them
	Verified   bool // who signs up proves that it is theirs
	ByCode     bool // … by a code before there is a user, else by the link of a mail afterwards
	CodeFirst  bool // who logs in with it is asked for a code that is sent there, before a password
}

// Had tells whether users have the attribute at all.
func (r AttributeRule) Had() bool { return r.Identifies || r.Asked || r.Needed }

// AttributeRules are what a database makes of e-mail addresses, telephone numbers and usernames.
type AttributeRules struct {
	Email, Phone, Username AttributeRule

	Flexible   bool     // the connection says so by its attributes; else people have an address, and may have a username
	Precedence []string // the attributes that identify, in the order in which somebody is looked for by them
}

// defaultPrecedence is the order of connections that name none. It is the wire's.
var defaultPrecedence = []string{AttributeEmail, AttributePhone, AttributeUsername}

// attributesOption is the option attributes.
type attributesOption struct {
	Email *struct {
		attributeOption
		Method string `json:"verification_method"`
	} `json:"email"`
	Phone    *attributeOption `json:"phone_number"`
	Username *struct {
		attributeOption
		Validation struct {
			Min   int `json:"min_length"`
			Max   int `json:"max_length"`
			Types struct {
				Email bool `json:"email"`
				Phone bool `json:"phone_number"`
			} `json:"allowed_types"`
		} `json:"validation"`
	} `json:"username"`
}

type attributeOption struct {
	Identifier struct {
		Active bool
		Method string `json:"default_method"`
	} `json:"identifier"`
	Required bool `json:"profile_required"`
	Signup   struct {
		Status       string  `json:"status"`
		Verification *Active `json:"verification"`
	} `json:"signup"`
}

// rule is the rule of an attribute whose sign-up status is otherwise, and which is verified unless it says so.
func (a *attributeOption) rule(otherwise string, verified bool) AttributeRule {
	if a == nil {
		return AttributeRule{}
	}
	status := a.Signup.Status
	switch {
	case status != "":
	case a.Required:
		status = signupRequired
	default:
		status = otherwise
	}
	r := AttributeRule{
		Identifies: a.Identifier.Active, Asked: status == signupRequired || status == signupOptional, Must: status == signupRequired, Needed: a.Required, Verified: verified,
		CodeFirst: a.Identifier.Active && strings.HasSuffix(a.Identifier.Method, "_otp"),
	}
	if v := a.Signup.Verification; v != nil {
		r.Verified = v.Active
	}
	return r
}

func (o *ConnectionOptions) attributes() (a attributesOption) {
	if o.Stored["attributes"] != nil && json.Unmarshal(o.Stored["attributes"], &a) != nil {
		return attributesOption{}
	}
	return a
}

// Attributes returns the rules. Connections without the option attributes know their people by address, or by username if they have one.
func (o *ConnectionOptions) Attributes() AttributeRules {
	a := o.attributes()
	if a.Email == nil && a.Phone == nil && a.Username == nil {
		names := o.Usernames()
		return AttributeRules{
			Email:      AttributeRule{Identifies: true, Asked: true, Must: true, Verified: true},
			Username:   AttributeRule{Identifies: true, Asked: names.Have, Must: names.Must},
			Precedence: []string{AttributeEmail, AttributeUsername},
		}
	}
	r := AttributeRules{Flexible: true, Phone: a.Phone.rule(signupOptional, o.methods().Phone.Enabled)}
	r.Phone.Verified = r.Phone.Verified || r.Phone.CodeFirst && a.Phone.Signup.Verification == nil
	if a.Email != nil {
		r.Email = a.Email.rule(signupRequired, true)
		r.Email.ByCode = a.Email.Method == "otp" || a.Email.Method == "code"
	}
	r.Phone.ByCode = true
	if a.Username != nil {
		r.Username = a.Username.rule(signupOptional, false)
		r.Username.Verified = false
	}
	order := defaultPrecedence
	var own []string
	if json.Unmarshal(o.Stored["precedence"], &own) == nil && len(own) == len(order) {
		order = own
	}
	for _, name := range order {
		if r.Of(name).Identifies {
			r.Precedence = append(r.Precedence, name)
		}
	}
	return r
}

// Of is the rule of an attribute by its name.
func (r *AttributeRules) Of(name string) AttributeRule {
	switch name {
	case AttributeEmail:
		return r.Email
	case AttributePhone:
		return r.Phone
	case AttributeUsername:
		return r.Username
	}
	return AttributeRule{}
}

// SelfServicePasswords tells whether people may set a password anew by themselves. Where they are known by usernames alone nothing could be sent to them.
func (o *ConnectionOptions) SelfServicePasswords() bool {
	var off bool
	if rules := o.Attributes(); !rules.Email.Had() && !rules.Phone.Identifies {
		return false
	}
	return json.Unmarshal(o.Stored["disable_self_service_change_password"], &off) != nil || !off
}
