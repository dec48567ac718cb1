package pipeline

import (
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// lineOfHost marks a line of the console that the host says, in a log event.
const lineOfHost = "host"

// consoleLine is a line of the console as log events have it; of is what its script is called there.
func consoleLine(of string, l script.Line) map[string]any {
	m := map[string]any{of: l.Rule, "level": l.Level, "text": l.Text}
	if l.Host {
		m[lineOfHost] = true
	}
	return m
}

// consoleLines are the first lines of a run; of is what wrote them: rule or action.
func consoleLines(of string, console []script.Line) []map[string]any {
	var lines []map[string]any
	for _, l := range console[:min(len(console), maxConsole)] {
		lines = append(lines, consoleLine(of, l))
	}
	return lines
}

// warned notes in the tenant's log, as one event w, what scripts of a login asked for without effect: the lines of the host.
func warned(v Visit, in *ruleInput, lines []map[string]any) {
	var warnings []map[string]any
	for _, l := range lines {
		if l[lineOfHost] == true {
			warnings = append(warnings, l)
		}
	}
	if len(warnings) == 0 {
		return
	}
	text, _ := warnings[0]["text"].(string)
	v.Log(stagedoor.LogEvent{
		Type: "w", Description: text, ClientID: in.client.ID, ClientName: in.client.Name, UserID: in.user.ID, UserName: in.user.Shown(), Connection: in.user.Connection,
		Details: map[string]any{"warnings": warnings},
	})
}

// noted is what tenants have been told of late, so that what each login does is not told at each.
type noted struct {
	mu  sync.Mutex
	all map[[3]string]time.Time // by tenant, rule and feature
}

const (
	notedFor = 24 * time.Hour
	maxNoted = 10000
)

// again tells whether something is to be told, for the first time or again.
func (n *noted) again(tenant, rule, what string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := [3]string{tenant, rule, what}
	if last, told := n.all[key]; told && now.Sub(last) < notedFor {
		return false
	}
	if n.all == nil || len(n.all) >= maxNoted {
		n.all = make(map[[3]string]time.Time)
	}
	n.all[key] = now
	return true
}

// deprecated notes in the tenant's log, as events depnote, what rules use that other runtimes of rules do not have any more: once a day each.
func (p *Pipeline) deprecated(v Visit, in *ruleInput, all []script.Deprecation) {
	for _, d := range all {
		if !p.noted.again(v.Store.Tenant().ID, d.Rule, d.What, v.Store.Clock().Now()) {
			continue
		}
		feature := map[string]any{"id": "global_" + d.What, "name": "global " + d.What, "description": d.Instead + " works in all runtimes", "documentation": ""}
		v.Log(stagedoor.LogEvent{
			Type: "depnote", Description: "The rule " + d.Rule + " uses the global " + d.What + ", which runtimes after Node.js 12 do not have: " + d.Instead + " works in all of them.",
			ClientID: in.client.ID, ClientName: in.client.Name, Details: map[string]any{"rule": d.Rule, "feature": feature, "instead": d.Instead},
		})
	}
}
