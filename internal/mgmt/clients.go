package mgmt

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Members of a client that only some callers see (Management API fact sheet 3.4).
var (
	clientSummary = []string{"client_id", "app_type", "name", "description", "tenant"}
	clientSecrets = []string{"client_secret", "signing_keys", "encryption_key", "client_authentication_methods"}
)

type listClientsIn struct {
	web.Paging
	web.Checkpoint
	web.Fields
	IsGlobal     web.Opt[bool] `json:"is_global" schema:"notnull" doc:"Optional filter on the global client parameter"`
	IsFirstParty web.Opt[bool] `json:"is_first_party" schema:"notnull" doc:"Optional filter on whether or not a client is a first-party client"`
	AppType      []string      `json:"app_type" schema:"comma" doc:"Optional filter by a comma-separated list of application types"`
	ExternalID   string        `json:"external_client_id" doc:"Optional filter by the Client ID Metadata Document URI"`
	Query        string        `json:"q" doc:"Advanced Query in Lucene syntax"`
}

func (in *listClientsIn) leavesOut(c stagedoor.Client) bool {
	return in.IsGlobal.Set && c.Global != in.IsGlobal.Value || in.IsFirstParty.Set && c.IsFirstParty != in.IsFirstParty.Value ||
		len(in.AppType) > 0 && !slices.Contains(in.AppType, c.AppType) ||
		in.ExternalID != "" && optionText(c.Stored, externalClientID) != in.ExternalID
}

func (a *API) listClients(c *call, in listClientsIn) (any, error) {
	view, err := a.clientView(c)
	if err != nil {
		return nil, err
	}
	show := func(cl stagedoor.Client) (any, error) {
		shown, err := view(&cl)
		if err != nil {
			return nil, err
		}
		return in.Pick(shown, "tenant")
	}
	if !in.IsGlobal.Set && !in.IsFirstParty.Set && len(in.AppType) == 0 && in.ExternalID == "" && in.Query == "" {
		return listedPages(c, in.Paging, in.Checkpoint, "clients", c.store.ClientPages(), show)
	}
	all, err := c.store.Clients(c.ctx())
	if err == nil && in.Query != "" {
		all, err = c.clientsThat(in.Query, all)
	}
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, in.leavesOut)
	return listed(c, in.Paging, in.Checkpoint, "clients", all, func(cl stagedoor.Client) string { return cl.ID }, show)
}

func (a *API) readClient(c *call, in web.Fields) (any, error) {
	cl, err := c.store.Client(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	show, err := a.clientView(c)
	if err != nil {
		return nil, err
	}
	shown, err := show(cl)
	if err != nil {
		return nil, err
	}
	return in.Pick(shown)
}

// makesSecret tells whether the operation gives a client a new secret: who asked for it is told, whatever else they may read.
func (r *row) makesSecret() bool {
	return r.method == http.MethodPost && (r.pattern == "/clients" || r.pattern == "/clients/{id}/rotate-secret")
}

// wholeClients tells whether the caller sees more of clients than the summary.
func (c *call) wholeClients() bool { return c.caller.hasAny("read:clients", "read:client_keys") }

// clientView returns how clients look to the caller: what the scopes do not reach is left out.
func (a *API) clientView(c *call) (func(*stagedoor.Client) (any, error), error) {
	may := c.caller
	secrets := may.hasAny("read:client_keys", "read:client_credentials") || c.row.makesSecret()
	whole := c.row.writes() || c.wholeClients()
	var keys json.RawMessage
	if secrets {
		var err error
		if keys, err = clientSigningKeys(c); err != nil {
			return nil, err
		}
	}
	return func(cl *stagedoor.Client) (any, error) {
		encoded, err := web.Encode(cl)
		if err != nil {
			return nil, err
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(encoded, &all); err != nil {
			return nil, err
		}
		delete(all, "credentials")
		delete(all, "document_at")
		for name, at := range map[string]int64{"created_at": cl.CreatedAt, "updated_at": cl.UpdatedAt} {
			if at != 0 { // else it was made before this was noted
				all[name] = json.RawMessage(`"` + stagedoor.FormatTime(time.UnixMilli(at)) + `"`)
			}
		}
		if cl.AuthenticationMethods != nil && c.row.pattern != "/clients/{id}/rotate-secret" { // its secret opens nothing
			delete(all, "client_secret")
		}
		if keys != nil {
			all["signing_keys"] = keys
		}
		if err := asWritten(all, cl, c.row.method == "POST" && c.row.pattern == "/clients"); err != nil {
			return nil, err
		}
		for name := range all {
			secret := slices.Contains(clientSecrets, name)
			if secret && !secrets || !secret && !whole && !slices.Contains(clientSummary, name) {
				delete(all, name)
			}
		}
		return all, nil
	}, nil
}

// credentialed are the members of a client that name credentials.
var credentialed = []string{"client_authentication_methods", "signed_request_object", "token_vault_privileged_access"}

// asWritten adds what is shown besides what is kept: the old name of back-channel logout, the defaults of session transfer, and, to who created
// the client, the whole of its credentials.
func asWritten(all map[string]json.RawMessage, cl *stagedoor.Client, whole bool) error {
	var logout struct {
		URLs json.RawMessage `json:"backchannel_logout_urls"`
	}
	if json.Unmarshal(all["oidc_logout"], &logout) == nil && logout.URLs != nil {
		all["oidc_backchannel_logout"] = append(append([]byte(`{"backchannel_logout_urls":`), logout.URLs...), '}')
	}
	if transfer := cl.SessionTransfer(); transfer != nil {
		shown, err := web.Encode(transfer)
		if err != nil {
			return err
		}
		all["session_transfer"] = shown
	}
	if !whole || len(cl.Credentials) == 0 {
		return nil
	}
	for _, name := range credentialed {
		for _, cred := range cl.Credentials {
			shown, err := web.Encode(showCredential(cred))
			if err != nil {
				return err
			}
			if all[name] != nil {
				all[name] = bytes.ReplaceAll(all[name], []byte(`{"id":"`+cred.ID+`"}`), shown)
			}
		}
	}
	return nil
}

func (a *API) showClient(c *call, cl *stagedoor.Client) (any, error) {
	show, err := a.clientView(c)
	if err != nil {
		return nil, err
	}
	return show(cl)
}

func (a *API) createClient(c *call, in createClientIn) (any, error) {
	if err := in.allowed(c.caller); err != nil {
		return nil, err
	}
	cl := NewClient(in.Name)
	if err := in.apply(cl, true, a.Clock.Now()); err != nil {
		return nil, err
	}
	if err := c.store.CreateClient(c.ctx(), cl); err != nil {
		return nil, err
	}
	return a.showClient(c, cl)
}

type clientConnectionsIn struct {
	web.Checkpoint
	web.Fields
	Strategy []string `json:"strategy" doc:"Provide strategies to only retrieve connections with such strategies"`
}

// listClientConnections answers the connections that are enabled for a client.
func (a *API) listClientConnections(c *call, in clientConnectionsIn) (any, error) {
	cl, err := c.store.Client(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	all, err := c.store.Connections(c.ctx())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(conn stagedoor.Connection) bool {
		return !conn.EnabledFor(cl.ID) || len(in.Strategy) > 0 && !slices.Contains(in.Strategy, conn.Strategy)
	})
	page, next, v := web.After(in.Checkpoint, all, func(conn stagedoor.Connection) string { return conn.ID })
	if v != nil {
		return nil, bad("invalid_paging", v.Reason)
	}
	shown := make([]any, len(page))
	for i := range page {
		if shown[i], err = a.showConnection(c, &page[i], in.Fields); err != nil {
			return nil, err
		}
	}
	return web.CheckpointEnvelope("connections", shown, next), nil
}

func (a *API) updateClient(c *call, in updateClientIn) (any, error) {
	if err := in.allowed(c.caller); err != nil {
		return nil, err
	}
	cl, err := c.store.UpdateClient(c.ctx(), c.id(), func(cl *stagedoor.Client) error {
		in.Name.Into(&cl.Name)
		in.Secret.Into(&cl.Secret)
		return in.apply(cl, false, a.Clock.Now())
	})
	if err != nil {
		return nil, err
	}
	return a.showClient(c, cl)
}

func (a *API) rotateSecret(c *call) (any, error) {
	cl, err := c.store.UpdateClient(c.ctx(), c.id(), func(cl *stagedoor.Client) error {
		cl.Secret = stagedoor.NewSecret()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.showClient(c, cl)
}

func (a *API) deleteClient(c *call) (any, error) {
	cl, err := c.store.Client(c.ctx(), c.id())
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case cl.Global:
		return nil, bad("operation_not_supported", "Global client cannot be deleted.")
	}
	if cl.FromDocument() { // else the next login would bring it back
		err := store.DeclinedClients.Create(c.ctx(), c.store, &stagedoor.Document{Name: cl.ID})
		if err != nil && !stagedoor.IsKind(err, stagedoor.Conflict) {
			return nil, err
		}
	}
	return nil, c.store.DeleteClient(c.ctx(), cl.ID)
}
