package script

// SignupPostIdentifier runs when somebody signs up, once it is known who they want to be and before there is an account. It may say which connection
// the person belongs to. The extensibility fact sheet has the id alone (3.1): the rest is as login-post-identifier has it. Answers: connection (a name).
var SignupPostIdentifier = &Trigger{ID: "signup-post-identifier", Versions: versions("v1"), Handler: "onExecutePostIdentifier", Runs: true}
