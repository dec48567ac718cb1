package mgmt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Forms, flows and what flows connect to (Management API objects 9). Any document is kept as it came; what this server cannot follow in one
// ends the login that shows the form, with an error that names it (see the room form).
var (
	forms = func() documents {
		n := documents{key: "forms", kind: store.Forms}
		n.defaults, n.gone = map[string]json.RawMessage{"ending": json.RawMessage(`{"resume_flow":true}`)}, true
		n.bare, n.brief = true, []string{"name"}
		return n
	}()
	flows = func() documents {
		n := documents{key: "flows", kind: store.Flows}
		n.gone, n.bare, n.brief = true, true, []string{"name", "description", "synchronous"}
		return n
	}()
	vaultConnections = func() documents {
		n := documents{key: "connections", kind: store.VaultConnections}
		n.gone, n.bare = true, true
		n.hide = func(members map[string]any) {
			_, ready := members["setup"]
			delete(members, "setup")
			b, _ := json.Marshal(members)
			sum := sha256.Sum256(b)
			members["ready"], members["fingerprint"] = ready, hex.EncodeToString(sum[:16])
		}
		return n
	}()
)

type formMembers struct {
	Messages     web.Opt[keptObject]        `json:"messages"`
	Languages    web.Opt[keptObject]        `json:"languages"`
	Translations web.Opt[keptObject]        `json:"translations"`
	Nodes        web.Opt[[]json.RawMessage] `json:"nodes"`
	Start        web.Opt[keptObject]        `json:"start"`
	Ending       web.Opt[keptObject]        `json:"ending"`
	Style        web.Opt[keptObject]        `json:"style"`
}

// keptObject is an object that is kept as it came.
type keptObject map[string]json.RawMessage

type updateFormIn struct {
	Name string `json:"name" schema:"min=1,max=150"`
	formMembers
}

type createFormIn struct {
	formMembers
	Name string `json:"name" schema:"required,min=1,max=150"`
}

type flowMembers struct {
	Description web.Opt[string]            `json:"description"`
	Synchronous web.Opt[bool]              `json:"synchronous"`
	Actions     web.Opt[[]json.RawMessage] `json:"actions"`
	Triggers    json.RawMessage            `json:"triggers"`
	Security    json.RawMessage            `json:"security"`
}

type updateFlowIn struct {
	Name string `json:"name" schema:"min=1,max=150"`
	flowMembers
}

type createFlowIn struct {
	flowMembers
	Name string `json:"name" schema:"required,min=1,max=150"`
}

type vaultConnectionIn struct {
	_     struct{}            `schema:"min=1"`
	Name  string              `json:"name" schema:"min=1,max=150" doc:"Flows Vault Connection name"`
	Setup web.Opt[keptObject] `json:"setup" doc:"Flows Vault Connection configuration"`
}

type createVaultConnectionIn struct {
	Name  string              `json:"name" schema:"required,min=1,max=150" doc:"Flows Vault Connection name"`
	AppID string              `json:"app_id" schema:"required,enum=ACTIVECAMPAIGN|AIRTABLE|AUTH0|BIGQUERY|CLEARBIT|DOCUSIGN|GOOGLE_SHEETS|HTTP|HUBSPOT|JWT|MAILCHIMP|MAILJET|PIPEDRIVE|SALESFORCE|SENDGRID|SLACK|STRIPE|TELEGRAM|TWILIO|WHATSAPP|ZAPIER" doc:"Flows Vault Connection app identifier"`
	Setup web.Opt[keptObject] `json:"setup" doc:"Flows Vault Connection configuration"`
}

type listFlowsIn struct {
	listDocumentsIn
	Synchronous web.Opt[bool] `json:"synchronous" schema:"notnull" doc:"Whether only flows are wanted that are synchronous, or that are not"`
}

func listFlows(c *call, in listFlowsIn) (any, error) {
	if !in.Synchronous.Set {
		return flows.list(c, in.listDocumentsIn)
	}
	return flows.listThose(c, in.listDocumentsIn, func(members map[string]any) bool {
		synchronous, _ := members["synchronous"].(bool)
		return synchronous == in.Synchronous.Value
	})
}

type hydrateIn struct {
	Hydrate []string `json:"hydrate" doc:"Further counts to show; there are none"`
}

// readHydrated reads one. What may be asked for besides is not in it.
func readHydrated(n documents) func(*call, hydrateIn) (any, error) {
	return func(c *call, _ hydrateIn) (any, error) { return n.read(c) }
}
