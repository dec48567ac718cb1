package telemetry

// ends says how logins end, by the type of the event in the tenant's log.
var ends = map[string]string{
	"s": LoginSuccess, "ssa": LoginSilent, "fsa": LoginFailed,
	"fp": LoginWrongPassword, "fu": LoginUnknownUser, "f": LoginFailed, "fc": LoginFailed, "fco": LoginFailed,
	"limit_wc": LoginBlocked, "limit_mu": LoginBlocked, "limit_sul": LoginBlocked,
	"pwd_leak": LoginBreached, "gd_auth_failed": LoginFactor, "gd_otp_rate_limit_exceed": LoginFactor, "gd_recovery_failed": LoginFactor, "gd_recovery_rate_limit_exceed": LoginFactor,
}

// LogEvent counts an event of a tenant's log, and a login if it is the end of one.
func (m *Metrics) LogEvent(tenant, kind string) {
	if m == nil {
		return
	}
	m.Add(LogEvents, 1, kind)
	if end := ends[kind]; end != "" {
		m.Add(Logins, 1, end)
		m.Add(TenantLogins, 1, tenant, end)
	}
}

// Cache counts a look into a cache.
func (m *Metrics) Cache(name string, hit bool) {
	if m == nil {
		return
	}
	result := "miss"
	if hit {
		result = "hit"
	}
	m.Add(CacheAsks, 1, name, result)
}
