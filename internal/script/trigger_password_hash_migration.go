package script

// PasswordHashMigration runs when somebody logs in whose password came with an import as a hash that only the tenant's own code understands. Its one
// action, which the option custom_password_hash of the connection names, says whether the password is theirs. The fact sheets have the id and the
// option alone (extensibility 3.1; Management API objects 3): handler, event and api are ours. Answers: accepted (true or false).
var PasswordHashMigration = &Trigger{
	ID: "password-hash-migration", Handler: "onExecutePasswordHashMigration", Versions: versions("v1"), EntityBound: true, Runs: true, Unrecorded: true,
}
