package script

// CredentialsExchange runs before a client gets a token in its own name. It may refuse, set claims and change scopes
// (extensibility fact sheet 3.9 and 4.2).
var CredentialsExchange = &Trigger{
	ID: "credentials-exchange", Handler: "onExecuteCredentialsExchange", Versions: versions("v1", "v2"), Runs: true,
	Hook: &Hook{Errors: []string{"InvalidScopeError", "InvalidRequestError", "ServerError"}},
}
