package mgmt

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// operatorSubject is who the operator of this machine is in the tenant's log.
const operatorSubject = "operator@stagedoor"

// Do runs an operation for the operator of this machine, who needs no token and is held to no rate, with all checks of the body that a
// request would meet. target is the path under [Base] with its query. body may be nil. The error is a *stagedoor.Error in the words of the
// wire. What is written is logged as any other write.
func (a *API) Do(ctx context.Context, st *store.Store, method, target string, body any) (json.RawMessage, error) {
	return a.do(ctx, st, method, target, body, true)
}

// DoFor is Do for another door, which knows who may do it, and tells the log.
func (a *API) DoFor(ctx context.Context, st *store.Store, method, target string, body any) (json.RawMessage, error) {
	return a.do(ctx, st, method, target, body, false)
}

func (a *API) do(ctx context.Context, st *store.Store, method, target string, body any, log bool) (json.RawMessage, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = web.Encode(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+st.Tenant().Domain()+Base+target, bytes.NewReader(payload))
	if err != nil {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_uri", "The path of the request is not valid.")
	}
	r.RemoteAddr = "127.0.0.1"
	r.Header.Set("User-Agent", "stagedoor")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	row, found := a.mux.Find(r)
	if !found {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "", "Not Found")
	}
	if row.run == nil {
		return nil, stagedoor.Errorf(stagedoor.Unsupported, "not_supported", "%s is not supported by this server.", row.title)
	}
	for _, name := range web.Wildcards(row.pattern) {
		if value := r.PathValue(name); !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return nil, (&web.Violation{Reason: "Texts must be valid Unicode without NUL characters", Path: name}).URI()
		}
	}
	c := &call{w: nowhere{}, r: r, row: row, store: st, caller: &caller{subject: operatorSubject, scopes: append(row.anyOf(), everyScope()...)}}
	out, err := row.run(c)
	if err != nil {
		return nil, err
	}
	status := row.status
	if other, is := out.(outcome); is {
		status, out = other.status, other.body
	}
	if log {
		a.logSuccess(c, status)
	}
	if status == http.StatusNoContent {
		return nil, nil
	}
	return web.Encode(out)
}

// nowhere takes the headers of an answer that has none.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
