package stagedoor

import "strings"

// unproved are the types of events that anybody can cause, whoever they are: something did not succeed that everybody can try, or has merely begun.
var unproved = map[string]bool{
	"f": true, "fp": true, "fu": true, "fc": true, "fco": true, "fcoa": true, "fsa": true, "fs": true, "flo": true, "fcp": true, "fcpr": true, "fv": true, "fi": true, "fd": true,
	"fede": true, "fecte": true, "feta": true, "ferrt": true, "fpar": true, "fdeac": true, "fdeaz": true, "fdecc": true,
	"limit_wc": true, "limit_mu": true, "limit_sul": true, "organization_access_denied": true, "signup_pwd_leak": true,
	"gd_auth_failed": true, "gd_otp_rate_limit_exceed": true, "gd_recovery_failed": true, "gd_recovery_rate_limit_exceed": true, "passkey_challenge_failed": true,
	"anonymous_session_failed": true, "ciba_start_failed": true, "ciba_exchange_failed": true, "universal_logout_failed": true, "federated_logout_failed": true,
	"connected_accounts_connection_failed": true, "forms_submission_failed": true, "actions_execution_failed": true,
	"passkey_challenge_started": true,
}

// Unproved tells whether anybody can cause the event: of those the log takes only so many. What is done with somebody's own credentials at an API is none, nor is what was noted
// by the way about somebody who is known.
func (e *LogEvent) Unproved() bool {
	switch {
	case e.Type == "w":
		return e.UserID == ""
	case e.Type == "fapi": // also of registrations, which nobody has to prove themselves for
		return e.UserID == "" && e.ClientID == ""
	case strings.HasPrefix(e.Type, "fe") && strings.HasSuffix(e.Type, "ft"): // of the token endpoint
		return true
	}
	return unproved[e.Type]
}
