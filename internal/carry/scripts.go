package carry

import (
	"errors"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// prepareHook gives a hook the name that it has here.
func prepareHook(_ *run, _ *Object, item, _ map[string]any) error {
	if item["active"] != nil && item["enabled"] == nil {
		item["enabled"] = item["active"]
	}
	delete(item, "active")
	return nil
}

func hookSecrets(r *run, o *Object, id string, item map[string]any) error {
	secrets, _ := item["secrets"].(map[string]any)
	if len(secrets) == 0 {
		return nil
	}
	_, err := r.send(o, "PATCH", "/hooks/"+segment(id)+"/secrets", secrets, "")
	return err
}

// namedSecrets are the secrets of an action with those left out whose values are in neither place; there are those it has.
func namedSecrets(o *Object, item, there map[string]any) {
	list, given := item["secrets"].([]any)
	if !given {
		delete(item, "secrets")
		return
	}
	out := []any{}
	for _, s := range objects(list) {
		value, is := s["value"].(string)
		one := map[string]any{"name": s["name"]}
		if is && value != "" && !masked(value) {
			one["value"] = value
		} else if !slices.ContainsFunc(objects(there["secrets"]), func(m map[string]any) bool { return m["name"] == s["name"] }) {
			o.unset("secrets." + textOf(s, "name"))
			continue
		}
		out = append(out, one)
	}
	item["secrets"] = out
}

func prepareModule(r *run, o *Object, item, there map[string]any) error {
	full, err := r.whole("/actions/modules", there)
	if err != nil {
		return err
	}
	namedSecrets(o, item, full)
	return nil
}

// whole is an object with all that lists leave out; nil stays nil.
func (r *run) whole(path string, there map[string]any) (map[string]any, error) {
	if there == nil {
		return nil, nil
	}
	return r.object(path + "/" + segment(textOf(there, "id")))
}

func publishModule(r *run, o *Object, id string, _ map[string]any) error {
	m, err := r.object("/actions/modules/" + segment(id))
	if err != nil || m["all_changes_published"] == true {
		return err
	}
	_, err = r.send(o, "POST", "/actions/modules/"+segment(id)+"/versions", nil, "")
	return err
}

func prepareAction(r *run, o *Object, item, there map[string]any) error {
	if textOf(item, "installed_integration_id") != "" {
		return stagedoor.Errorf(stagedoor.Unsupported, "", "It comes from the vendor's marketplace and cannot run here.")
	}
	full, err := r.whole("/actions/actions", there)
	if err != nil {
		return err
	}
	namedSecrets(o, item, full)
	for _, use := range objects(item["modules"]) {
		delete(use, "module_version_number") // versions are counted anew here: the newest is taken
		if err := r.newestVersion(use); err != nil {
			return err
		}
	}
	if len(objects(item["modules"])) == 0 {
		delete(item, "modules")
	}
	return nil
}

// newestVersion pins an action's module to the newest version there is.
func (r *run) newestVersion(use map[string]any) error {
	name := textOf(use, "module_name")
	all, err := r.all("/actions/modules", false)
	if err != nil {
		return err
	}
	for _, m := range all {
		if textOf(m, "name") != name {
			continue
		}
		versions, err := r.call("GET", "/actions/modules/"+segment(textOf(m, "id"))+"/versions", nil)
		if err != nil {
			return err
		}
		for _, v := range objects(versions) {
			if use["module_version_id"] == nil {
				use["module_id"], use["module_version_id"] = m["id"], v["id"]
			}
		}
	}
	if use["module_version_id"] == nil {
		return stagedoor.Errorf(stagedoor.NotFound, "", "There is no published action module %q here.", name)
	}
	return nil
}

// deployAction deploys an action that was, unless what is deployed says so already.
func deployAction(r *run, o *Object, id string, item map[string]any) error {
	if item["deployed"] != true {
		return nil
	}
	target := "/actions/actions/" + segment(id)
	a, err := r.object(target)
	if err != nil || a["all_changes_deployed"] == true {
		return err
	}
	if a["status"] == "failed" {
		return stagedoor.Errorf(stagedoor.Invalid, "", "It cannot be built: %s", buildErrors(a))
	}
	_, err = r.send(o, "POST", target+"/deploy", nil, "")
	return err
}

func buildErrors(a map[string]any) string {
	var out []string
	for _, e := range objects(a["errors"]) {
		out = append(out, strings.TrimSuffix(textOf(e, "msg")+textOf(e, "message"), "."))
	}
	return strings.Join(out, "; ") + "."
}

// carryTriggers binds actions to triggers.
func carryTriggers(r *run, k kind, v any) error {
	all, _ := v.(map[string]any)
	for _, trigger := range sortedNames(all) {
		err := r.item(k.title, trigger, func(o *Object) error {
			target := "/actions/triggers/" + segment(trigger) + "/bindings"
			before, err := r.call("GET", target, nil)
			if err != nil {
				return err
			}
			bindings, pairs := []any{}, []string{}
			for _, b := range objects(all[trigger]) {
				name, shown := textOf(b, "action_name"), textOf(b, "display_name")
				if shown == "" {
					shown = name
				}
				pairs = append(pairs, name+"\x00"+shown)
				bindings = append(bindings, map[string]any{"ref": map[string]any{"type": "action_name", "value": name}, "display_name": shown})
			}
			had := []string{}
			for _, b := range objects(before) {
				action, _ := b["action"].(map[string]any)
				had = append(had, textOf(action, "name")+"\x00"+textOf(b, "display_name"))
			}
			for !slices.Equal(had, pairs) {
				_, err := r.send(o, "PATCH", target, map[string]any{"bindings": bindings}, "")
				i, reason := wrongBinding(err, len(bindings))
				if i < 0 {
					if err == nil {
						o.changed("bindings")
					}
					return err
				}
				name, _, _ := strings.Cut(pairs[i], "\x00")
				o.lose("bindings", name+": "+reason)
				bindings, pairs = slices.Delete(bindings, i, i+1), slices.Delete(pairs, i, i+1)
				if len(bindings) == 0 { // what is bound stays
					o.Action = Refused
					return nil
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wrongBinding tells which of n bindings an error is about, and what is wrong with it; -1 if it is about none.
func wrongBinding(err error, n int) (int, string) {
	var wrong *web.Violation
	if !errors.As(err, &wrong) {
		return -1, ""
	}
	number, found := strings.CutPrefix(wrong.Path, "bindings[")
	number, _, _ = strings.Cut(number, "]")
	if i := index(number); found && i >= 0 && i < n {
		return i, wrong.Reason
	}
	return -1, ""
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// carryRulesConfigs sets the values that rules read; no answer of the API shows them.
func carryRulesConfigs(r *run, k kind, v any) error {
	for _, item := range objects(v) {
		key, value := textOf(item, "key"), textOf(item, "value")
		err := r.item(k.title, key, func(o *Object) error {
			if masked(value) || value == "" {
				o.unset("value")
				return nil
			}
			st, err := r.db.TenantByID(r.ctx, r.tenant)
			if err != nil {
				return err
			}
			have, err := st.RulesConfigs(r.ctx)
			if err != nil {
				return err
			}
			if was, there := have[key]; !there {
				o.Action = Created
			} else if was != value {
				o.changed("value")
			}
			_, err = r.send(o, "PUT", "/rules-configs/"+segment(key), map[string]any{"value": value}, "")
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
