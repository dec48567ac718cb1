package mgmt

import (
	"net/url"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// aclMatchIn are the requests that are meant. A list that is there has something in it: an empty one would ask for nothing, so that all were meant.
type aclMatchIn struct {
	ASNs            []int    `json:"asns" schema:"min=1,unique"`
	GeoCountries    []string `json:"geo_country_codes" schema:"min=1,unique" pattern:"^[A-Z]{2}$"`
	GeoSubdivisions []string `json:"geo_subdivision_codes" schema:"min=1,unique"`
	IPv4            []string `json:"ipv4_cidrs" schema:"min=1,unique"`
	IPv6            []string `json:"ipv6_cidrs" schema:"min=1,unique"`
	ConnectingIPv4  []string `json:"connecting_ipv4_cidrs" schema:"min=1,unique"`
	ConnectingIPv6  []string `json:"connecting_ipv6_cidrs" schema:"min=1,unique"`
	JA3             []string `json:"ja3_fingerprints" schema:"min=1,unique"`
	JA4             []string `json:"ja4_fingerprints" schema:"min=1,unique"`
	UserAgents      []string `json:"user_agents" schema:"min=1,unique"`
	Hostnames       []string `json:"hostnames" schema:"min=1,unique"`
	Managed         []string `json:"auth0_managed" schema:"min=1,unique"`

	Signature web.Opt[keptObject] `json:"http_message_signature" schema:"notnull,min=1"`
}

type aclRuleIn struct {
	Action struct {
		Block       web.Opt[bool] `json:"block" schema:"notnull"`
		Allow       web.Opt[bool] `json:"allow" schema:"notnull"`
		Log         web.Opt[bool] `json:"log" schema:"notnull"`
		Redirect    web.Opt[bool] `json:"redirect" schema:"notnull"`
		RedirectURI string        `json:"redirect_uri" schema:"max=2000"`
	} `json:"action" schema:"required" doc:"What happens to a request that matches"`
	Match    *aclMatchIn `json:"match" doc:"Which requests are meant"`
	NotMatch *aclMatchIn `json:"not_match" doc:"Which requests are not meant"`
	MatchAll bool        `json:"match_all" doc:"Whether all requests are meant"`
	Scope    string      `json:"scope" schema:"required,enum=management|authentication|tenant|dynamic_client_registration" doc:"Which requests are looked at"`
}

type networkACLIn struct {
	Description string       `json:"description" schema:"required,min=1,max=255" doc:"Description of the list"`
	Active      bool         `json:"active" schema:"required" doc:"Whether or not the list decides"`
	Priority    web.Opt[int] `json:"priority" schema:"notnull,min=1,max=100" doc:"The priority of the list: the smallest decides first"`
	Rule        aclRuleIn    `json:"rule" schema:"required"`
}

type patchNetworkACLIn struct {
	_           struct{}           `schema:"min=1"`
	Description web.Opt[string]    `json:"description" schema:"notnull,min=1,max=255" doc:"Description of the list"`
	Active      web.Opt[bool]      `json:"active" schema:"notnull" doc:"Whether or not the list decides"`
	Priority    web.Opt[int]       `json:"priority" schema:"notnull,min=1,max=100" doc:"The priority of the list: the smallest decides first"`
	Rule        web.Opt[aclRuleIn] `json:"rule" schema:"notnull"`
}

func showACL(a *stagedoor.NetworkACL) map[string]any {
	return map[string]any{
		"id": a.ID, "description": a.Description, "active": a.Active, "priority": a.Priority, "rule": a.Rule,
		"created_at": stagedoor.FormatTime(time.UnixMilli(a.CreatedAt)), "updated_at": stagedoor.FormatTime(time.UnixMilli(a.UpdatedAt)),
	}
}

func (a *API) listNetworkACLs(c *call, in web.Paging) (any, error) {
	all, err := c.store.NetworkACLs(c.ctx())
	if err != nil {
		return nil, err
	}
	return listed(c, in, web.Checkpoint{}, "network_acls", all, func(a stagedoor.NetworkACL) string { return a.ID },
		func(a stagedoor.NetworkACL) (any, error) { return showACL(&a), nil })
}

func (a *API) readNetworkACL(c *call) (any, error) {
	acl, err := c.store.NetworkACL(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	shown := showACL(acl)
	shown["tenant_id"], shown["deleted_at"] = c.store.Tenant().ID, nil
	return shown, nil
}

func (a *API) createNetworkACL(c *call, in networkACLIn) (any, error) {
	now := a.Clock.Now().UnixMilli()
	acl := &stagedoor.NetworkACL{CreatedAt: now, Priority: 50}
	if err := in.into(acl, a.requestsKnown(c), now); err != nil {
		return nil, err
	}
	if err := c.store.CreateNetworkACL(c.ctx(), acl); err != nil {
		return nil, err
	}
	return showACL(acl), nil
}

func (in networkACLIn) into(acl *stagedoor.NetworkACL, known stagedoor.RequestsKnown, now int64) error {
	acl.Description, acl.Active, acl.Rule, acl.UpdatedAt = in.Description, in.Active, in.Rule.rule(), now
	in.Priority.Into(&acl.Priority)
	return checkACL(acl, known)
}

func (a *API) replaceNetworkACL(c *call, in networkACLIn) (any, error) {
	acl, err := c.store.UpdateNetworkACL(c.ctx(), c.id(), func(acl *stagedoor.NetworkACL) error {
		acl.Priority = 50
		return in.into(acl, a.requestsKnown(c), a.Clock.Now().UnixMilli())
	})
	if err != nil {
		return nil, err
	}
	return showACL(acl), nil
}

func (a *API) updateNetworkACL(c *call, in patchNetworkACLIn) (any, error) {
	acl, err := c.store.UpdateNetworkACL(c.ctx(), c.id(), func(acl *stagedoor.NetworkACL) error {
		in.Description.Into(&acl.Description)
		in.Active.Into(&acl.Active)
		in.Priority.Into(&acl.Priority)
		if in.Rule.Set {
			acl.Rule = in.Rule.Value.rule()
		}
		acl.UpdatedAt = a.Clock.Now().UnixMilli()
		return checkACL(acl, a.requestsKnown(c))
	})
	if err != nil {
		return nil, err
	}
	return showACL(acl), nil
}

// deleteNetworkACL answers 200 with a body, as observed (Management API fact sheet 1.9).
func (a *API) deleteNetworkACL(c *call) (any, error) {
	return map[string]any{"code": 204, "object": ""}, c.store.DeleteNetworkACL(c.ctx(), c.id())
}

func (in aclRuleIn) rule() stagedoor.ACLRule {
	act := in.Action
	return stagedoor.ACLRule{
		Action: stagedoor.ACLAction{Block: act.Block.Value, Allow: act.Allow.Value, Log: act.Log.Value, Redirect: act.Redirect.Value, RedirectURI: act.RedirectURI},
		Match:  in.Match.match(), NotMatch: in.NotMatch.match(), MatchAll: in.MatchAll, Scope: in.Scope,
	}
}

func (in *aclMatchIn) match() *stagedoor.ACLMatch {
	if in == nil {
		return nil
	}
	return &stagedoor.ACLMatch{
		IPv4: in.IPv4, IPv6: in.IPv6, ConnectingIPv4: in.ConnectingIPv4, ConnectingIPv6: in.ConnectingIPv6, UserAgents: in.UserAgents, Hostnames: in.Hostnames,
		ASNs: in.ASNs, GeoCountries: in.GeoCountries, GeoSubdivisions: in.GeoSubdivisions, JA3: in.JA3, JA4: in.JA4, Managed: in.Managed,
		Signature: in.Signature.Value,
	}
}

// checkACL refuses a list that means nothing, or that would be kept and not enforced.
func checkACL(acl *stagedoor.NetworkACL, known stagedoor.RequestsKnown) error {
	actions := 0
	for _, on := range []bool{acl.Rule.Action.Block, acl.Rule.Action.Allow, acl.Rule.Action.Redirect} {
		if on {
			actions++
		}
	}
	if actions > 1 || actions == 0 && !acl.Rule.Action.Log {
		return badProperty("rule.action", "Exactly one of block, allow and redirect must be true, or log, alone or beside one of them")
	}
	if uri, err := url.Parse(acl.Rule.Action.RedirectURI); acl.Rule.Action.Redirect && (err != nil || uri.Scheme != "https" && uri.Scheme != "http" || uri.Host == "") {
		return badProperty("rule.action.redirect_uri", "Object didn't pass validation for format url: "+bounded(acl.Rule.Action.RedirectURI, 100))
	}
	switch some := acl.Rule.Match != nil || acl.Rule.NotMatch != nil; {
	case acl.Rule.MatchAll && some:
		return badProperty("rule.match_all", "match_all excludes match and not_match")
	case !acl.Rule.MatchAll && !some:
		return badProperty("rule", "Missing required property: match")
	}
	for path, m := range map[string]*stagedoor.ACLMatch{"match": acl.Rule.Match, "not_match": acl.Rule.NotMatch} {
		if m == nil {
			continue
		}
		for name, list := range map[string][]string{"ipv4_cidrs": m.IPv4, "connecting_ipv4_cidrs": m.ConnectingIPv4, "ipv6_cidrs": m.IPv6, "connecting_ipv6_cidrs": m.ConnectingIPv6} {
			for _, network := range list {
				if !stagedoor.IsNetwork(network, name == "ipv6_cidrs" || name == "connecting_ipv6_cidrs") {
					return badProperty("rule."+path+"."+name, "Object didn't pass validation for format cidr: "+bounded(network, 100))
				}
			}
		}
	}
	if what := acl.Rule.Unknowable(known); what != "" && acl.Active {
		return unsupported("An active network access list with " + what + ", " + whyUnknown(what) + ",")
	}
	return nil
}

// whyUnknown says what it would take for a criterion.
func whyUnknown(criterion string) string {
	switch criterion {
	case "asns", "geo_country_codes", "geo_subdivision_codes":
		return "for which this server has no database of addresses (--geoip)"
	case "ja3_fingerprints":
		return "which no proxy tells this server (--ja3-header)"
	case "ja4_fingerprints":
		return "which no proxy tells this server (--ja4-header)"
	case "auth0_managed":
		return "one of which this server does not have (--network-lists)"
	}
	return "which this server cannot tell of a request"
}

func (a *API) requestsKnown(c *call) stagedoor.RequestsKnown {
	known := stagedoor.RequestsKnown{Places: c.store.PlacesKnown(), Fingerprints: a.Fingerprints}
	if a.NetworkLists != nil {
		known.Lists = a.NetworkLists()
	}
	return known
}
