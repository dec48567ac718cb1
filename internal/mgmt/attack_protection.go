package mgmt

import (
	"net/netip"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/web"
)

// The groups under /attack-protection, with the defaults of the wire (Management API fact sheet 3.18).
var (
	bruteForce        = settings{name: stagedoor.SettingBruteForce, defaults: stagedoor.DefaultBruteForceProtection()}
	suspiciousIP      = settings{name: stagedoor.SettingSuspiciousIP, defaults: stagedoor.DefaultSuspiciousIPThrottling()}
	botDetection      = settings{name: stagedoor.SettingBotDetection, defaults: stagedoor.DefaultBotDetection()}
	breachedPasswords = settings{name: stagedoor.SettingBreached, defaults: map[string]any{
		"enabled": false, "shields": []string{}, "admin_notification_frequency": []string{}, "method": "standard",
		"stage": map[string]any{
			"pre-user-registration": map[string]any{"shields": []string{}}, "pre-change-password": map[string]any{"shields": []string{}},
		},
	}}
	captcha = settings{name: stagedoor.SettingCaptcha, defaults: map[string]any{
		"active_provider_id": "auth_challenge", "simple_captcha": map[string]any{}, "auth_challenge": map[string]any{"fail_open": false},
		"recaptcha_v2": map[string]any{"site_key": ""}, "recaptcha_enterprise": map[string]any{"site_key": "", "project_id": ""},
		"hcaptcha": map[string]any{"site_key": ""}, "friendly_captcha": map[string]any{"site_key": ""},
		"arkose": map[string]any{"site_key": "", "client_subdomain": "client-api", "verify_subdomain": "verify-api", "fail_open": false},
	}, hidden: []string{"secret", "api_key"}}
	phoneProviderProtection = settings{name: "phone-provider-protection", defaults: map[string]any{"type": "none"}}
)

type bruteForceIn struct {
	_           struct{}      `schema:"min=1"`
	Enabled     web.Opt[bool] `json:"enabled" schema:"notnull" doc:"Whether or not brute force attack protections are active"`
	Shields     []string      `json:"shields" schema:"unique,enum=block|user_notification" doc:"Action to take when a brute force protection threshold is violated"`
	Mode        string        `json:"mode" schema:"enum=count_per_identifier_and_ip|count_per_identifier" doc:"Account Lockout: Determines whether or not IP address is used when counting failed attempts"`
	FormMode    string        `json:"form_submission_mode" schema:"enum=auto|manual" doc:"Whether the link that lifts a block does so by itself"`
	Allowlist   []string      `json:"allowlist" schema:"unique" doc:"List of trusted IP addresses that will not have attack protection enforced against them"`
	MaxAttempts web.Opt[int]  `json:"max_attempts" schema:"notnull,min=1,max=100" doc:"Maximum number of unsuccessful attempts"`
}

func (in bruteForceIn) check() error { return checkAddresses("allowlist", in.Allowlist) }

type throttleIn struct {
	MaxAttempts web.Opt[int] `json:"max_attempts" schema:"notnull,min=1,max=72000" doc:"Total number of attempts allowed"`
	Rate        web.Opt[int] `json:"rate" schema:"notnull,min=1,max=86400000" doc:"Interval of time, given in milliseconds, at which new attempts are granted"`
}

type loginThrottleIn struct {
	MaxAttempts web.Opt[int] `json:"max_attempts" schema:"notnull,min=1,max=2500" doc:"Total number of attempts allowed"`
	Rate        web.Opt[int] `json:"rate" schema:"notnull,min=1,max=86400000" doc:"Interval of time, given in milliseconds, at which new attempts are granted"`
}

type suspiciousIPIn struct {
	_         struct{}      `schema:"min=1"`
	Enabled   web.Opt[bool] `json:"enabled" schema:"notnull" doc:"Whether or not suspicious IP throttling attack protections are active"`
	Shields   []string      `json:"shields" schema:"unique,enum=block|admin_notification" doc:"Action to take when a suspicious IP throttling threshold is violated"`
	Allowlist []string      `json:"allowlist" schema:"unique" doc:"List of trusted IP addresses that will not have attack protection enforced against them"`
	Stage     struct {
		PreLogin               loginThrottleIn `json:"pre-login"`
		PreUserRegistration    throttleIn      `json:"pre-user-registration"`
		PreCustomTokenExchange throttleIn      `json:"pre-custom-token-exchange"`
	} `json:"stage" doc:"Per-stage configuration options"`
}

func (in suspiciousIPIn) check() error { return checkAddresses("allowlist", in.Allowlist) }

type botDetectionIn struct {
	_             struct{}      `schema:"min=1"`
	Level         string        `json:"bot_detection_level" schema:"enum=low|medium|high" doc:"The level of bot detection sensitivity"`
	Password      string        `json:"challenge_password_policy" schema:"enum=never|when_risky|always" doc:"The policy that defines how often to show CAPTCHA"`
	Passwordless  string        `json:"challenge_passwordless_policy" schema:"enum=never|when_risky|always" doc:"The policy that defines how often to show CAPTCHA"`
	PasswordReset string        `json:"challenge_password_reset_policy" schema:"enum=never|when_risky|always" doc:"The policy that defines how often to show CAPTCHA"`
	Allowlist     []string      `json:"allowlist" doc:"List of IP addresses or CIDR blocks to allowlist"`
	Monitoring    web.Opt[bool] `json:"monitoring_mode_enabled" schema:"notnull" doc:"Whether monitoring mode is enabled"`
}

func (in botDetectionIn) check() error { return checkAddresses("allowlist", in.Allowlist) }

type breachStageIn struct {
	Shields []string `json:"shields" schema:"unique,enum=block|admin_notification" doc:"Action to take when a breached password is detected"`
}

type breachedPasswordsIn struct {
	_         struct{}      `schema:"min=1"`
	Enabled   web.Opt[bool] `json:"enabled" schema:"notnull" doc:"Whether or not breached password detection is active"`
	Shields   []string      `json:"shields" schema:"unique,enum=block|user_notification|admin_notification" doc:"Action to take when a breached password is detected during a login"`
	Frequency []string      `json:"admin_notification_frequency" schema:"unique,enum=immediately|daily|weekly|monthly" doc:"When \"admin_notification\" is enabled, determines how often email notifications are sent"`
	Method    string        `json:"method" schema:"enum=standard|enhanced" doc:"The subscription level for breached password detection methods"`
	Stage     struct {
		PreUserRegistration breachStageIn `json:"pre-user-registration"`
		PreChangePassword   breachStageIn `json:"pre-change-password"`
	} `json:"stage" doc:"Per-stage configuration options"`
}

type captchaProviderIn struct {
	SiteKey         string        `json:"site_key" doc:"The site key for the provider"`
	Secret          string        `json:"secret" doc:"The secret key for the provider"`
	APIKey          string        `json:"api_key" doc:"The API key for the provider"`
	ProjectID       string        `json:"project_id" doc:"The project of the provider"`
	ClientSubdomain string        `json:"client_subdomain" doc:"The subdomain used for client requests"`
	VerifySubdomain string        `json:"verify_subdomain" doc:"The subdomain used for server-side verification requests"`
	FailOpen        web.Opt[bool] `json:"fail_open" schema:"notnull" doc:"Whether the login goes on when the challenge cannot be shown"`
}

type captchaIn struct {
	_ struct{} `schema:"min=1"`
	captchaActionIn
}

type phoneProviderProtectionIn struct {
	Type string `json:"type" schema:"required,enum=exponential|none" doc:"How messages to one number are slowed down"`
}

// checked makes an operation of one whose body has rules of its own.
func checked[In interface{ check() error }](run func(*call, In) (any, error)) func(*call, In) (any, error) {
	return func(c *call, in In) (any, error) {
		if err := in.check(); err != nil {
			return nil, err
		}
		return run(c, in)
	}
}

// checkAddresses refuses a list that holds anything but addresses and networks.
func checkAddresses(path string, list []string) error {
	for _, entry := range list {
		var err error
		if strings.Contains(entry, "/") {
			_, err = netip.ParsePrefix(entry)
		} else {
			_, err = netip.ParseAddr(entry)
		}
		if err != nil {
			return badProperty(path, "Object didn't pass validation for format ipv4-or-cidr-or-ipv6-or-cidr: "+bounded(entry, 100))
		}
	}
	return nil
}

// pathIP returns the address in the path.
func pathIP(c *call) (string, error) {
	addr, err := netip.ParseAddr(c.id())
	if err != nil {
		return "", (&web.Violation{
			Path: "id", Doc: "IP address to check", Reason: "Object didn't pass validation for format ip-address: " + bounded(c.id(), 100),
		}).URI()
	}
	return addr.Unmap().String(), nil
}

// readBlockedIP answers 200 for an address that may not log in for now, and 404 for any other.
func (a *API) readBlockedIP(c *call) (any, error) {
	ip, err := pathIP(c)
	if err != nil {
		return nil, err
	}
	blocked, err := guard.BlockedIP(c.ctx(), c.store, ip)
	if err == nil && !blocked {
		err = stagedoor.Errorf(stagedoor.NotFound, "", "Not Found")
	}
	return map[string]any{}, err
}

func (a *API) unblockIP(c *call) (any, error) {
	ip, err := pathIP(c)
	if err != nil {
		return nil, err
	}
	return nil, guard.UnblockIP(c.ctx(), c.store, ip)
}
