package script

// PostUserRegistration runs after a user of a database connection was made; nobody waits for it.
var PostUserRegistration = &Trigger{
	ID: "post-user-registration", Handler: "onExecutePostUserRegistration", Versions: versions("v1", "v2"), Runs: true, Hook: &Hook{},
}
