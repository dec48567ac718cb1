package backchannel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/delivery"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

const (
	claimFor    = 30 * time.Second // longer than a try takes
	sendTimeout = 5 * time.Second  // of one try (Authentication API fact sheet 6.6)
	giveUpAfter = 24 * time.Hour
	expireEvery = time.Minute // how often sessions are looked for whose time is up
	atOnce      = 16          // tries at a time
	ofTenant    = 4           // of one tenant, whose clients may all be slow
)

// Deliverer tells clients.
type Deliverer struct {
	DB     *store.DB
	Minter *token.Minter
	Client *http.Client // reaches no private address unless the operator allows it
	Log    *slog.Logger
	Every  time.Duration // how often it looks for what there is to tell

	last string // the tenant that begin has served last: the others come first

	mu   sync.Mutex
	busy map[string]int // tries under way, by tenant
	all  int
	wake chan struct{} // room for another try
	wait sync.WaitGroup
}

// Run delivers until the context ends.
func (d *Deliverer) Run(ctx context.Context) {
	ticker := time.NewTicker(d.Every)
	defer ticker.Stop()
	defer d.wait.Wait()
	d.wake = make(chan struct{}, 1)
	var swept time.Time
	for {
		if now := time.Now(); now.Sub(swept) >= expireEvery {
			swept = now
			if err := d.DB.EndExpired(ctx); err != nil && ctx.Err() == nil {
				d.Log.ErrorContext(ctx, "expired sessions could not be ended", "error", err)
			}
		}
		if err := d.begin(ctx); err != nil && ctx.Err() == nil {
			d.Log.ErrorContext(ctx, "clients could not be told that sessions have ended", "error", err)
		}
		select {
		case <-ticker.C:
		case <-d.wake:
		case <-ctx.Done():
			return
		}
	}
}

// Round tries all that is due, and returns when that is done.
func (d *Deliverer) Round(ctx context.Context) error {
	defer d.wait.Wait()
	return d.begin(ctx)
}

// begin starts to try what is due, as far as there is room.
func (d *Deliverer) begin(ctx context.Context) error {
	tenants, err := d.DB.NoticeTenants(ctx)
	if err != nil {
		return err
	}
	slices.Sort(tenants)
	at, was := slices.BinarySearch(tenants, d.last)
	if was {
		at++
	}
	var failed error
	for _, id := range slices.Concat(tenants[at:], tenants[:at]) {
		st, err := d.DB.TenantByID(ctx, id)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			continue
		}
		var due []stagedoor.LogoutNotice
		if err == nil {
			due, err = st.LogoutNotices(ctx, ofTenant)
		}
		if err != nil { // the others' are delivered all the same
			failed = errors.Join(failed, err)
			continue
		}
		for _, n := range due {
			entered, full := d.enter(id)
			if full { // whoever is next is the first when there is room
				return failed
			}
			if !entered {
				break
			}
			d.last = id
			d.wait.Go(func() {
				defer d.leave(id)
				stagedoor.Contained(d.Log.With("tenant", id, "client", n.ClientID), "a notice of a logout", func() {
					if err := d.serve(ctx, st, &n); err != nil && ctx.Err() == nil {
						d.Log.ErrorContext(ctx, "a client could not be told that a session has ended", "tenant", id, "client", n.ClientID, "error", err)
					}
				})
			})
		}
	}
	return failed
}

// enter takes a place for a tenant. It tells whether there was one, and whether there is none for anybody.
func (d *Deliverer) enter(tenant string) (entered, full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= atOnce || d.busy[tenant] >= ofTenant {
		return false, d.all >= atOnce
	}
	if d.busy == nil {
		d.busy = map[string]int{}
	}
	d.all++
	d.busy[tenant]++
	return true, false
}

func (d *Deliverer) leave(tenant string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.busy[tenant]--; d.busy[tenant] == 0 {
		delete(d.busy, tenant)
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// errRefused is a client's word that it does not want the token.
var errRefused = errors.New("the client refused the token (400)")

// errUnsigned is all that the tenant's log says of what has gone wrong in this server: why is the operator's to know.
var errUnsigned = errors.New("the logout token could not be signed")

// serve tries one notice.
func (d *Deliverer) serve(ctx context.Context, st *store.Store, n *stagedoor.LogoutNotice) error {
	claimed, err := st.ClaimLogoutNotice(ctx, n, st.Clock().Now().Add(claimFor))
	if err != nil || !claimed {
		return err
	}
	client, err := st.Client(ctx, n.ClientID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return st.SettleLogoutNotice(ctx, n.ID)
	}
	if err != nil {
		return err
	}
	status, failure := d.send(ctx, st, client, n)
	if ctx.Err() != nil { // the server stops: the claim runs out
		return nil
	}
	now := st.Clock().Now()
	wait := delivery.Pause(n.Failures)
	switch {
	case failure == nil:
		note(st, client, n, status, "oidc_backchannel_logout_succeeded", "")
	case errors.Is(failure, errRefused), now.Add(wait).Sub(n.CreatedAt) > giveUpAfter:
		note(st, client, n, status, "oidc_backchannel_logout_failed", failure.Error())
	default:
		if n.Failures == 0 { // the first of many: they are told once
			note(st, client, n, status, "oidc_backchannel_logout_failed", failure.Error()+"; it is tried again")
		}
		return st.RetryLogoutNotice(ctx, n.ID, now.Add(wait))
	}
	return st.SettleLogoutNotice(ctx, n.ID)
}

// send posts a logout token (section 2.5). It returns the status of the answer, if there was one, and no error if the client took the token.
func (d *Deliverer) send(ctx context.Context, st *store.Store, c *stagedoor.Client, n *stagedoor.LogoutNotice) (status int, err error) {
	signed, err := d.Minter.LogoutToken(ctx, st, c, n)
	if err != nil {
		d.Log.ErrorContext(ctx, "a logout token could not be signed", "tenant", st.Tenant().ID, "client", c.ID, "error", err)
		return 0, errUnsigned
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, strings.NewReader(url.Values{"logout_token": {signed}}.Encode()))
	if err != nil {
		return 0, errors.New("the URL is not an address")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "Stagedoor")
	status, err = outbound.Send(d.Client, r, sendTimeout)
	switch {
	case err != nil:
		return 0, err
	case status == http.StatusBadRequest:
		return status, errRefused
	case status/100 != 2:
		return status, fmt.Errorf("the client answered %d %s", status, http.StatusText(status))
	}
	return status, nil
}

// note writes the tenant's log. status is that of the client's answer, 0 where there was none.
func note(st *store.Store, client *stagedoor.Client, n *stagedoor.LogoutNotice, status int, kind, why string) {
	details := map[string]any{
		"initiator": string(n.By),
		"request":   map[string]any{"backchannel_logout_uri": n.URL, "method": http.MethodPost},
		"response":  map[string]any{},
	}
	if status > 0 {
		details["response"] = map[string]any{"statusCode": status}
	}
	if why != "" {
		details["errors"] = []string{why}
	}
	session := stagedoor.Session{ID: n.SessionID, Metadata: n.Metadata}
	if len(n.Unsent) > 0 {
		session.Metadata = n.Unsent
	}
	maps.Copy(details, st.Tenant().LogoutDetails(&session))
	st.Log(stagedoor.LogEvent{Type: kind, Description: why, ClientID: client.ID, ClientName: client.Name, UserID: n.UserID, Details: details})
}
