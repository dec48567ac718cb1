package script

// PasswordResetPostChallenge runs when somebody has opened the link of a mail to choose a new password, before they may: they have proved that
// they read that mail (extensibility fact sheet 3.9). It may refuse, ask for a second factor and send the person elsewhere. Answers:
// result_url (an object of url and query).
var PasswordResetPostChallenge = &Trigger{
	ID: "password-reset-post-challenge", Versions: versions("v1"), Handler: "onExecutePostChallenge", Continue: "onContinuePostChallenge", Runs: true,
	Most: 4, // extensibility fact sheet 3.1
}
