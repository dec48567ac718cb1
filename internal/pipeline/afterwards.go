package pipeline

import (
	"context"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

// afterwardsLimit bounds the scripts that nobody waits for, in all.
const afterwardsLimit = time.Minute

// afterwards is a trigger that runs when everything is done: what its scripts do wrong is logged and changes nothing.
type afterwards struct {
	trigger   *script.Trigger
	failed    string // type of the log event when the hook fails
	userID    string
	arguments func(*stagedoor.User) []any // of the hook
	context   map[string]any              // of the hook
	event     func(*stagedoor.User) (map[string]any, error)
}

// afterwards runs the trigger's scripts in the background, if there are any.
func (p *Pipeline) afterwards(ctx context.Context, v Visit, a afterwards) {
	ctx = context.WithoutCancel(ctx) // it is done, whether or not somebody waits for the answer
	_, err := v.Store.EnabledHook(ctx, a.trigger.ID)
	hooked := err == nil
	all, err := p.bound(ctx, v, a.trigger)
	if err != nil {
		web.Logger(ctx).ErrorContext(ctx, "actions could not be read", "tenant", v.Store.Tenant().ID, "trigger", a.trigger.ID, "error", err)
		return
	}
	if !hooked && len(all.bound) == 0 {
		return
	}
	p.unhurried(ctx, v, "scripts", func() {
		ctx, cancel := context.WithTimeout(ctx, afterwardsLimit)
		defer cancel()
		if err := p.afterwardsNow(ctx, v, a, all); err != nil {
			web.Logger(ctx).ErrorContext(ctx, "scripts could not be run", "tenant", v.Store.Tenant().ID, "trigger", a.trigger.ID, "error", err)
		}
	})
}

func (p *Pipeline) afterwardsNow(ctx context.Context, v Visit, a afterwards, all *actions) error {
	u, err := v.Store.User(ctx, a.userID)
	if err != nil {
		return err
	}
	out, ran, err := p.hook(ctx, v, a.trigger, a.arguments(u), a.context)
	if err != nil {
		return err
	}
	if f := out.Failure; ran && f != nil {
		v.Log(stagedoor.LogEvent{
			Type: a.failed, Description: f.Message, UserID: u.ID, UserName: u.Shown(), Connection: u.Connection,
			Details: said{console: consoleLines("action", out.Console)}.details(map[string]any{"hook": f.Rule}),
		})
	}
	if len(all.bound) == 0 {
		return nil
	}
	event, err := a.event(u)
	if err == nil {
		_, _, err = all.run(ctx, event, nil)
	}
	return err
}

// unhurried does work in the background that is part of a visit.
func (p *Pipeline) unhurried(ctx context.Context, v Visit, what string, work func()) {
	p.unwaited.Go(func() { stagedoor.Contained(web.Logger(ctx).With("tenant", v.Store.Tenant().ID), what, work) })
}

// Wait waits for scripts that run in the background.
func (p *Pipeline) Wait(ctx context.Context) error { return stagedoor.Await(ctx, &p.unwaited) }
