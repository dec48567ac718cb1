package carry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

var connections = noun{
	path: "/connections", paged: true, keeps: true, prepare: prepareConnection, fixed: []string{"name", "strategy"},
	split: without("enabled_clients", "scim_configuration", "directory_provisioning_configuration"), parts: connectionParts,
	derived: []string{"provisioning_ticket_url", "provisioning_ticket"},
}

func prepareConnection(r *run, o *Object, item, there map[string]any) error {
	if item["strategy"] == nil {
		item["strategy"] = "auth0"
	}
	options, _ := item["options"].(map[string]any)
	if options == nil {
		return nil
	}
	if idp, is := options["idpinitiated"].(map[string]any); is {
		if err := r.reference(o, idp, "client_id", r.clientID); err != nil {
			return err
		}
	}
	if custom, is := options["custom_password_hash"].(map[string]any); is {
		if err := r.nameAction(custom); err != nil {
			return err
		}
	}
	if there == nil {
		return nil
	}
	// What the files do not say stays: options are replaced as a whole.
	before, err := r.object("/connections/" + segment(textOf(there, "id")))
	if err != nil {
		return err
	}
	hide(o, options, "options")
	if was, is := before["options"].(map[string]any); is {
		all := maps.Clone(was)
		maps.Copy(all, options)
		item["options"] = all
	}
	return nil
}

// connectionParts says for which clients a connection is enabled, as the files say, and sets its provisioning up.
func connectionParts(r *run, o *Object, id string, item map[string]any) error {
	if list, given := item["enabled_clients"].([]any); given {
		var ids []string
		for _, v := range list {
			name, _ := v.(string)
			one, err := r.clientID(name)
			if stagedoor.IsKind(err, stagedoor.NotFound) {
				o.lose("enabled_clients", stagedoor.AsError(err).Message)
				continue
			}
			if err != nil {
				return err
			}
			ids = append(ids, one)
		}
		before, err := r.object("/connections/" + segment(id))
		if err != nil {
			return err
		}
		if have, is := before["enabled_clients"].([]any); is { // clients that the files do not have stay
			for _, v := range have {
				if one, _ := v.(string); !slices.Contains(ids, one) && r.unknownClient(one) {
					ids = append(ids, one)
				}
			}
		}
		slices.Sort(ids)
		if ids == nil {
			ids = []string{}
		}
		if _, err := r.send(o, "PATCH", "/connections/"+segment(id), map[string]any{"enabled_clients": ids}, ""); err != nil {
			return err
		}
	}
	for member, path := range map[string]string{"scim_configuration": "/scim-configuration", "directory_provisioning_configuration": "/directory-provisioning"} {
		body, is := item[member].(map[string]any)
		if !is {
			continue
		}
		body = without("connection_id", "connection_name", "strategy", "tenant_name", "created_at", "updated_on", "updated_at", "last_synchronization_at", "last_synchronization_status", "last_synchronization_error")(body)
		target := "/connections/" + segment(id) + path
		before, err := r.object(target)
		method := "PATCH"
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			method, err = "POST", nil
		}
		if err == nil {
			_, err = r.send(o, method, target, body, "")
		}
		if err == nil {
			err = r.differs(o, member, before, target)
		}
		if e := stagedoor.AsError(err); err != nil && !fatal(e) {
			o.lose(member, e.Message)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// differs notes that a part has become different.
func (r *run) differs(o *Object, member string, before map[string]any, target string) error {
	after, err := r.object(target)
	if err != nil {
		return err
	}
	for _, m := range []map[string]any{before, after} {
		delete(m, "updated_at")
		delete(m, "updated_on")
	}
	o.differ(map[string]any{member: before}, map[string]any{member: after})
	return nil
}

// unknownClient tells whether the files say nothing of a client that is here.
func (r *run) unknownClient(id string) bool {
	all, err := r.all("/clients", true)
	if err != nil {
		return true
	}
	i := slices.IndexFunc(all, func(one map[string]any) bool { return textOf(one, "client_id") == id })
	return i < 0 || !slices.ContainsFunc(objects(r.assets.Kinds["clients"]), func(item map[string]any) bool {
		return textOf(item, "client_id") == id || textOf(item, "name") == textOf(all[i], "name")
	})
}

func prepareClient(r *run, o *Object, item, _ map[string]any) error {
	if express, is := item["express_configuration"].(map[string]any); is {
		if err := r.reference(o, express, "user_attribute_profile_id", r.among("/user-attribute-profiles", "user attribute profile")); err != nil {
			return err
		}
		if err := r.reference(o, express, "connection_profile_id", r.among("/connection-profiles", "connection profile")); err != nil {
			return err
		}
	}
	// The keys of credentials are not in the files, only that there are some.
	for _, member := range []string{"client_authentication_methods", "signed_request_object"} {
		if strings.Contains(encoded(item[member]), `"credentials":[{`) && !strings.Contains(encoded(item[member]), `"pem"`) {
			delete(item, member)
			o.lose(member, "the files do not hold the public keys of the client: add them with POST /clients/{id}/credentials")
		}
	}
	if item["client_authentication_methods"] != nil { // which the tool sends by itself, and then takes the other away
		delete(item, "token_endpoint_auth_method")
	}
	return nil
}

// clientSecret gives a client the secret that it had.
func clientSecret(r *run, o *Object, id string, item map[string]any) error {
	secret := textOf(item, "client_secret")
	if secret == "" {
		if o.Action == Created && item["token_endpoint_auth_method"] != "none" && item["client_authentication_methods"] == nil {
			o.unset("client_secret")
		}
		return nil
	}
	_, err := r.send(o, "PATCH", "/clients/"+segment(id), map[string]any{"client_secret": secret}, "")
	return err
}

// rolePermissions gives a role exactly the permissions of the files.
func rolePermissions(r *run, o *Object, id string, item map[string]any) error {
	if _, given := item["permissions"].([]any); !given {
		return nil
	}
	target := "/roles/" + segment(id) + "/permissions"
	have, err := r.all(target, true)
	if err != nil {
		return err
	}
	delete(r.lists, target)
	pair := func(m map[string]any) string {
		return r.audience(textOf(m, "resource_server_identifier")) + " " + textOf(m, "permission_name")
	}
	body := func(m map[string]any) map[string]any {
		return map[string]any{"permissions": []any{map[string]any{"resource_server_identifier": r.audience(textOf(m, "resource_server_identifier")), "permission_name": m["permission_name"]}}}
	}
	want := objects(item["permissions"])
	has := func(all []map[string]any, one map[string]any) bool {
		return slices.ContainsFunc(all, func(m map[string]any) bool { return pair(m) == pair(one) })
	}
	for _, one := range want {
		if has(have, one) {
			continue
		}
		if _, err := r.send(o, "POST", target, body(one), ""); err != nil {
			if e := stagedoor.AsError(err); fatal(e) {
				return err
			}
			o.lose("permissions", pair(one)+": "+stagedoor.AsError(err).Message)
			continue
		}
		o.changed("permissions")
	}
	for _, one := range have {
		if has(want, one) {
			continue
		}
		if _, err := r.call("DELETE", target, body(one)); err != nil {
			return err
		}
		o.changed("permissions")
	}
	return nil
}

func (o *Object) changed(member string) {
	if o.Action == Created {
		return
	}
	o.Action = Changed
	if !slices.Contains(o.Changes, member) {
		o.Changes = append(o.Changes, member)
	}
}

// audience is the identifier of an API here: the old tenant's Management API is this tenant's own.
func (r *run) audience(identifier string) string {
	if !isManagementAudience(identifier) {
		return identifier
	}
	all, err := r.all("/resource-servers", true)
	if err != nil {
		return identifier
	}
	own := identifier
	for _, api := range all {
		if textOf(api, "identifier") == identifier {
			return identifier
		}
		if api["is_system"] == true {
			own = textOf(api, "identifier")
		}
	}
	return own
}

// carryGrants carries client grants, which have no name: client, API and kind of access together are one's key.
func carryGrants(r *run, k kind, v any) error {
	for _, item := range objects(v) {
		client, audience := textOf(item, "client_id"), r.audience(textOf(item, "audience"))
		err := r.item(k.title, client+" for "+audience, func(o *Object) error {
			if client == "" {
				return stagedoor.Errorf(stagedoor.Invalid, "", "It has no client_id.")
			}
			if err := filled(item); err != nil {
				return err
			}
			id, err := r.clientID(client)
			if err != nil {
				return err
			}
			all, err := r.all(k.path, true)
			if err != nil {
				return err
			}
			item["client_id"], item["audience"] = id, audience
			subject := textOf(item, "subject_type")
			i := slices.IndexFunc(all, func(g map[string]any) bool {
				had := textOf(g, "subject_type")
				return textOf(g, "client_id") == id && textOf(g, "audience") == audience && (had == subject || had+subject == "client")
			})
			if err := r.knownScopes(o, item, audience); err != nil {
				return err
			}
			body := without("id", "is_system", "default_for")(item)
			if i < 0 {
				o.Action = Created
				delete(r.lists, k.path)
				_, err := r.send(o, "POST", k.path, body, "")
				return err
			}
			target := k.path + "/" + segment(textOf(all[i], "id"))
			before, err := r.object(target)
			if err != nil {
				return err
			}
			if _, err := r.send(o, "PATCH", target, without("client_id", "audience", "subject_type")(body), ""); err != nil {
				return err
			}
			after, err := r.object(target)
			o.differ(before, after)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// knownScopes leaves out what the API does not have here.
func (r *run) knownScopes(o *Object, item map[string]any, audience string) error {
	scopes, given := item["scope"].([]any)
	if !given {
		return nil
	}
	all, err := r.all("/resource-servers", true)
	if err != nil {
		return err
	}
	for _, api := range all {
		if textOf(api, "identifier") != audience {
			continue
		}
		var known []any
		for _, s := range scopes {
			if slices.ContainsFunc(objects(api["scopes"]), func(m map[string]any) bool { return m["value"] == s }) {
				known = append(known, s)
			} else {
				o.lose("scope", fmt.Sprintf("the API has no scope %v here", s))
			}
		}
		item["scope"] = append([]any{}, known...)
	}
	return nil
}

// organizationParts are an organization's connections, grants and domains.
func organizationParts(r *run, o *Object, id string, item map[string]any) error {
	target := "/organizations/" + segment(id)
	if err := r.organizationConnections(o, target+"/enabled_connections", objects(item["connections"])); err != nil {
		return err
	}
	if err := r.organizationGrants(o, target+"/client-grants", objects(item["client_grants"])); err != nil {
		return err
	}
	have, err := r.all(target+"/discovery-domains", false)
	if err != nil {
		return err
	}
	delete(r.lists, target+"/discovery-domains")
	for _, domain := range objects(item["discovery_domains"]) {
		i := slices.IndexFunc(have, func(m map[string]any) bool { return m["domain"] == domain["domain"] })
		body := without("id", "verification_txt", "verification_host", "created_at")(domain)
		if i < 0 {
			if _, err := r.send(o, "POST", target+"/discovery-domains", body, ""); err != nil {
				return err
			}
			o.changed("discovery_domains")
			continue
		}
		one := target + "/discovery-domains/" + segment(textOf(have[i], "id"))
		if _, err := r.send(o, "PATCH", one, without("domain")(body), ""); err != nil {
			return err
		}
		after, err := r.object(one)
		if err != nil {
			return err
		}
		if encoded(after) != encoded(have[i]) {
			o.changed("discovery_domains")
		}
	}
	return nil
}

func (r *run) organizationConnections(o *Object, target string, want []map[string]any) error {
	have, err := r.all(target, true)
	if err != nil {
		return err
	}
	delete(r.lists, target)
	for _, one := range want {
		name := textOf(one, "name")
		id, err := r.connectionID(name)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			o.lose("connections", stagedoor.AsError(err).Message)
			continue
		}
		if err != nil {
			return err
		}
		body := without("name", "connection_id", "connection")(one)
		i := slices.IndexFunc(have, func(m map[string]any) bool { return textOf(m, "connection_id") == id })
		if i < 0 {
			body["connection_id"] = id
			if _, err := r.send(o, "POST", target, body, ""); err != nil {
				return err
			}
			o.changed("connections")
			continue
		}
		if len(body) == 0 {
			continue
		}
		after, err := r.send(o, "PATCH", target+"/"+segment(id), body, "")
		if err != nil {
			return err
		}
		if encoded(after) != encoded(have[i]) {
			o.changed("connections")
		}
	}
	return nil
}

func (r *run) organizationGrants(o *Object, target string, want []map[string]any) error {
	have, err := r.all(target, true)
	if err != nil {
		return err
	}
	delete(r.lists, target)
	grants, err := r.all("/client-grants", true)
	if err != nil {
		return err
	}
	told := map[string]int{} // how many entries a client has that name no API
	for _, one := range want {
		if textOf(one, "audience") == "" {
			told[textOf(one, "client_id")]++
		}
	}
	taken := map[string]int{}
	for _, one := range want {
		name, audience := textOf(one, "client_id"), r.audience(textOf(one, "audience"))
		id, err := r.clientID(name)
		if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return err
		}
		fits := grantsFor(grants, id, audience)
		if audience == "" {
			if len(fits) > told[name] {
				o.lose("client_grants", fmt.Sprintf("%s has %d grants for organizations here, and which is meant is not told", name, len(fits)))
				continue
			}
			fits = fits[min(taken[name], len(fits)):]
			taken[name]++
		}
		if len(fits) == 0 {
			o.lose("client_grants", fmt.Sprintf("there is no grant of %s for %s here", name, cmp.Or(audience, "organizations")))
			continue
		}
		grant := fits[0]
		if slices.ContainsFunc(have, func(g map[string]any) bool { return textOf(g, "id") == grant }) {
			continue
		}
		if _, err := r.send(o, "POST", target, map[string]any{"grant_id": grant}, ""); err != nil {
			return err
		}
		o.changed("client_grants")
	}
	return nil
}

// grantsFor are the ids of a client's grants for an API. The deploy tool names no API where an organization has a grant: these are those that
// organizations may have.
func grantsFor(grants []map[string]any, client, audience string) (ids []string) {
	for _, g := range grants {
		usage := textOf(g, "organization_usage")
		if textOf(g, "client_id") == client && (textOf(g, "audience") == audience || audience == "" && (usage == "allow" || usage == "require")) {
			ids = append(ids, textOf(g, "id"))
		}
	}
	return ids
}

// readyDomain has a domain verified that the operator gave the tenant: it needs no DNS.
func readyDomain(r *run, o *Object, id string, item map[string]any) error {
	st, err := r.db.TenantByID(r.ctx, r.tenant)
	if err != nil {
		return err
	}
	if given, err := st.GivenDomain(r.ctx, textOf(item, "domain")); err != nil || !given {
		return err
	}
	there, err := r.object("/custom-domains/" + segment(id))
	if err != nil || there["status"] == stagedoor.DomainReady {
		return err
	}
	_, err = r.send(o, "POST", "/custom-domains/"+segment(id)+"/verify", nil, "")
	return err
}
