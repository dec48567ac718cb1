package pipeline

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/form"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// waitsForm is why actions wait whose api.prompt.render has shown a form (extensibility fact sheet 3.6). The person's answers lie sealed beside
// the login, under a handle that only the login knows; each step they take puts them under another one.
const waitsForm = "prompt"

// formWork is how long one step of a form may take, flows included, and formPatience how long a second request waits for it. Whoever works at a
// step has it for formLease, and says again every formRenewal that they do: a server that dies keeps nobody from the step for longer.
const (
	formWork     = time.Minute
	formPatience = 10 * time.Second
	formLease    = 15 * time.Second
	formRenewal  = 5 * time.Second
)

func formKey(handle string) string { return "form/" + handle }

// filled is the form that the person has filled in for the action that waits, or the page where they do.
func (l *login) filled(ctx context.Context, state *stagedoor.ScriptState) (*form.State, string, error) {
	if state.Waits != waitsForm {
		return nil, "", nil
	}
	s, err := formState(ctx, l.st, l.tx)
	switch {
	case err != nil:
		return nil, "", err
	case !s.Done:
		return nil, AskForm, nil
	case s.Refused != "":
		return nil, "", scripted("access_denied", s.Refused)
	}
	return s, "", nil
}

func formState(ctx context.Context, st *store.Store, tx *stagedoor.Transaction) (*form.State, error) {
	if tx.Script == nil || tx.Script.Form == "" {
		return nil, lost()
	}
	raw, err := st.Pending(ctx, formKey(tx.Script.Form), tx.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, lost()
	}
	if err != nil {
		return nil, err
	}
	s := new(form.State)
	return s, json.Unmarshal([]byte(raw), s)
}

// dropForm forgets the answers once an action has had them.
func (l *login) dropForm(ctx context.Context, handle string) {
	_ = l.st.DropPending(context.WithoutCancel(ctx), formKey(handle)) // else they go when the login lapses
}

// keepForm keeps how far the person has come. The login has to be stored behind it.
func (l *login) keepForm(ctx context.Context, s *form.State) error {
	return keepForm(ctx, l.st, l.tx, s)
}

func keepForm(ctx context.Context, st *store.Store, tx *stagedoor.Transaction, s *form.State) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tx.Script.Form = stagedoor.NewToken()
	_, err = st.KeepPending(ctx, formKey(tx.Script.Form), tx.UserID, string(raw), tx.ExpiresAt)
	return err
}

// render begins the form that an action has asked for. One without a step for the person is filled in at once, and the action goes on.
func (p *Pipeline) render(ctx context.Context, v Visit, in *ruleInput) error {
	if in.wants == nil {
		return nil
	}
	var asked struct {
		ID           string
		Fields, Vars map[string]any
	}
	err := json.Unmarshal(in.wants, &asked)
	if err != nil {
		return err
	}
	in.wants = nil
	if in.request == nil || in.silent { // there is no browser, or nobody may be asked: then no flow runs either
		return cannotAsk(AskForm)
	}
	w, err := p.walk(ctx, v, asked.ID, in.user, in.client, in.org, in.request)
	if err == nil {
		err = w.Begin(script.WithTenant(ctx, v.Store.Tenant().ID), asked.Fields, asked.Vars)
	}
	if err != nil {
		v.Log(stagedoor.LogEvent{Type: "forms_submission_failed", Description: describe(err), ClientID: in.client.ID, UserID: in.user.ID, Details: map[string]any{"form_id": asked.ID}})
		return err
	}
	if w.State.Elsewhere != "" {
		return scripted("access_denied", "The form "+asked.ID+" ends with a redirection before it has shown anything.")
	}
	if u, err := v.Store.User(ctx, in.user.ID); err != nil { // flows may have changed them
		return err
	} else if in.user = u; w.State.Done {
		in.filled, in.again = w.State, true
		return nil
	}
	in.form = w.State
	return nil
}

// tellFilled shows actions the answers of the form that the first of them has asked for.
func (in *ruleInput) tellFilled(event map[string]any) {
	if s := in.filled; s != nil {
		event["prompt"] = map[string]any{"id": s.FormID, "fields": nonNilAny(s.Fields), "vars": nonNilAny(s.Vars)}
		in.filled = nil
	}
}

// walk is somebody's way through a form as it is now.
func (p *Pipeline) walk(ctx context.Context, v Visit, id string, u *stagedoor.User, c *stagedoor.Client, o *stagedoor.Organization, req *stagedoor.AuthorizationRequest) (*form.Walk, error) {
	d, err := store.Forms.Get(ctx, v.Store, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = scripted("access_denied", "An action rendered the form "+stagedoor.Clip(id, 100)+", which is not there.")
	}
	if err != nil {
		return nil, err
	}
	f, err := form.Parse(d.ID, d.Sealed, []string{v.Language})
	if err != nil {
		return nil, err
	}
	user, err := eventUser(u)
	if err != nil {
		return nil, err
	}
	name := v.Store.Tenant().Settings.FriendlyName
	if name == "" {
		name = v.Store.Tenant().ID
	}
	known := map[string]any{
		"user": user, "client": map[string]any{"client_id": c.ID, "name": c.Name}, "tenant": map[string]any{"name": v.Store.Tenant().ID}, "friendly_name": name,
	}
	transaction := map[string]any{"state": req.State}
	if words := stagedoor.Words(strings.Join(req.Query["correlation_id"], " ")); len(words) > 0 {
		transaction["correlation_id"] = words[0]
	}
	known["transaction"] = transaction
	if o != nil {
		known["organization"] = map[string]any{"id": o.ID, "name": o.Name, "display_name": o.DisplayName, "metadata": nonNil(o.Metadata)}
	}
	b, err := json.Marshal(known) // plain JSON values, as templates look them up
	w := &form.Walk{Form: f, Now: v.Store.Clock().Now(), Powers: p.flowPowers(v, u, c)}
	if err == nil {
		err = json.Unmarshal(b, &w.Context)
	}
	return w, err
}

// FormStep is where somebody is who fills in a form. A form that is over, or has been changed meanwhile, ends the login. Where another answer has moved the
// form on since the login was read, the login becomes what it is now.
func (p *Pipeline) FormStep(ctx context.Context, v Visit, tx *stagedoor.Transaction) (*form.Walk, error) {
	s, err := formState(ctx, v.Store, tx)
	if stagedoor.HasCode(err, "lost_transaction") {
		if now, again := v.Store.Transaction(ctx, tx.ID); again == nil && now.Nonce != tx.Nonce {
			now.ID = tx.ID
			*tx = *now
			s, err = formState(ctx, v.Store, tx)
		}
	}
	if err != nil {
		return nil, err
	}
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return nil, gone(err)
	}
	c, err := v.Store.Client(ctx, tx.Request.ClientID)
	if stagedoor.IsKind(err, stagedoor.NotFound) && tx.Reset != nil {
		c, err = &stagedoor.Client{}, nil
	}
	if err != nil {
		return nil, gone(err)
	}
	var o *stagedoor.Organization
	if id := tx.Request.Organization; id != "" {
		if o, err = v.Store.Organization(ctx, id); err != nil {
			return nil, gone(err)
		}
	}
	w, err := p.walk(ctx, v, s.FormID, u, c, o, &tx.Request)
	if err != nil {
		return nil, err
	}
	w.State = s
	return w, nil
}

// Filled is what came of an answer.
type Filled struct {
	Walk     *form.Walk     // as it was before, where Problems say why nothing was taken
	Problems []form.Problem // nil: the answer was taken, or somebody else's was
}

// AnswerForm takes what somebody has posted for a step of a form. An answer counts once: a second one of the same page waits for the first, and
// changes nothing. What the person has begun is ended even when they are gone meanwhile: flows may have done something.
func (p *Pipeline) AnswerForm(ctx context.Context, v Visit, id, nonce, press string, posted url.Values) (*Filled, error) {
	tx, err := p.Page(ctx, v, id, AskForm)
	if err != nil {
		return nil, err
	}
	w, err := p.FormStep(ctx, v, tx)
	if err != nil {
		return nil, err
	}
	if w.State.Done || subtle.ConstantTimeCompare([]byte(tx.Nonce), []byte(nonce)) != 1 {
		return &Filled{Walk: w}, nil
	}
	if problems, err := w.Check(press, posted); err == nil && problems != nil { // what cannot be followed is told by the answer
		return &Filled{Walk: w, Problems: problems}, nil
	}
	held, err := takeLease(ctx, v.Store, "form\x00"+nonce, formLease)
	if err != nil {
		return nil, err
	}
	if held == nil {
		return &Filled{Walk: w}, p.otherAnswer(ctx, v, id, nonce)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), formWork)
	defer cancel()
	ctx, stop := held.keep(ctx, formRenewal)
	defer stop()
	err = w.Answer(script.WithTenant(ctx, v.Store.Tenant().ID), press, posted)
	if stop(); errors.Is(context.Cause(ctx), errLeaseLost) { // what the other server does counts
		return &Filled{Walk: w}, p.otherAnswer(context.WithoutCancel(ctx), v, id, nonce)
	}
	if err != nil {
		v.Log(stagedoor.LogEvent{Type: "forms_submission_failed", Description: describe(err), ClientID: tx.Request.ClientID, UserID: tx.UserID, Details: map[string]any{"form_id": w.State.FormID}})
		if !stagedoor.IsKind(err, stagedoor.Scripted) {
			return nil, err
		}
		w.State.Refused, w.State.Done = stagedoor.AsError(err).Message, true // the login ends with it
	}
	if w.State.Done && w.State.Refused == "" {
		v.Log(stagedoor.LogEvent{Type: "forms_submission_succeeded", ClientID: tx.Request.ClientID, UserID: tx.UserID, Details: map[string]any{"form_id": w.State.FormID}})
	}
	before := tx.Script.Form
	if w.State.Elsewhere != "" {
		_, err = v.Store.TakeTransaction(ctx, id)
	} else if err = keepForm(ctx, v.Store, tx, w.State); err == nil {
		tx.Nonce = stagedoor.NewToken()
		err = v.Store.SaveTransaction(ctx, tx)
	}
	if err != nil {
		return nil, err
	}
	return &Filled{Walk: w}, v.Store.DropPending(ctx, formKey(before))
}

// otherAnswer waits until another request has taken its answer for the same step.
func (p *Pipeline) otherAnswer(ctx context.Context, v Visit, id, nonce string) error {
	ctx, cancel := context.WithTimeout(ctx, formPatience)
	defer cancel()
	for {
		tx, err := v.Store.Transaction(ctx, id)
		if err != nil || subtle.ConstantTimeCompare([]byte(tx.Nonce), []byte(nonce)) != 1 {
			return nil //nolint:nilerr // the page shows how it stands
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}
