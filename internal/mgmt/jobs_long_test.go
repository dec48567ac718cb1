package mgmt

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// lateBody is a body that comes so slowly that the time of its request is over in the middle.
type lateBody struct {
	io.Reader
	left int
	late func()
}

// Read reads on.
func (b *lateBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= n; b.left < 0 {
		b.late()
	}
	return n, err
}

// lateWriter takes an answer so slowly that the time of its request is over after a part.
type lateWriter struct {
	*httptest.ResponseRecorder
	late func()
}

// Write takes a part.
func (w *lateWriter) Write(p []byte) (int, error) {
	w.late()
	return w.ResponseRecorder.Write(p)
}

// TestFilesMayTakeLong: a large file is on its way for longer than a request may take.
func TestFilesMayTakeLong(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		h.call(bearer, "PATCH", "/tenants/settings", `{"stagedoor":{"max_import_bytes":4000000}}`).is(200, "")
		body, contentType := form("connection_id", h.connectionID(), "@users", strings.Repeat(" ", 3_000_000)+`[{"email":"late@x.test"}]`)
		ctx, late := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "POST", "https://acme.test/api/v2/jobs/users-imports", &lateBody{strings.NewReader(body), len(body) / 2, late})
		r.Header = http.Header{"Authorization": {"Bearer " + bearer}, "Content-Type": {contentType}}
		id := h.serve(r, h.store("acme"), "").is(202, "").text("id")
		h.work()
		if done := h.call(bearer, "GET", "/jobs/"+id, "").is(200, ""); done.text("status") != "completed" {
			t.Error(done.body)
		}

		st, lease := h.store("acme"), store.JobLease{Owner: "server", For: time.Minute}
		h.ok(st.CreateJob(t.Context(), &stagedoor.Job{Type: stagedoor.JobExport, Status: stagedoor.JobPending, Format: "json"}, 0))
		_, j, err := h.db.ClaimJob(t.Context(), lease, "")
		h.ok(err)
		for _, piece := range []string{"one ", "two ", "three"} {
			h.ok(st.SaveExport(t.Context(), j, lease, []byte(piece)))
		}
		j.Status = stagedoor.JobCompleted
		h.ok(st.SaveJob(t.Context(), j, lease))
		location, err := url.Parse(h.call(bearer, "GET", "/jobs/"+j.ID, "").is(200, "").text("location"))
		h.ok(err)
		ctx, late = context.WithCancel(t.Context())
		r = httptest.NewRequestWithContext(ctx, "GET", location.String(), nil)
		r.SetPathValue("file", strings.TrimPrefix(location.Path, "/exports/"))
		w := &lateWriter{httptest.NewRecorder(), late}
		h.api.ServeResult(w, r, st)
		if got := w.Body.String(); got != "one two three" {
			t.Errorf("%d %q", w.Code, got)
		}
	})
}

// TestExportsAreBounded: each export writes all users into the database once more.
func TestExportsAreBounded(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		for range maxExports {
			h.call(bearer, "POST", "/jobs/users-exports", `{}`).is(200, "")
		}
		h.call(bearer, "POST", "/jobs/users-exports", `{}`).fails(429, "too_many_requests", "There are 20 active export users jobs already running")
		h.work()
		h.call(bearer, "POST", "/jobs/users-exports", `{}`).is(200, "")
	})
}

// TestErrorsOfManyRows: why rows failed is told of each of them, however many there are, and in their order.
func TestErrorsOfManyRows(t *testing.T) {
	each(t, func(h *house) {
		var file strings.Builder
		for i := range 450 {
			file.WriteString(`{"email":"not an address ` + strconv.Itoa(i) + `"}` + "\n")
		}
		made := h.importForm("connection_id", h.connectionID(), "@users", file.String()).is(202, "")
		h.work()
		h.call(h.machine("acme"), "GET", "/jobs/"+made.text("id"), "").is(200, "")
		var failed []struct {
			User struct {
				Email string `json:"email"`
			} `json:"user"`
		}
		h.ok(json.Unmarshal([]byte(h.call(h.machine("acme"), "GET", "/jobs/"+made.text("id")+"/errors", "").is(200, "").body), &failed))
		if len(failed) != 450 || failed[0].User.Email != "not an address 0" || failed[449].User.Email != "not an address 449" {
			t.Errorf("%d rows", len(failed))
		}
	})
}

// TestWhereAFileIs: the address of a file is told when the file is whole, and nobody keeps what it answers.
func TestWhereAFileIs(t *testing.T) {
	h := sqlite(t)
	bearer := h.machine("acme")
	id := h.call(bearer, "POST", "/jobs/users-exports", `{}`).is(200, "").text("id")
	if at := h.call(bearer, "GET", "/jobs/"+id, "").is(200, "").text("location"); at != "" {
		t.Errorf("told before it is there: %s", at)
	}
	h.work()
	at := h.call(bearer, "GET", "/jobs/"+id, "").is(200, "").text("location")
	r, w := httptest.NewRequest("GET", at, nil), httptest.NewRecorder()
	r.SetPathValue("file", id+".json.gz")
	h.api.ServeResult(w, r, h.store("acme"))
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
