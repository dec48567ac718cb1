package script

// CustomPhoneProvider runs for each message to a phone of a tenant whose phone provider is its own code (extensibility fact sheet 3.9).
// Answers are those of [CustomEmailProvider].
var CustomPhoneProvider = &Trigger{ID: "custom-phone-provider", Versions: versions("v1"), Handler: "onExecuteCustomPhoneProvider", Runs: true}
