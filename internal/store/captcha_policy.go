package store

import (
	"strconv"

	"github.com/stagedoor/stagedoor"
)

// CaptchaPolicies are who tells people from programs, by where they come from.
var CaptchaPolicies = Kind[stagedoor.CaptchaPolicy]{
	Name: "captcha_policy", ID: func(p *stagedoor.CaptchaPolicy) *string { return &p.ID },
	Unique:  func(p *stagedoor.CaptchaPolicy) string { return strconv.Itoa(p.Priority) },
	Secret:  func(p *stagedoor.CaptchaPolicy) *string { return &p.Action },
	NewID:   func() string { return "capol_" + stagedoor.NewBase58(22) },
	Missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_captcha_policy", "The captcha policy does not exist."),
	Clash: func(p *stagedoor.CaptchaPolicy) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "captcha_policy_conflict", "There is a captcha policy with the priority %d already.", p.Priority)
	},
}
