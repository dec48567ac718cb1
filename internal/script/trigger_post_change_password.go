package script

// PostChangePassword runs after a user of a database connection got another password; nobody waits for it.
var PostChangePassword = &Trigger{
	ID: "post-change-password", Handler: "onExecutePostChangePassword", Versions: versions("v1", "v2"), Runs: true, Hook: &Hook{},
}
