package script

import (
	"context"
	"regexp"
	"sync"
)

// needsNode tells of a script whether it asks for what only Node.js has in full: Intl, one of the packages that need it, or texts and an order for
// a locale that it names, or with options. The packages either use Intl as they are loaded, or are more code than a run has memory for.
var needsNode = regexp.MustCompile(`\bIntl\s*[.\[]|\brequire\s*\(\s*['"](?:luxon|date-fns-tz|got|aws-sdk|@hubspot/api-client|@okta/okta-sdk-nodejs)(?:[@/][^'"]*)?['"]\s*\)` +
	`|\.toLocale(?:String|DateString|TimeString|UpperCase|LowerCase)\s*\(\s*[^)\s]|\.localeCompare\s*\((?:[^()\[\]]|\([^()]*\)|\[[^\]]*\])*?,`)

// NodeError says why scripts cannot run on Node.js here; nil if they can.
func (h *Host) NodeError() error { return h.pool.node().err }

// runtime decides on which runtime a job runs. It never puts another one in the place of what the tenant chose.
func (h *Host) runtime(ctx context.Context, j *job) (string, error) {
	if j.repeat != nil { // where it ran then: random numbers come in another way from a seed
		if j.repeat.runtime == RuntimeNode {
			return RuntimeNode, h.NodeError()
		}
		return RuntimeEmbedded, nil
	}
	chosen := RuntimeAuto
	if h.cfg.Runtime != nil {
		var err error
		if chosen, err = h.cfg.Runtime(ctx, j.run.Tenant); err != nil {
			return "", err
		}
	}
	switch chosen {
	case RuntimeEmbedded:
		return RuntimeEmbedded, nil
	case RuntimeNode:
		return RuntimeNode, h.NodeError()
	}
	for _, s := range j.sources() {
		if h.wantsNode(s) && h.NodeError() == nil {
			return RuntimeNode, nil
		}
	}
	return RuntimeEmbedded, nil
}

// verdicts remembers, by hash, which scripts want Node.js: they are run far more often than changed.
type verdicts struct {
	mu   sync.Mutex
	want map[string]bool
}

const maxVerdicts = 10000

func (h *Host) wantsNode(s source) bool {
	hash := s.hash()
	h.verdicts.mu.Lock()
	want, known := h.verdicts.want[hash]
	h.verdicts.mu.Unlock()
	if known {
		return want
	}
	want = needsNode.MatchString(s.text)
	h.verdicts.mu.Lock()
	defer h.verdicts.mu.Unlock()
	if h.verdicts.want == nil || len(h.verdicts.want) >= maxVerdicts {
		h.verdicts.want = make(map[string]bool)
	}
	h.verdicts.want[hash] = want
	return want
}
