package mgmt

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// ResultRoute is where the files of exports are fetched, outside of the API: their addresses carry a signature in the place of a
// token.
var ResultRoute = web.Route{Method: "GET", Pattern: "/exports/{file}", Status: 200, Title: "File of an export of users"}

// resultLife is how long an address works (Management API fact sheet 3.12).
const resultLife = 60 * time.Second

// resultWrite is how long one piece of a file may take to be sent.
const resultWrite = time.Minute

func resultFile(j *stagedoor.Job) string { return j.ID + "." + j.Format + ".gz" }

// resultURL is an address of a job's result that works for a minute.
func resultURL(issuer string, j *stagedoor.Job, now time.Time) string {
	expires := strconv.FormatInt(now.Add(resultLife).Unix(), 10)
	return issuer + "exports/" + resultFile(j) + "?" + url.Values{"expires": {expires}, "signature": {resultSignature(j, expires)}}.Encode()
}

func resultSignature(j *stagedoor.Job, expires string) string {
	mac := hmac.New(sha256.New, []byte(j.Secret))
	mac.Write([]byte(j.ID + "\n" + expires))
	return hex.EncodeToString(mac.Sum(nil))
}

// ServeResult answers with the file of an export. Who asks for one that is not there, or without a signature, is not told which.
func (a *API) ServeResult(w http.ResponseWriter, r *http.Request, st *store.Store) {
	j, err := a.signedJob(r, st)
	if err == nil {
		err = a.sendResult(w, r, st, j)
	}
	if err == nil {
		return
	}
	status, out := envelope(err)
	if status >= http.StatusInternalServerError {
		a.Log.ErrorContext(r.Context(), "the file of an export could not be sent", "tenant", st.Tenant().ID, "error", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	if err := web.WriteJSON(w, status, out); err != nil {
		a.Log.ErrorContext(r.Context(), "an error could not be answered", "error", err)
	}
}

func (a *API) signedJob(r *http.Request, st *store.Store) (*stagedoor.Job, error) {
	id, _, _ := strings.Cut(r.PathValue("file"), ".")
	expires := r.URL.Query().Get("expires")
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || a.Clock.Now().Unix() > until {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "", "This address has expired: ask for the job again.")
	}
	j, err := st.Job(r.Context(), id)
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, err
	}
	if err != nil || j.Type != stagedoor.JobExport || j.Status != stagedoor.JobCompleted || r.PathValue("file") != resultFile(j) ||
		!hmac.Equal([]byte(r.URL.Query().Get("signature")), []byte(resultSignature(j, expires))) {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "", "This address is not valid.")
	}
	return j, nil
}

// resultPiece reads a piece of a job's file of a kind. A request may not take long, but whoever fetches a large file may, as long as each piece is taken in time.
func resultPiece(ctx context.Context, st *store.Store, job, kind string, n int) (piece []byte, at int, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resultWrite)
	defer cancel()
	return st.JobPart(ctx, job, kind, n)
}

func (a *API) sendResult(w http.ResponseWriter, r *http.Request, st *store.Store, j *stagedoor.Job) error {
	h := w.Header()
	h.Set("Content-Type", "application/gzip")
	h.Set("Content-Disposition", `attachment; filename="`+resultFile(j)+`"`)
	h.Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	for n := 0; ; n++ {
		piece, at, err := resultPiece(r.Context(), st, j.ID, store.JobResult, n)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil
		}
		if err != nil && n == 0 {
			return err
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the file must not look whole
		}
		n = at
		_ = rc.SetWriteDeadline(time.Now().Add(resultWrite))
		if _, err := w.Write(piece); err != nil {
			return nil //nolint:nilerr // the client is gone
		}
	}
}
