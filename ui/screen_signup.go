package ui

import (
	"cmp"
	"slices"
)

// allowsPasskeys is the field in which the vendor's library says whether the browser has passkeys.
const allowsPasskeys = "allow-passkeys"

// Screen is the page for front ends of a tenant's own. Where passkeys take the place of passwords, or may, the vendor asks who somebody is first: its library goes on with a
// passkey if the browser has such, else with the password.
func (p SignupPage) Screen() Screen {
	name := map[LoginStep]string{AskWho: "signup-id", AskPassword: "signup-password"}[p.Step]
	s := Screen{
		Form: p.Form, Problems: p.Problems, Links: map[string]string{"login": p.LoginURL, "edit_identifier": p.EditURL},
		Data: data("email", p.Email, "phone_number", p.Phone, "username", p.Username), Names: map[string]string{"phone": FieldPhone}, Policy: p.Policy,
	}
	first := Field{}
	switch {
	case p.Step == AskBoth && p.PasskeyOnly:
		first = Field{Name: FieldPasskey, Value: "1"}
	case p.Step == AskBoth && p.Apart:
		first, s.Names[allowsPasskeys] = Field{Name: FieldApart, Value: "1"}, FieldPasskey
	case p.NoPassword && p.Step != AskWho:
		return Screen{}
	}
	if first.Name != "" {
		name = "signup-id"
		s.Form.Hidden, s.Policy, s.Passkeys = append(slices.Clone(s.Form.Hidden), first), nil, true
	}
	s.Prompt, s.Name = cmp.Or(name, "signup"), cmp.Or(name, "signup")
	return s
}

// Otherwise is the page for front ends that ask for everything at once, where there is none that asks who somebody is first.
func (p SignupPage) Otherwise() Screen {
	if !p.Apart {
		return Screen{}
	}
	p.Apart = false
	return p.Screen()
}
