package mgmt

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

// databaseOptionsIn are the options of a database connection that have an effect; what has no field is checked against
// databaseShape and kept.
type databaseOptionsIn struct {
	PasswordPolicy            web.Opt[string]               `json:"passwordPolicy" schema:"enum=none|low|fair|good|excellent" doc:"Password strength level"`
	PasswordComplexityOptions web.Opt[passwordComplexityIn] `json:"password_complexity_options"`
	PasswordHistory           web.Opt[passwordHistoryIn]    `json:"password_history"`
	PasswordNoPersonalInfo    web.Opt[enableIn]             `json:"password_no_personal_info"`
	PasswordDictionary        web.Opt[passwordDictionaryIn] `json:"password_dictionary"`
	PasswordOptions           web.Opt[passwordOptionsIn]    `json:"password_options"`
	RequiresUsername          web.Opt[bool]                 `json:"requires_username"`
	DisableSignup             web.Opt[bool]                 `json:"disable_signup"`
	BruteForceProtection      web.Opt[bool]                 `json:"brute_force_protection"`
	Rest                      map[string]json.RawMessage    `schema:"rest"`
}

type enableIn struct {
	Enable web.Opt[bool] `json:"enable"`
}

type passwordComplexityIn struct {
	MinLength web.Opt[int] `json:"min_length" schema:"min=1,max=128"`
}

type passwordHistoryIn struct {
	enableIn
	Size web.Opt[int] `json:"size" schema:"min=0,max=24"`
}

type passwordDictionaryIn struct {
	enableIn
	Dictionary web.Opt[[]string] `json:"dictionary" schema:"max=200"`
}

type passwordOptionsIn struct {
	Complexity  web.Opt[complexityIn]  `json:"complexity"`
	Dictionary  web.Opt[dictionaryIn]  `json:"dictionary"`
	History     web.Opt[historyIn]     `json:"history"`
	ProfileData web.Opt[profileDataIn] `json:"profile_data"`
}

type complexityIn struct {
	MinLength  web.Opt[int]      `json:"min_length" schema:"min=1,max=72"`
	Types      web.Opt[[]string] `json:"character_types" schema:"enum=uppercase|lowercase|number|special,unique"`
	TypeRule   web.Opt[string]   `json:"character_type_rule" schema:"enum=all|three_of_four"`
	Identical  web.Opt[string]   `json:"identical_characters" schema:"enum=allow|block"`
	Sequential web.Opt[string]   `json:"sequential_characters" schema:"enum=allow|block"`
	Exceeded   web.Opt[string]   `json:"max_length_exceeded" schema:"enum=truncate|error"`
}

type dictionaryIn struct {
	Active  web.Opt[bool]     `json:"active"`
	Custom  web.Opt[[]string] `json:"custom" schema:"max=200"`
	Default web.Opt[string]   `json:"default" schema:"enum=en_10k|en_100k"`
}

type historyIn struct {
	Active web.Opt[bool] `json:"active"`
	Size   web.Opt[int]  `json:"size" schema:"min=1,max=24"`
}

type profileDataIn struct {
	Active web.Opt[bool]     `json:"active"`
	Fields web.Opt[[]string] `json:"blocked_fields" schema:"max=12"`
}

// databaseShape are the options of a database that are kept as they come.
type databaseShape struct {
	Validation     web.Opt[validationIn]    `json:"validation"`
	MFA            web.Opt[mfaIn]           `json:"mfa"`
	ImportMode     web.Opt[bool]            `json:"import_mode" doc:"Enable this if you have a legacy user store and you want to gradually migrate those users to the Auth0 user store"`
	Customization  web.Opt[bool]            `json:"enabledDatabaseCustomization" doc:"Set to true to use a legacy user store"`
	Scripts        web.Opt[customScriptsIn] `json:"customScripts"`
	Configuration  web.Opt[freeObject]      `json:"configuration" doc:"Stores encrypted string only configurations for connections"`
	ScriptContext  web.Opt[bool]            `json:"enable_script_context"`
	Attributes     web.Opt[attributesIn]    `json:"attributes"`
	Precedence     web.Opt[[]string]        `json:"precedence" schema:"enum=email|phone_number|username,min=3,max=3,unique"`
	Methods        web.Opt[methodsIn]       `json:"authentication_methods"`
	Passkey        web.Opt[passkeyIn]       `json:"passkey_options"`
	NoSelfService  web.Opt[bool]            `json:"disable_self_service_change_password"`
	RealmFallback  web.Opt[bool]            `json:"realm_fallback"`
	CustomHash     web.Opt[customHashIn]    `json:"custom_password_hash"`
	NonPersistent  web.Opt[[]string]        `json:"non_persistent_attrs" schema:"max=96"`
	Upstream       web.Opt[upstreamParams]  `json:"upstream_params"`
	RootAttributes web.Opt[string]          `json:"set_user_root_attributes" schema:"enum=on_each_login|on_first_login|never_on_login"`
	IconURL        web.Opt[string]          `json:"icon_url"`
	Version        web.Opt[int]             `json:"strategy_version"`
}

type validationIn struct {
	Username web.Opt[minMaxIn] `json:"username"`
}

type minMaxIn struct {
	Min int `json:"min" schema:"required,min=1,max=128"`
	Max int `json:"max" schema:"required,min=1,max=128"`
}

type mfaIn struct {
	Active web.Opt[bool] `json:"active"`
	Return web.Opt[bool] `json:"return_enroll_settings"`
}

type customScriptsIn struct {
	Login          web.Opt[string] `json:"login"`
	GetUser        web.Opt[string] `json:"get_user"`
	Create         web.Opt[string] `json:"create"`
	Verify         web.Opt[string] `json:"verify"`
	ChangePassword web.Opt[string] `json:"change_password"`
	Delete         web.Opt[string] `json:"delete"`
	ChangeEmail    web.Opt[string] `json:"change_email"`
	ChangeUsername web.Opt[string] `json:"change_username"`
	ChangePhone    web.Opt[string] `json:"change_phone_number"`
}

type attributesIn struct {
	Email    web.Opt[emailAttributeIn]    `json:"email"`
	Phone    web.Opt[phoneAttributeIn]    `json:"phone_number"`
	Username web.Opt[usernameAttributeIn] `json:"username"`
}

type attributeIdentifierIn struct {
	Active web.Opt[bool]   `json:"active"`
	Method web.Opt[string] `json:"default_method" schema:"enum=password|email_otp|phone_otp"`
}

type signupIn struct {
	Status       web.Opt[string]             `json:"status" schema:"enum=required|optional|inactive"`
	Verification web.Opt[connectionActiveIn] `json:"verification"`
}

type attributeIn struct {
	Identifier web.Opt[attributeIdentifierIn] `json:"identifier"`
	Required   web.Opt[bool]                  `json:"profile_required"`
	Signup     web.Opt[signupIn]              `json:"signup"`
}

type emailAttributeIn struct {
	attributeIn
	Unique web.Opt[bool]   `json:"unique"`
	Method web.Opt[string] `json:"verification_method" schema:"enum=link|otp|code"`
}

type phoneAttributeIn struct{ attributeIn }

type usernameAttributeIn struct {
	attributeIn
	Validation web.Opt[usernameValidationIn] `json:"validation"`
}

type usernameValidationIn struct {
	Min   web.Opt[int]            `json:"min_length" schema:"min=1,max=128"`
	Max   web.Opt[int]            `json:"max_length" schema:"min=1,max=128"`
	Types web.Opt[allowedTypesIn] `json:"allowed_types"`
}

type allowedTypesIn struct {
	Email web.Opt[bool] `json:"email"`
	Phone web.Opt[bool] `json:"phone_number"`
}

type methodsIn struct {
	Password web.Opt[passwordMethodIn] `json:"password"`
	Passkey  web.Opt[enabledIn]        `json:"passkey"`
	EmailOTP web.Opt[enabledIn]        `json:"email_otp"`
	PhoneOTP web.Opt[enabledIn]        `json:"phone_otp"`
}

type passwordMethodIn struct {
	enabledIn
	API    web.Opt[string] `json:"api_behavior" schema:"enum=required|optional"`
	Signup web.Opt[string] `json:"signup_behavior" schema:"enum=allow|block"`
}

type passkeyIn struct {
	UI          web.Opt[string] `json:"challenge_ui" schema:"enum=both|autofill|button"`
	Progressive web.Opt[bool]   `json:"progressive_enrollment_enabled"`
	Local       web.Opt[bool]   `json:"local_enrollment_enabled"`
}

type customHashIn struct {
	ActionID web.Opt[string] `json:"action_id"`
}

var (
	databaseSchema = web.NewSchema[optionsIn[databaseOptionsIn]]()
	databaseShapes = web.NewSchema[optionsIn[databaseShape]]()

	// databaseDefaults are options that a new database has; those in databaseSticky stay through an update that leaves them out.
	databaseDefaults = map[string]string{
		"mfa": `{"active":true,"return_enroll_settings":true}`, "strategy_version": `2`,
		"authentication_methods": `{"password":{"enabled":true,"api_behavior":"required","signup_behavior":"allow"},"passkey":{"enabled":false}}`,
		"passkey_options":        `{"challenge_ui":"both","progressive_enrollment_enabled":true,"local_enrollment_enabled":true}`,
	}
	databaseSticky = []string{"authentication_methods", "passkey_options"}
)

// databaseOptions sets the options of a database.
func databaseOptions(conn *stagedoor.Connection, sent freeObject, created bool) error {
	if sent == nil {
		sent = freeObject{}
	}
	body, err := json.Marshal(map[string]freeObject{"options": sent})
	if err != nil {
		return badProperty("options", "The options cannot be read")
	}
	decoded, err := databaseSchema.Decode(body)
	if err != nil {
		return err
	}
	in := decoded.Options
	rest, err := json.Marshal(map[string]any{"options": orEmpty(in.Rest)})
	if err != nil {
		return badProperty("options", "The options cannot be read")
	}
	shape, err := databaseShapes.Decode(rest)
	if err != nil {
		return err
	}
	if err := checkAttributes(&in, &shape.Options); err != nil {
		return err
	}
	stored := freeObject{}
	for name, value := range databaseDefaults {
		if before, there := conn.Options.Stored[name]; created {
			stored[name] = json.RawMessage(value)
		} else if there && slices.Contains(databaseSticky, name) {
			stored[name] = before
		}
	}
	keepStored(&stored, in.Rest)
	fillAttributes(stored)
	if !created {
		if err := keptUnique(conn.Options.Stored, stored); err != nil {
			return err
		}
	}
	if err := keepConfiguration(conn, stored); err != nil {
		return err
	}
	options := stagedoor.ConnectionOptions{Stored: stored, BruteForceProtection: conn.Options.BruteForceProtection}
	if created {
		options.BruteForceProtection = new(true)
	}
	in.copyTo(&options, created)
	conn.Options = options
	if conn.SwitchesPasswordsOff() && !conn.HasOtherMethods() {
		return bad("invalid_body", "authentication_methods leaves nothing to log in with: without password it takes passkey, or email_otp or phone_otp of an active identifier")
	}
	return nil
}

// checkCustomHash refuses an action that could not check passwords. Where there is none yet the logins that need it fail, and say so.
func checkCustomHash(c *call, strategy string, options freeObject) error {
	conn := stagedoor.Connection{Strategy: strategy, Options: stagedoor.ConnectionOptions{Stored: options}}
	id := conn.CustomHashAction()
	if id == "" {
		return nil
	}
	const property = "options.custom_password_hash.action_id"
	action, err := c.store.Action(c.ctx(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return badProperty(property, "There is no such action")
	}
	if want := script.PasswordHashMigration.ID; err == nil && action.Draft.Trigger.ID != want {
		return badProperty(property, "The action is not one of the trigger "+want)
	}
	return err
}

func orEmpty(m freeObject) freeObject {
	if m == nil {
		return freeObject{}
	}
	return m
}

func (in *databaseOptionsIn) copyTo(to *stagedoor.ConnectionOptions, created bool) {
	if created && !in.PasswordOptions.Has() {
		to.PasswordPolicy = "good"
	}
	in.PasswordPolicy.Into(&to.PasswordPolicy)
	in.RequiresUsername.Into(&to.RequiresUsername)
	in.DisableSignup.Into(&to.DisableSignup)
	copyFlag(in.BruteForceProtection, &to.BruteForceProtection)
	if in.PasswordComplexityOptions.Has() {
		to.PasswordComplexityOptions = &stagedoor.PasswordComplexity{MinLength: in.PasswordComplexityOptions.Value.MinLength.Value}
	}
	if in.PasswordHistory.Has() {
		h := in.PasswordHistory.Value
		to.PasswordHistory = &stagedoor.PasswordHistory{Enable: h.Enable.Value, Size: h.Size.Value}
	}
	if in.PasswordNoPersonalInfo.Has() {
		to.PasswordNoPersonalInfo = &stagedoor.Switch{Enable: in.PasswordNoPersonalInfo.Value.Enable.Value}
	}
	if in.PasswordDictionary.Has() {
		d := in.PasswordDictionary.Value
		to.PasswordDictionary = &stagedoor.PasswordDictionary{Enable: d.Enable.Value, Dictionary: append([]string{}, d.Dictionary.Value...)}
	}
	if in.PasswordOptions.Has() {
		to.PasswordOptions = in.PasswordOptions.Value.filled()
	}
}

// filled returns the options with their defaults (observed).
func (in *passwordOptionsIn) filled() *stagedoor.PasswordOptions {
	o := &stagedoor.PasswordOptions{}
	c := in.Complexity.Value
	o.Complexity.MinLength, o.Complexity.CharacterTypes = c.MinLength.Or(15), append([]string{}, c.Types.Value...)
	o.Complexity.CharacterTypeRule, o.Complexity.IdenticalCharacters = c.TypeRule.Or("all"), c.Identical.Or("allow")
	o.Complexity.SequentialChars, o.Complexity.MaxLengthExceeded = c.Sequential.Or("allow"), c.Exceeded.Or("error")
	d := in.Dictionary.Value
	o.Dictionary.Active, o.Dictionary.Custom, o.Dictionary.Default = d.Active.Value, append([]string{}, d.Custom.Value...), d.Default.Or("en_100k")
	o.History.Active, o.History.Size = in.History.Value.Active.Value, in.History.Value.Size.Or(3)
	o.ProfileData.Active = in.ProfileData.Value.Active.Value
	o.ProfileData.BlockedFields = in.ProfileData.Value.Fields.Or([]string{
		"name", "username", "nickname", "email", "phone_number", "user_metadata.name", "user_metadata.first", "user_metadata.last",
	})
	return o
}

// checkAttributes are the rules of identifiers that a schema cannot say (observed texts).
func checkAttributes(in *databaseOptionsIn, shape *databaseShape) error {
	if m := shape.Validation.Value.Username.Value; m.Min > m.Max {
		return badProperty("options.validation.username", "min must not be greater than max")
	}
	if shape.ImportMode.Value && !shape.Customization.Value {
		return bad("invalid_body", "import_mode needs enabledDatabaseCustomization.")
	}
	if !shape.Attributes.Has() {
		return nil
	}
	attributes := shape.Attributes.Value
	switch {
	case in.RequiresUsername.Value:
		return bad("invalid_body", "Cannot set both options.attributes and options.requires_username")
	case shape.Validation.Set:
		return bad("invalid_body", "Cannot set both options.attributes and options.validation")
	}
	active := false
	for _, a := range []struct {
		name string
		attributeIn
	}{
		{"email", attributes.Email.Value.attributeIn},
		{"phone_number", attributes.Phone.Value.attributeIn},
		{"username", attributes.Username.Value.attributeIn},
	} {
		active = active || a.Identifier.Value.Active.Value
		if a.Required.Value && a.Signup.Value.Status.Or("required") != "required" {
			return bad("invalid_body", "attribute "+a.name+" must also be required on signup")
		}
	}
	if !active {
		return bad("invalid_body", "attributes must contain one active identifier")
	}
	methods := shape.Methods.Value
	for _, a := range []struct {
		attribute, code string
		given           attributeIdentifierIn
		method          web.Opt[enabledIn]
	}{
		{"email", "email_otp", attributes.Email.Value.Identifier.Value, methods.EmailOTP},
		{"phone_number", "phone_otp", attributes.Phone.Value.Identifier.Value, methods.PhoneOTP},
	} {
		method := a.given.Method.Or("password")
		if method != "password" && method != a.code {
			return bad("invalid_body", "the default_method of "+a.attribute+" must be password or "+a.code)
		}
		if method == a.code && a.method.Has() && !a.method.Value.Enabled.Value {
			return bad("invalid_body", "the default_method of "+a.attribute+" is switched off in authentication_methods")
		}
	}
	if u := attributes.Email.Value.Unique; u.Has() && !u.Value && attributes.Email.Value.Identifier.Value.Active.Value {
		return bad("invalid_body", "cannot add non-unique email attribute")
	}
	return nil
}

// fillAttributes adds the defaults of the e-mail attribute (observed).
func fillAttributes(stored freeObject) {
	var attributes map[string]freeObject
	if json.Unmarshal(stored["attributes"], &attributes) != nil || attributes["email"] == nil {
		return
	}
	for name, value := range map[string]string{"verification_method": `"link"`, "unique": `true`} {
		if attributes["email"][name] == nil {
			attributes["email"][name] = json.RawMessage(value)
		}
	}
	if out, err := json.Marshal(attributes); err == nil {
		stored["attributes"] = out
	}
}

// keptUnique refuses what a change cannot do: whether addresses are unique is said when the connection is made (observed texts).
func keptUnique(before, after freeObject) error {
	had, was := uniqueEmail(before)
	has, is := uniqueEmail(after)
	switch {
	case has && !had && !is:
		return bad("invalid_body", "cannot add non-unique email attribute")
	case has && had && is != was:
		return bad("invalid_body", "cannot patch unique property on email attribute")
	}
	return nil
}

// uniqueEmail tells whether options have an attribute for addresses, and whether those are unique.
func uniqueEmail(options freeObject) (has, unique bool) {
	var attributes struct {
		Email *struct {
			Unique *bool `json:"unique"`
		} `json:"email"`
	}
	if json.Unmarshal(options["attributes"], &attributes) != nil || attributes.Email == nil {
		return false, false
	}
	return true, attributes.Email.Unique == nil || *attributes.Email.Unique
}

// sealedValue is what values of options.configuration look like to readers.
var sealedValue = regexp.MustCompile(`^2\.0\$[A-Za-z0-9+/_=.-]+$`)

// keepConfiguration makes options.configuration hold plain texts: what is written back as it was shown keeps the value that
// it stands for.
func keepConfiguration(conn *stagedoor.Connection, stored freeObject) error {
	if stored["configuration"] == nil {
		return nil
	}
	var sent, before map[string]json.RawMessage
	if err := json.Unmarshal(stored["configuration"], &sent); err != nil {
		return badProperty("options.configuration", "The configuration cannot be read")
	}
	_ = json.Unmarshal(conn.Options.Stored["configuration"], &before) // absent is empty
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		var text string
		if json.Unmarshal(sent[name], &text) != nil {
			return web.WrongType("options.configuration."+bounded(name, 40), "string", sent[name]).Body()
		}
		if old, there := before[name]; there && sealedValue.MatchString(text) {
			sent[name] = old
		}
	}
	out, err := json.Marshal(sent)
	stored["configuration"] = out
	return err
}
