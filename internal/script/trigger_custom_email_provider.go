package script

// CustomEmailProvider runs for each mail of a tenant whose e-mail provider is its own code (extensibility fact sheet 3.9). Answers: drop and
// retry, each with a reason; of several the last one is there.
var CustomEmailProvider = &Trigger{ID: "custom-email-provider", Versions: versions("v1"), Handler: "onExecuteCustomEmailProvider", Runs: true}
