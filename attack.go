package stagedoor

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The names of the settings of attack protection, as in /attack-protection/NAME (Management API fact sheet 3.18).
const (
	SettingBruteForce   = "brute-force-protection"
	SettingSuspiciousIP = "suspicious-ip-throttling"
	SettingBreached     = "breached-password-detection"
	SettingBotDetection = "bot-detection"
	SettingCaptcha      = "captcha"
)

// BlockFor is how long an address stays blocked after too many wrong passwords, unless somebody lifts the block (Authentication API
// fact sheet 10.4).
const BlockFor = 30 * 24 * time.Hour

// What a shield does.
const (
	ShieldBlock             = "block"
	ShieldUserNotification  = "user_notification"
	ShieldAdminNotification = "admin_notification"
)

// BruteForceProtection says how many wrong passwords for one identifier end in a block.
type BruteForceProtection struct {
	Enabled     bool     `json:"enabled"`
	Shields     []string `json:"shields"`
	Mode        string   `json:"mode"` // count_per_identifier_and_ip or count_per_identifier
	Allowlist   []string `json:"allowlist"`
	MaxAttempts int      `json:"max_attempts"`
}

// DefaultBruteForceProtection is what holds until a tenant changes it.
func DefaultBruteForceProtection() BruteForceProtection {
	return BruteForceProtection{
		Enabled: true, Shields: []string{ShieldBlock, ShieldUserNotification}, Mode: "count_per_identifier_and_ip", Allowlist: []string{}, MaxAttempts: 10,
	}
}

// Blocks tells whether a block really keeps people out.
func (b BruteForceProtection) Blocks() bool {
	return b.Enabled && slices.Contains(b.Shields, ShieldBlock)
}

// Place is the network that attempts are counted under, see [Network]: empty when they are counted for the identifier as a whole.
func (b BruteForceProtection) Place(ip string) string {
	if b.Mode == "count_per_identifier" {
		return ""
	}
	return Network(ip)
}

// nat64 is where IPv6 networks put IPv4 addresses: the last 32 bits are one (RFC 6052 section 2.1).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// Network is what is counted where something is counted by network address: an IPv6 address with the whole of its /64, by the first address of that, because it is what
// one customer gets, who then has as many addresses as they like. An IPv4 address is counted by itself.
func Network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if addr = addr.Unmap(); addr.Is4() {
		return addr.String()
	}
	if bytes := addr.As16(); nat64.Contains(addr) {
		return netip.AddrFrom4([4]byte(bytes[12:])).String()
	}
	network := netip.PrefixFrom(addr.WithZone(""), 64)
	return network.Masked().Addr().String()
}

// Throttle is a bucket: MaxAttempts fit in, and one leaves every Rate milliseconds.
type Throttle struct {
	MaxAttempts int `json:"max_attempts"`
	Rate        int `json:"rate"`
}

// SuspiciousIPThrottling says how much one network address may try.
type SuspiciousIPThrottling struct {
	Enabled   bool     `json:"enabled"`
	Shields   []string `json:"shields"`
	Allowlist []string `json:"allowlist"`
	Stage     struct {
		PreLogin               Throttle `json:"pre-login"`
		PreUserRegistration    Throttle `json:"pre-user-registration"`
		PreCustomTokenExchange Throttle `json:"pre-custom-token-exchange"`
	} `json:"stage"`
}

// DefaultSuspiciousIPThrottling is what holds until a tenant changes it.
func DefaultSuspiciousIPThrottling() SuspiciousIPThrottling {
	s := SuspiciousIPThrottling{Enabled: true, Shields: []string{ShieldAdminNotification, ShieldBlock}, Allowlist: []string{}}
	s.Stage.PreLogin = Throttle{MaxAttempts: 100, Rate: 864000}
	s.Stage.PreUserRegistration = Throttle{MaxAttempts: 50, Rate: 1200}
	s.Stage.PreCustomTokenExchange = Throttle{MaxAttempts: 10, Rate: 600000}
	return s
}

// Blocks tells whether the throttle really keeps addresses out.
func (s SuspiciousIPThrottling) Blocks() bool {
	return s.Enabled && slices.Contains(s.Shields, ShieldBlock)
}

// NotifiesAdmin tells whether the tenant's support is to hear of addresses that are kept out.
func (s SuspiciousIPThrottling) NotifiesAdmin() bool {
	return s.Enabled && slices.Contains(s.Shields, ShieldAdminNotification)
}

// BreachedPasswords says what happens where somebody uses a password that has become public.
type BreachedPasswords struct {
	Enabled   bool     `json:"enabled"`
	Shields   []string `json:"shields"`                      // at a login: block, user_notification, admin_notification
	Frequency []string `json:"admin_notification_frequency"` // immediately, daily, weekly, monthly
	Stage     struct {
		PreUserRegistration Shielded `json:"pre-user-registration"`
		PreChangePassword   Shielded `json:"pre-change-password"`
	} `json:"stage"`
}

// Shielded are the shields of one stage: block, admin_notification.
type Shielded struct {
	Shields []string `json:"shields"`
}

// BotDetection says which forms programs are kept out of: never, when_risky or always.
type BotDetection struct {
	Level        string   `json:"bot_detection_level"` // low, medium, high
	Password     string   `json:"challenge_password_policy"`
	Passwordless string   `json:"challenge_passwordless_policy"`
	Reset        string   `json:"challenge_password_reset_policy"`
	Allowlist    []string `json:"allowlist"`
	Monitoring   bool     `json:"monitoring_mode_enabled"` // nobody is challenged
}

// DefaultBotDetection is what holds until a tenant changes it.
func DefaultBotDetection() BotDetection {
	return BotDetection{Level: "medium", Password: "never", Passwordless: "never", Reset: "never", Allowlist: []string{}}
}

// Captcha says who tells people from programs.
type Captcha struct {
	Active     string          `json:"active_provider_id"` // empty counts as auth_challenge
	V2         CaptchaProvider `json:"recaptcha_v2"`
	Enterprise CaptchaProvider `json:"recaptcha_enterprise"`
	HCaptcha   CaptchaProvider `json:"hcaptcha"`
	Friendly   CaptchaProvider `json:"friendly_captcha"`
	Turnstile  CaptchaProvider `json:"turnstile"`
}

// CaptchaProvider is the tenant's account at a vendor.
type CaptchaProvider struct {
	SiteKey   string `json:"site_key"`
	Secret    string `json:"secret"`
	APIKey    string `json:"api_key"`
	ProjectID string `json:"project_id"`
}

// Provider is the account at the vendor that is active; empty where none is.
func (c *Captcha) Provider() CaptchaProvider {
	return map[string]CaptchaProvider{
		"recaptcha_v2": c.V2, "recaptcha_enterprise": c.Enterprise, "hcaptcha": c.HCaptcha, "friendly_captcha": c.Friendly, "turnstile": c.Turnstile,
	}[c.Active]
}

// Listed tells whether a network address is in a list of addresses and networks.
func Listed(list []string, ip string) bool {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	return slices.ContainsFunc(list, func(entry string) bool {
		if strings.Contains(entry, "/") {
			network, err := netip.ParsePrefix(entry)
			return err == nil && network.Contains(addr)
		}
		one, err := netip.ParseAddr(entry)
		return err == nil && one.Unmap() == addr
	})
}

// Attempts is how often somebody failed to log in with an identifier from an address.
type Attempts struct {
	Connection string // its name
	Identifier string // as typed, in lower case
	IP         string // as [Network] writes it; empty: counted for the identifier as a whole
	Count      int
}

// IsLoopback tells whether a host name or an address is this machine itself, as browsers see it.
func IsLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Zone() == "" && ip.Unmap().IsLoopback()
}
