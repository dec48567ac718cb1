package script

// LoginPostIdentifier runs on login pages that ask for the identifier first, once it is known and before the password is asked for. It may say
// which connection the person is in. The extensibility fact sheet has the id alone (3.1); handler, event and api are as published declarations
// and actions have them. Answers: connection (a name).
var LoginPostIdentifier = &Trigger{ID: "login-post-identifier", Versions: versions("v1"), Handler: "onExecutePostIdentifier", Runs: true}
