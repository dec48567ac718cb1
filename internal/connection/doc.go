// Package connection proves who people are. A database asks for identifier and password; its keeper is the server itself (local.go), scripts
// of the tenant (remote.go), or scripts until a person has come once (importing.go):
//
//	             sign-up                  login                     another password          deletion, another address
//	local        here                     here                      here                      here
//	importing    get_user must not know   here, else login: the     here, else get_user       here
//	             them, then here          person is brought here    brings them
//	remote       get_user, create, login  login                     get_user, change_password delete, change_email, verify
//
// A user who came from another server without a password (capture.go) is asked for there, once, at the first login.
//
// What a script says of a person is read by profile.go, which trusts nothing of it; what it does wrong is a [ScriptFailure].
//
// Unknown users cost as much time as known ones, and get the same answer. Hashes that an older
// algorithm made are renewed when their owner signs in.
package connection
