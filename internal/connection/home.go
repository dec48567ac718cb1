package connection

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// Home is the connection to which the domain of somebody's address belongs, among those by which people may go to a provider; nil if there is
// none. A request that names its connection has chosen already.
func (ch *Choice) Home(identifier string) *stagedoor.Connection {
	_, domain, found := strings.Cut(strings.ToLower(strings.TrimSpace(identifier)), "@")
	if !found || domain == "" || ch.req.Connection != "" {
		return nil
	}
	all := ch.Elsewhere()
	i := slices.IndexFunc(all, func(c stagedoor.Connection) bool { return slices.Contains(c.Domains(), domain) })
	if i < 0 {
		return nil
	}
	return &all[i]
}
