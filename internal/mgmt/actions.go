package mgmt

import (
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listActionsIn struct {
	actionPaging
	TriggerID  string        `json:"triggerId" doc:"An actions extensibility point"`
	ActionName string        `json:"actionName" doc:"The name of the action to retrieve"`
	Deployed   web.Opt[bool] `json:"deployed" schema:"notnull" doc:"Optional filter to only retrieve actions that are deployed"`
	Installed  web.Opt[bool] `json:"installed" schema:"notnull" doc:"Optional. When true, return only installed actions. When false, return only custom actions. Returns all actions by default"`
}

func (a *API) listActions(c *call, in listActionsIn) (any, error) {
	all, err := c.store.Actions(c.ctx())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(act stagedoor.Action) bool {
		return in.TriggerID != "" && act.Draft.Trigger.ID != in.TriggerID || in.ActionName != "" && act.Name != in.ActionName ||
			in.Deployed.Set && in.Deployed.Value != (act.Deployed != "") || in.Installed.Value // nothing is installed: there is no marketplace
	})
	return paged(in.actionPaging, "actions", all, func(act *stagedoor.Action) (any, error) {
		built, err := a.built(c, act)
		if err != nil {
			return nil, err
		}
		return a.shownAction(c, built)
	})
}

// shownAction reads the version in force of an action and shows both.
func (a *API) shownAction(c *call, act *stagedoor.Action) (any, error) {
	if act.Deployed == "" {
		return showAction(act, nil), nil
	}
	v, err := c.store.ActionVersion(c.ctx(), act.ID, act.Deployed)
	if err != nil {
		return nil, err
	}
	return showAction(act, v), nil
}

func (a *API) readAction(c *call) (any, error) {
	act, err := a.action(c, c.id())
	if err != nil {
		return nil, err
	}
	return a.shownAction(c, act)
}

// action reads an action whose draft has been looked at.
func (a *API) action(c *call, id string) (*stagedoor.Action, error) {
	act, err := c.store.Action(c.ctx(), id)
	if err != nil {
		return nil, err
	}
	return a.built(c, act)
}

func (a *API) createAction(c *call, in createActionIn) (any, error) {
	now := c.store.Clock().Now()
	act := &stagedoor.Action{Name: in.Name, Status: stagedoor.ActionPending, CreatedAt: now, UpdatedAt: now}
	var err error
	if act.Draft.Trigger, err = trigger(in.Triggers); err != nil {
		return nil, err
	}
	if err := in.resolve(c); err != nil {
		return nil, err
	}
	act.Draft.Runtime = script.Runtimes[0]
	if err := in.apply(c, &act.Draft, &act.Sealed); err != nil {
		return nil, err
	}
	if err := c.store.CreateAction(c.ctx(), act); err != nil {
		return nil, err
	}
	if in.Deploy {
		if act, err = a.built(c, act); err == nil && act.Status == stagedoor.ActionBuilt {
			act, _, err = c.store.DeployAction(c.ctx(), act.ID, deployDraft)
		}
		if err != nil {
			return nil, err
		}
	}
	return a.shownAction(c, act)
}

func (a *API) updateAction(c *call, in updateActionIn) (any, error) {
	if err := in.resolve(c); err != nil {
		return nil, err
	}
	act, err := c.store.UpdateAction(c.ctx(), c.id(), func(act *stagedoor.Action) error {
		in.Name.Into(&act.Name)
		if in.Triggers.Set {
			t, err := trigger(in.Triggers.Value)
			if err != nil {
				return err
			}
			if act.Deployed != "" && t.ID != act.Draft.Trigger.ID {
				return badProperty("supported_triggers", "The trigger of an action that was deployed cannot be changed")
			}
			act.Draft.Trigger = t
		}
		act.Status, act.Errors, act.AllDeployed, act.UpdatedAt = stagedoor.ActionPending, nil, false, c.store.Clock().Now()
		act.Revision++
		return in.apply(c, &act.Draft, &act.Sealed)
	})
	if err != nil {
		return nil, err
	}
	return a.shownAction(c, act)
}

type deleteActionIn struct {
	Force bool `json:"force" doc:"Force action deletion detaching bindings"`
}

// deleteAction removes an action. One that something besides a trigger runs stays.
func (a *API) deleteAction(c *call, in deleteActionIn) (any, error) {
	return nil, c.store.DeleteAction(c.ctx(), c.id(), in.Force)
}
