package script

// CustomTokenExchange runs when a client exchanges a token of somebody else's making. Its one action, which a token exchange profile names,
// says whose the token is, or refuses (extensibility fact sheet 3.9). Answers: user (an id), connection (ExchangedUser), organization (an id),
// actor (an object), invalid_subject_token (true).
var CustomTokenExchange = &Trigger{
	ID: "custom-token-exchange", Handler: "onExecuteCustomTokenExchange", Versions: versions("v1"), EntityBound: true, Runs: true,
}

// ExchangedUser is a user by their identity at a connection, as api.authentication.setUserByConnection names one.
type ExchangedUser struct {
	Connection string `json:"connection"`
	Create     bool   `json:"create"` // make the user if there is none
	Update     bool   `json:"update"` // give the user the attributes
	Attributes struct {
		UserID        string `json:"user_id"`
		Email         string `json:"email"`
		EmailVerified *bool  `json:"email_verified"` // nil: the action does not say
		Username      string `json:"username"`
		PhoneNumber   string `json:"phone_number"`
		PhoneVerified *bool  `json:"phone_verified"`
		Name          string `json:"name"`
		Nickname      string `json:"nickname"`
		GivenName     string `json:"given_name"`
		FamilyName    string `json:"family_name"`
		Picture       string `json:"picture"`
		VerifyEmail   bool   `json:"verify_email"` // who is made is asked by mail to prove the address
	} `json:"attributes"`
}
