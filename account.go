package stagedoor

import "slices"

// AccountSettings are a tenant's settings of the page on which people look after their own account.
type AccountSettings struct {
	// ClientID is the client as which people sign in to the page; empty: there is no page.
	ClientID string `json:"client_id,omitempty"`
	// Parts are the parts that are on; nil: all but AccountDelete.
	Parts []string `json:"parts,omitzero"`
	// MetadataKeys are the members of user_metadata that people may change themselves; "*" stands for all.
	MetadataKeys []string `json:"metadata_keys,omitzero"`
}

// The parts of the account page.
const (
	AccountProfile    = "profile"    // name, nickname, picture
	AccountMetadata   = "metadata"   // user_metadata, as far as MetadataKeys allow
	AccountEmail      = "email"      // another address, once it is proved
	AccountUsername   = "username"   //
	AccountPassword   = "password"   //
	AccountFactors    = "factors"    // second factors, recovery code, remembered browsers
	AccountSessions   = "sessions"   //
	AccountClients    = "clients"    // who has access, and to take it back
	AccountIdentities = "identities" // to take a linked one away
	AccountActivity   = "activity"   // what the log says about the person
	AccountExport     = "export"     // all data as a file
	AccountDelete     = "delete"     // the whole account
)

// AccountParts are all parts.
var AccountParts = []string{
	AccountProfile, AccountMetadata, AccountEmail, AccountUsername, AccountPassword, AccountFactors, AccountSessions, AccountClients,
	AccountIdentities, AccountActivity, AccountExport, AccountDelete,
}

// Has tells whether a part of the page is on.
func (s *AccountSettings) Has(part string) bool {
	switch {
	case s == nil || s.ClientID == "":
		return false
	case s.Parts == nil:
		return part != AccountDelete
	}
	return slices.Contains(s.Parts, part)
}

// MayChange tells whether people may change a member of their user_metadata.
func (s *AccountSettings) MayChange(key string) bool {
	return s.Has(AccountMetadata) && (slices.Contains(s.MetadataKeys, key) || slices.Contains(s.MetadataKeys, "*"))
}

// AccountCallback is the path to which people come back who signed in to the account page.
const AccountCallback = "account/callback"

// ComesBackToAccount tells whether an authorization request is one of the account page's own: of its client, back to the page of the same domain.
func (s *TenantSettings) ComesBackToAccount(clientID, redirectURI, issuer string) bool {
	return s.Local.Account != nil && s.Local.Account.ClientID == clientID && clientID != "" && redirectURI == issuer+AccountCallback
}
