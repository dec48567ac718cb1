// Package lint reads scripts without running them and finds what people get wrong in them: a path on which the callback is not called, an
// access decision by metadata that the person can write, a secret in the code, a module that is not there.
//
// rules.go is the table of its rules, each one function over a [Script]: the syntax tree and what is known of the script's kind. A finding
// that is meant is silenced where it stands: `// stagedoor-lint-disable-line name`.
//
// Every rule would rather miss something than cry wolf: it looks at what is written, and takes a mention of a check for the check. Values are
// followed through variables for user_metadata alone: metadata.go knows which names stand for it, rule_metadata.go what it decides.
package lint
