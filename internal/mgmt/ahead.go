package mgmt

import "context"

// Ahead reads documents of identity providers before the transaction in which operations want them: in there nothing waits for servers of others. Operations
// under its context take what was read. What was not they refuse, and it is noted, so that the transaction can be tried again after it was read.
// It is for one goroutine.
type Ahead struct {
	api    *API
	known  map[string]document // by address
	wanted []string
}

type document struct {
	body []byte
	err  error
}

type aheadKey struct{}

// Ahead begins to read ahead.
func (a *API) Ahead() *Ahead { return &Ahead{api: a, known: map[string]document{}} }

// In is the context of operations that take what was read.
func (h *Ahead) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, aheadKey{}, h)
}

// Wants tells whether operations wanted what was not read yet.
func (h *Ahead) Wants() bool { return len(h.wanted) > 0 }

// Read reads what operations wanted.
func (h *Ahead) Read(ctx context.Context) {
	for _, address := range h.wanted {
		if _, known := h.known[address]; !known {
			body, err := h.api.fetchNow(ctx, address)
			h.known[address] = document{body, err}
		}
	}
	h.wanted = nil
}

func (h *Ahead) take(address string) ([]byte, error) {
	d, known := h.known[address]
	if !known {
		h.wanted = append(h.wanted, address)
		return nil, bad("operation_not_supported", "The document at "+bounded(address, 300)+" was not read yet.")
	}
	return d.body, d.err
}
