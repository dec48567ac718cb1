package login

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

const (
	activatePath  = "/activate"
	paramUserCode = "user_code"
)

// guesses is how often an address may enter a code that no device shows: ten times, and then once a minute (RFC 8628 section 5.1).
var guesses = stagedoor.Throttle{MaxAttempts: 10, Rate: 60_000}

// showActivate asks for the code that a device shows, or, where a link brings it along, whether that is the one: who was sent here by somebody
// else must be able to notice (RFC 8628 section 5.4).
func (d *Door) showActivate(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	typed := r.URL.Query().Get(paramUserCode)
	if stagedoor.UserCode(typed) == "" {
		page.Render(w, http.StatusOK, ui.DeviceCodePage{Frame: page.Frame(r, st, nil), Form: ui.Form{Action: activatePath}})
		return nil
	}
	return d.confirmDevice(w, r, st, typed)
}

// confirmDevice looks a code up and asks whether the device shows it.
func (d *Door) confirmDevice(w http.ResponseWriter, r *http.Request, st *store.Store, typed string) error {
	device, client, err := d.waiting(r, st, typed)
	if err != nil || device == nil {
		return d.wrongUserCode(w, r, st, typed, err)
	}
	page.Render(w, http.StatusOK, ui.DeviceConfirmPage{
		Frame: page.Frame(r, st, client), Code: st.Tenant().Settings.DeviceFlow().Shown(stagedoor.UserCode(typed)),
		Form: ui.Form{Action: activatePath, Hidden: []ui.Field{{Name: ui.FieldCode, Value: stagedoor.UserCode(typed)}}},
	})
	return nil
}

// waiting is the device that shows a code, and its client; nil if there is none. Wrong codes are counted.
func (d *Door) waiting(r *http.Request, st *store.Store, typed string) (*stagedoor.DeviceCode, *stagedoor.Client, error) {
	const bucket = "device-code-ip"
	network := stagedoor.Network(r.RemoteAddr)
	room, err := st.TakeAttempt(r.Context(), bucket, network, guesses) // before the look-up: guesses at the same time count as well
	if err == nil && !room {
		err = stagedoor.Errorf(stagedoor.TooMany, "too_many_attempts", "Too many wrong codes.")
	}
	if err != nil {
		return nil, nil, err
	}
	device, err := st.DeviceByUserCode(r.Context(), stagedoor.UserCode(typed))
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && device.Approval != nil {
		return nil, nil, nil
	}
	if err == nil {
		err = st.ReturnAttempt(r.Context(), bucket, network, guesses)
	}
	if err != nil {
		return nil, nil, err
	}
	client, err := st.Client(r.Context(), device.ClientID)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !st.Tenant().Serves(client) {
		return nil, nil, nil
	}
	return device, client, err
}

func (d *Door) wrongUserCode(w http.ResponseWriter, r *http.Request, st *store.Store, typed string, err error) error {
	status, problem := http.StatusBadRequest, ui.Problem{Code: "wrong_user_code", Field: ui.FieldCode}
	switch {
	case stagedoor.IsKind(err, stagedoor.TooMany):
		status, problem = http.StatusTooManyRequests, ui.Problem{Code: "too_many_user_codes"}
	case err != nil:
		return err
	case stagedoor.UserCode(typed) == "":
		problem.Code = "missing_user_code"
	}
	page.Render(w, status, ui.DeviceCodePage{Frame: page.Frame(r, st, nil), Form: ui.Form{Action: activatePath}, Problems: ui.Problems{problem}})
	return nil
}

// activate takes the form of the page: the code, or with it the answer whether the device shows it.
func (d *Door) activate(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	typed, decision := text(r, ui.FieldCode), r.PostFormValue(ui.FieldDecision)
	if decision == "" {
		return d.confirmDevice(w, r, st, typed)
	}
	device, client, err := d.waiting(r, st, typed)
	if err != nil || device == nil {
		return d.wrongUserCode(w, r, st, typed, err)
	}
	if decision != ui.Accept {
		return d.cancelDevice(w, r, st, device, client)
	}
	v := visit(r, st)
	v.Browser = session.EnsureBrowser(w, r)
	tx, err := d.Pipeline.BeginDevice(r.Context(), v, device)
	if err != nil {
		return err
	}
	(&prompt{tx: tx}).goOn(w, r, nil)
	return nil
}

func (d *Door) cancelDevice(w http.ResponseWriter, r *http.Request, st *store.Store, device *stagedoor.DeviceCode, client *stagedoor.Client) error {
	device.Denied = "User cancelled the confirmation prompt."
	if err := st.DecideDevice(r.Context(), device); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	st.Log(web.LogEvent(r, stagedoor.LogEvent{Type: "fdecc", ClientID: client.ID, ClientName: client.Name, Description: device.Denied}))
	page.Render(w, http.StatusOK, ui.DeviceDonePage{Frame: page.Frame(r, st, client), RetryURL: activatePath})
	return nil
}

// deviceDone tells the person that the device is signed in.
func (d *Door) deviceDone(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	page.Render(w, http.StatusOK, ui.DeviceDonePage{Frame: page.Frame(r, st, nil), Allowed: true})
	return nil
}
