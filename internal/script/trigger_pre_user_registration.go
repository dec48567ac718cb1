package script

// PreUserRegistration runs before a user of a database connection is made. It may refuse, and give the new user metadata
// (extensibility fact sheet 3.9 and 4.2).
var PreUserRegistration = &Trigger{
	ID: "pre-user-registration", Handler: "onExecutePreUserRegistration", Versions: versions("v1", "v2"), Runs: true,
	Hook: &Hook{Errors: []string{"PreUserRegistrationError"}},
}
