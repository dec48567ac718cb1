package stagedoor

// NotificationDetails are the details of a log event about a message to somebody: by which channel it goes (email, sms or voice), of which kind it is,
// where it goes, and what went wrong with it, if anything did.
func NotificationDetails(channel, kind, to, why string) map[string]any {
	details := map[string]any{"notification_type": channel, "to": to}
	if channel == "email" {
		details["email_type"] = kind
	} else {
		details["message_type"] = kind
	}
	if why != "" {
		details["error"] = why
	}
	return details
}

// FactorFailure are the details of a log event about a second factor that somebody did not give.
func FactorFailure(err error) map[string]any {
	e := AsError(err)
	return map[string]any{"failure_details": map[string]any{"errorCode": e.Code, "message": e.Message}}
}
