package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// The endpoints that apps call whose devices approve logins. What they are sent, and how they answer, is what the open SDKs of Guardian do: a device is set up
// with the ticket of a QR code and the public key that it made, and each answer is a JWT that it signs.

const (
	deviceEnroll   = "/" + mfa.DevicePath + "/api/enroll"
	deviceResolve  = "/" + mfa.DevicePath + "/api/resolve-transaction"
	deviceAccounts = "/" + mfa.DevicePath + "/api/device-accounts"
)

// deviceError answers an error in the form that such apps read.
func deviceError(w http.ResponseWriter, r *http.Request, err error, missing string) {
	e := *stagedoor.AsError(err)
	status, known := statuses[e.Kind]
	switch {
	case !known:
		web.Failed(r.Context(), web.Logger(r.Context()), "a request failed", err)
		status, e = http.StatusInternalServerError, stagedoor.Error{Code: "server_error", Message: "Internal error"}
	case e.Kind == stagedoor.NotFound:
		e.Code = missing
	}
	noStore(w)
	web.RetryAfter(w.Header(), err)
	web.WriteJSON(w, status, map[string]any{"statusCode": status, "error": http.StatusText(status), "message": e.Message, "errorCode": e.Code})
}

// deviceIn is what an app says of its device.
type deviceIn struct {
	Identifier string          `json:"identifier"`
	Name       string          `json:"name"`
	Key        json.RawMessage `json:"public_key"`
	Push       struct {
		Service string `json:"service"`
		Token   string `json:"token"`
	} `json:"push_credentials"`
}

func (in *deviceIn) device() (stagedoor.PushDevice, error) {
	d := stagedoor.PushDevice{Identifier: in.Identifier, Name: strings.TrimSpace(in.Name), Service: in.Push.Service, Address: in.Push.Token, PublicKey: string(in.Key)}
	if d.Service == stagedoor.ServiceInbox {
		return d, invalid("push_credentials.service is not one that brings notifications to devices.")
	}
	return d, nil
}

// enrollDevice takes the device that an app sets up with the ticket of a QR code.
func (d *Door) enrollDevice(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := d.setUpDevice(w, r, st)
	if err != nil {
		deviceError(w, r, err, "enrollment_transaction_not_found")
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

func (d *Door) setUpDevice(w http.ResponseWriter, r *http.Request, st *store.Store) (any, error) {
	ticket, is := strings.CutPrefix(r.Header.Get("Authorization"), `Ticket id="`)
	ticket, ends := strings.CutSuffix(ticket, `"`)
	if !is || !ends || ticket == "" {
		return nil, stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "The header Authorization must name the ticket.")
	}
	var in deviceIn
	if err := readJSON(w, r, &in); err != nil {
		return nil, err
	}
	device, err := in.device()
	if err != nil {
		return nil, err
	}
	c, token, err := mfa.SetUpDevice(r.Context(), st, ticket, device)
	if err != nil {
		return nil, err
	}
	issuer := web.Issuer(r)
	return map[string]any{
		"id": c.Device.Device, "token": token, "user_id": c.UserID, "issuer": page.TenantName(st), "url": issuer + mfa.DevicePath,
	}, nil
}

// resolveDevice takes a device's answer to a question.
func (d *Door) resolveDevice(w http.ResponseWriter, r *http.Request, st *store.Store) {
	err := d.answerOfDevice(w, r, st)
	if err != nil {
		deviceError(w, r, err, "login_transaction_not_found")
		return
	}
	noStore(w)
	w.WriteHeader(http.StatusNoContent)
}

func (d *Door) answerOfDevice(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !is || token == "" {
		return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "Missing authorization header")
	}
	var in struct {
		Response string `json:"challenge_response"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	c, accepted, err := mfa.ResolveDevice(r.Context(), st, token, in.Response, strings.TrimSuffix(web.Issuer(r), "/")+deviceResolve)
	if err != nil {
		return err
	}
	if !accepted {
		logDevice(r, st, c.UserID, "gd_auth_rejected", "The person denied the login on their device.")
	}
	return nil
}

func logDevice(r *http.Request, st *store.Store, userID, kind, text string) {
	e := web.LogEvent(r, stagedoor.LogEvent{Type: kind, UserID: userID, Description: text})
	if u, err := st.User(context.WithoutCancel(r.Context()), userID); err == nil {
		e.UserName, e.Connection = u.Shown(), u.Connection
	}
	st.Log(e)
}

// changeDevice notes what an app says anew of its device, such as another address for notifications; removeDevice takes the device from its person.
func (d *Door) changeDevice(w http.ResponseWriter, r *http.Request, st *store.Store) {
	m, userID, err := deviceOf(r, st)
	var in deviceIn
	if err == nil {
		err = readJSON(w, r, &in)
	}
	if err == nil {
		err = mfa.ChangeDevice(r.Context(), st, userID, m.ID, stagedoor.PushDevice{Identifier: in.Identifier, Name: in.Name, Service: in.Push.Service, Address: in.Push.Token})
	}
	if err != nil {
		deviceError(w, r, err, "device_account_not_found")
		return
	}
	noStore(w)
	out := map[string]any{}
	for name, value := range map[string]string{"identifier": in.Identifier, "name": in.Name} {
		if value != "" {
			out[name] = value
		}
	}
	if in.Push.Token != "" {
		out["push_credentials"] = in.Push
	}
	web.WriteJSON(w, http.StatusOK, out)
}

func (d *Door) removeDevice(w http.ResponseWriter, r *http.Request, st *store.Store) {
	m, userID, err := deviceOf(r, st)
	if err == nil {
		err = mfa.Remove(r.Context(), st, userID, m)
	}
	if err != nil {
		deviceError(w, r, err, "device_account_not_found")
		return
	}
	logDevice(r, st, userID, "gd_unenroll", "The person took a second factor away by its app: "+m.Type)
	d.Pipeline.FactorChanged(r.Context(), visit(r, st), userID, "removed")
	noStore(w)
	w.WriteHeader(http.StatusNoContent)
}

// deviceOf is the device in the path, if the request comes from its app.
func deviceOf(r *http.Request, st *store.Store) (*stagedoor.AuthenticationMethod, string, error) {
	shown, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return mfa.DeviceOf(r.Context(), st, r.PathValue("id"), shown, strings.TrimSuffix(web.Issuer(r), "/")+deviceAccounts)
}
