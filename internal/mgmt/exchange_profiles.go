package mgmt

import (
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// tokenExchangeProfiles say which action looks at the tokens of a type; the grant of the token endpoint asks them.
var tokenExchangeProfiles = func() documents {
	n := newDocuments("token_exchange_profile", "tep_", "token_exchange_profiles", "Token exchange profile not found.")
	n.unique, n.kind = "subject_token_type", store.TokenExchangeProfiles
	n.kind.Clash = func(d *stagedoor.Document) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "token_exchange_profile_conflict", "There is a token exchange profile for the subject_token_type %s already.", bounded(d.Name, 100))
	}
	return n
}()

type createTokenExchangeProfileIn struct {
	Name             string `json:"name" schema:"required,min=3,max=50" doc:"Friendly name of this profile"`
	SubjectTokenType string `json:"subject_token_type" schema:"required,min=8,max=100,format=uri" doc:"Subject token type for this profile"`
	ActionID         string `json:"action_id" schema:"required,min=1,max=36" doc:"The ID of the Custom Token Exchange action to execute for this profile"`
	Type             string `json:"type" schema:"required,enum=custom_authentication" doc:"The type of the profile"`
}

type updateTokenExchangeProfileIn struct {
	_                struct{} `schema:"min=1"`
	Name             string   `json:"name" schema:"min=3,max=50" doc:"Friendly name of this profile"`
	SubjectTokenType string   `json:"subject_token_type" schema:"min=8,max=100,format=uri" doc:"Subject token type for this profile"`
}

func (a *API) createExchangeProfile(c *call, in createTokenExchangeProfileIn) (any, error) {
	if err := checkSubjectType(in.SubjectTokenType); err != nil {
		return nil, err
	}
	act, err := c.store.Action(c.ctx(), in.ActionID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, badProperty("action_id", "There is no such action")
	}
	if err != nil {
		return nil, err
	}
	if want := script.CustomTokenExchange.ID; act.Draft.Trigger.ID != want {
		return nil, badProperty("action_id", "The action is not one of the trigger "+want)
	}
	return tokenExchangeProfiles.create(c, nil)
}

func (a *API) updateExchangeProfile(c *call, in updateTokenExchangeProfileIn) (any, error) {
	if err := checkSubjectType(in.SubjectTokenType); err != nil {
		return nil, err
	}
	return changeDocument[updateTokenExchangeProfileIn](tokenExchangeProfiles)(c, in)
}

// checkSubjectType refuses types of tokens that a standard, or the service that we follow, has a meaning for (Authentication API fact sheet 4.9).
func checkSubjectType(name string) error {
	u, err := url.Parse(strings.ToLower(name))
	if err != nil {
		return badProperty("subject_token_type", "Object didn't pass validation for format uri: "+bounded(name, 100))
	}
	whose, _, _ := strings.Cut(u.Opaque, ":")
	reserved := u.Scheme == "urn" && slices.Contains([]string{"ietf", "auth0", "okta"}, whose)
	for _, domain := range []string{"auth0.com", "okta.com"} {
		reserved = reserved || web.Hostname(u.Host) == domain || strings.HasSuffix(web.Hostname(u.Host), "."+domain)
	}
	if reserved {
		return badProperty("subject_token_type", "The namespace is reserved: "+bounded(name, 100))
	}
	return nil
}
