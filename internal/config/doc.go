// Package config holds the boot settings of a server: one struct, filled from flags, from the environment and from a JSON file,
// the earlier winning over the later.
//
// Every setting is a flag (--http), a variable (STAGEDOOR_HTTP) and a key of the file ("http"; words are joined by underscores).
// Every secret has a twin that names a file to read it from (STAGEDOOR_MAIL_PASSWORD_FILE), for container secrets. The command
// line embeds Config and calls Complete, which reads those files, fills in what depends on other settings, and lists all
// mistakes at once, a line each.
//
// What it never does: what an operator changes at run time (connections, clients, tenant settings) is data and lives in the
// store. Settings prints no secret.
package config
