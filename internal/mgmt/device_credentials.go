package mgmt

import (
	"cmp"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listDeviceCredentialsIn struct {
	web.Paging
	web.Fields
	UserID   string `json:"user_id" doc:"user_id of the devices to retrieve"`
	ClientID string `json:"client_id" doc:"client_id of the devices to retrieve"`
	Type     string `json:"type" schema:"enum=public_key|refresh_token|rotating_refresh_token" doc:"Type of credentials to retrieve"`
}

// listDeviceCredentials answers public keys, and of a user's refresh tokens what tells devices apart: they were listed here before they had a list of their
// own. Where pages are asked for, those of a user are of refresh tokens unless the type says otherwise.
func (a *API) listDeviceCredentials(c *call, in listDeviceCredentialsIn) (any, error) {
	paged := in.IncludeTotals || in.PerPage.Set || in.Page > 0
	var page []stagedoor.DeviceCredential
	var total int
	var err error
	switch {
	case in.Type == "public_key" || in.Type == "" && in.UserID == "":
		page, total, err = c.store.DeviceCredentials(c.ctx(), in.UserID, in.ClientID, offsetPage(in.Paging))
	case in.UserID == "":
		err = bad("invalid_query_string", "Query validation error: 'Missing required property: user_id' of credentials of this type.")
	default:
		if page, err = credentialsOf(c, in, in.Type == "" && !paged); err == nil {
			total, page = len(page), web.Cut(in.Paging, page)
		}
	}
	if err != nil {
		return nil, err
	}
	shown := make([]any, len(page))
	for i, d := range page {
		if shown[i], err = in.Pick(d); err != nil {
			return nil, err
		}
	}
	return web.Envelope(in.Paging, "device_credentials", shown, total), nil
}

// credentialsOf are a user's refresh tokens of a type, in the order of their ids, or all credentials.
func credentialsOf(c *call, in listDeviceCredentialsIn, all bool) (out []stagedoor.DeviceCredential, err error) {
	if all {
		if out, _, err = c.store.DeviceCredentials(c.ctx(), in.UserID, in.ClientID, offsetPage(in.Paging)); err != nil {
			return nil, err
		}
	}
	tokens, err := c.store.UserRefreshTokens(c.ctx(), in.UserID)
	for _, t := range tokens {
		kind := "refresh_token"
		if t.Rotating {
			kind = "rotating_refresh_token"
		}
		if (all || kind == cmp.Or(in.Type, "refresh_token")) && (in.ClientID == "" || in.ClientID == t.ClientID) {
			out = append(out, stagedoor.DeviceCredential{ID: t.ID, Name: t.InitialUserAgent, Type: kind, UserID: t.UserID, ClientID: t.ClientID})
		}
	}
	return out, err
}

type createDeviceCredentialIn struct {
	Name     string          `json:"device_name" schema:"required,min=1,max=255" doc:"Name for this device easily recognized by owner"`
	Type     string          `json:"type" schema:"required,enum=public_key" doc:"Type of credential"`
	Value    string          `json:"value" schema:"required,min=1,max=65536" doc:"Base64 encoded string containing the credential"`
	DeviceID string          `json:"device_id" schema:"required,min=1,max=36" doc:"Unique identifier for the device"`
	ClientID web.Opt[string] `json:"client_id" doc:"client_id of the client (application) this credential is for"`
}

// createDeviceCredential keeps a key of the person whose token asks; no machine can have the scope.
func (a *API) createDeviceCredential(c *call, in createDeviceCredentialIn) (any, error) {
	if !c.caller.person {
		return nil, insufficient(c.row.anyOf()...)
	}
	clientID := in.ClientID.Or(c.caller.clientID)
	if _, err := c.store.Client(c.ctx(), clientID); err != nil {
		return nil, err
	}
	if _, err := c.store.User(c.ctx(), c.caller.subject); err != nil {
		return nil, err
	}
	d := &stagedoor.DeviceCredential{
		Name: in.Name, Type: in.Type, Value: in.Value, DeviceID: in.DeviceID, ClientID: clientID, UserID: c.caller.subject,
	}
	if err := c.store.CreateDeviceCredential(c.ctx(), d); err != nil {
		return nil, err
	}
	return map[string]string{"id": d.ID}, nil
}

// deleteDeviceCredential removes one, or revokes a refresh token with all that it was rotated to; people remove their own alone.
func (a *API) deleteDeviceCredential(c *call) (any, error) {
	owner := ""
	if c.caller.person {
		owner = c.caller.subject
	}
	if t, err := c.store.RefreshTokenByID(c.ctx(), c.id()); err == nil && (owner == "" || owner == t.UserID) {
		return a.deleteRefreshToken(c)
	} else if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, err
	}
	return nil, c.store.DeleteDeviceCredential(c.ctx(), c.id(), owner)
}

type listBlacklistIn struct {
	web.Paging
	Audience string `json:"aud" doc:"Filter on the JWT's aud claim (the client_id to which the JWT was issued)"`
}

// listBlacklist answers a list, with totals or without: SDKs ask for them and do not read them.
func (a *API) listBlacklist(c *call, in listBlacklistIn) (any, error) {
	return c.store.BlacklistedTokens(c.ctx(), in.Audience, offsetPage(in.Paging))
}

type blacklistIn struct {
	Audience string `json:"aud" schema:"max=600" doc:"JWT's aud claim (the client_id to which the JWT was issued)"`
	JTI      string `json:"jti" schema:"required,min=1,max=255" doc:"jti of the JWT to be blacklisted"`
}

func (a *API) blacklistToken(c *call, in blacklistIn) (any, error) {
	return nil, c.store.BlacklistToken(c.ctx(), stagedoor.BlacklistedToken{Audience: in.Audience, JTI: in.JTI})
}

// ofOwnAccount tells whether a route without a user's id in it serves people, and looks itself at whose records it touches.
func ofOwnAccount(pattern string) bool { return strings.HasPrefix(pattern, "/device-credentials") }
