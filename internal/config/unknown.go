package config

import (
	"regexp"
	"slices"
	"strings"
)

// others are variables that begin as those of settings do, and that somebody else reads: the command line, and tests.
var others = regexp.MustCompile(`^STAGEDOOR_(CONFIG|COPY_FROM|COPY_TO|DEMO|SCRIPT_EXEC|(TEST|ORDEAL)_.*)$`)

// ofService are the variables that Kubernetes and Docker give programs for a service whose name begins with that of this one.
var ofService = regexp.MustCompile(`_SERVICE_(HOST|PORT(_.*)?)$|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_.*)?)?$|_(NAME|ENV_.*)$`)

// Unknown lists the variables of an environment that begin as those of settings do and name none, such as misspelt ones. A flag or a file with such a
// mistake is refused; of the environment nobody knows for whom it is.
func Unknown(environ []string) []string {
	known := map[string]bool{}
	for _, s := range (Config{}).Settings() {
		known[s.Variable] = true
	}
	var unknown []string
	for _, one := range environ {
		name, _, _ := strings.Cut(one, "=")
		if strings.HasPrefix(name, "STAGEDOOR_") && !known[name] && !others.MatchString(name) && !ofService.MatchString(name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}
