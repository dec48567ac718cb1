package script

// SendPhoneMessage runs where a code for a second factor is sent to a phone; its script sends the message, or fails
// (extensibility fact sheet 3.9 and 4.2).
var SendPhoneMessage = &Trigger{
	ID: "send-phone-message", Versions: versions("v1", "v2"), Handler: "onExecuteSendPhoneMessage", Runs: true,
	Hook: &Hook{Errors: []string{"SendPhoneMessageError"}},
}
