package script

// PostLogin runs after rules in every login of a person and in every exchange of a refresh token. Its actions may refuse the login,
// set claims, change scopes and write metadata (extensibility fact sheet 3.5 and 3.6).
var PostLogin = &Trigger{
	ID: "post-login", Handler: "onExecutePostLogin", Continue: "onContinuePostLogin", Runs: true,
	Versions: []TriggerVersion{{Version: "v1", Status: "DEPRECATED"}, {Version: "v2", Status: "DEPRECATED"}, {Version: "v3", Status: "CURRENT", Compatible: []string{"v2"}}},
}
