package lint

import "github.com/stagedoor/stagedoor/internal/rehearsal"

// Rule is one thing to look for.
type Rule struct {
	Name     string
	Severity string
	About    string // why it matters, and what to do
	kinds    []string
	find     func(s *Script, r *Rule)
}

// Connection is the kind of scripts of databases and social connections.
const Connection = "connection"

var (
	withCallback = []string{rehearsal.Rule, rehearsal.Hook, Connection}
	ofActions    = []string{rehearsal.Action}
	inLogins     = []string{rehearsal.Rule, rehearsal.Action}
)

// syntaxRule is what a script breaks that cannot be read. No comment silences it.
var syntaxRule = &Rule{Name: "syntax", Severity: Error, About: "The script is no JavaScript: nothing of it runs."}

// Rules are all of them, in the order in which they are explained.
var Rules = []*Rule{
	{"callback-missing", Error, "A path that ends without calling the callback holds the login up until its time is over, and then fails it. Call it on every path, also where an answer is not what was hoped for.", withCallback, findMissingCallback},
	{"callback-twice", Error, "The callback counts once. What the second call says is lost.", withCallback, findSecondCallback},
	{"missing-return", Warning, "callback(…) does not end the function: what stands behind it runs too, though the login has gone on. Write return callback(…).", withCallback, findCodeAfterCallback},
	{"deny-continues", Warning, "api.access.deny(…) does not throw: the code behind it runs too. Write return api.access.deny(…).", ofActions, findCodeAfterDeny},
	{"untrusted-metadata", Error, "People write their own user_metadata, through the API with their own token. What decides about access, roles or plans belongs into app_metadata.", nil, findUntrustedDecisions},
	{"secret-in-code", Error, "Scripts are read by everybody who may read rules, and they are exported. Secrets belong into the configuration of rules, the secrets of actions and hooks.", nil, findSecrets},
	{"unknown-module", Error, "No module of this name comes with the server. An operator can add packages of the npm registry.", nil, findUnknownModules},
	{"other-version", Warning, "The version that the script asks for is not here; the nearest one is used, and a line in the console says so.", nil, findOtherVersions},
	{"node-only", Warning, "The embedded runtime writes English of the United States and sorts by the root of the Unicode collation; the rest throws there. Node.js has all of it: a tenant's scripts run there with script_runtime node, or auto where it is installed.", nil, findNodeOnly},
	{"unverified-email", Warning, "Anybody can sign up with an address at any domain. Until email_verified is true, the domain proves nothing.", inLogins, findUnverifiedEmail},
	{"absent-email", Warning, "People of some connections, by SMS or from a directory, have no e-mail address: user.email is undefined. Ask before its parts are used.", inLogins, findAbsentEmail},
	{"absent-query", Warning, "context.request.query is not there in logins at the token endpoint, such as exchanges of refresh tokens. Write (context.request.query || {}).", []string{rehearsal.Rule}, findAbsentQuery},
	{"request-timeout", Warning, "request has no time-out of its own. A service that hangs takes all the 20 seconds that the scripts of a login have together: set timeout to less than ten.", nil, findEndlessCalls},
	{"loose-error", Warning, "An error is any value that is not falsy. Comparing it with == lets some of them pass: write if (error).", withCallback, findLooseErrorComparison},
	{"deprecated-global", Warning, "These globals come from the first runtimes, in versions of that time. Require the module, so that it is clear which one is meant.", nil, findMagicGlobals},
	{"dead-end", Warning, "Exchanges of refresh tokens and logins with a password at the token endpoint have no browser: redirects and factors fail them. Look at the protocol, or ask api.redirect.canRedirect().", inLogins, findDeadEnds},
	{"leaks-everything", Error, "user, context, event and auth0 hold tokens of identity providers, the access token of the Management API, and personal data. Send another server what it needs, no more.", nil, findLeaks},
	{"unknown-api", Error, "api has no such member at this trigger: the call throws, and the transaction fails.", ofActions, findUnknownMembers},
	{"unknown-handler", Error, "No trigger calls a function of this name.", ofActions, findUnknownHandlers},
	{"name-of-rules", Error, "Rules have this name and actions do not.", ofActions, findNamesOfRules},
	{"wrong-name", Error, "Rules and actions write some names differently: loginsCount and logins_count, userAgent and user_agent, country_code and countryCode. What is written here is undefined.", inLogins, findWrongNames},
	{"placeholder", Error, "Deploy tools put values in the place of ##NAME## and @@NAME@@, and exports hide secrets as _VALUE_NOT_SHOWN_. Here nobody has.", nil, findPlaceholders},
}
