package password

import "net/http"

// An Error says why a new password is refused, in the very shape of the sign-up and reset answers. It never holds the password.
type Error struct {
	Name        string `json:"name"`
	Code        string `json:"code"`
	Message     string `json:"message"`
	Description any    `json:"description"` // a Result for PasswordStrengthError, else text
	Policy      string `json:"policy,omitempty"`
	StatusCode  int    `json:"statusCode"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Validate returns nil, or an *Error named PasswordStrengthError with what is missing.
func (p Policy) Validate(password string) error {
	result := p.Check(password)
	if result.Verified {
		return nil
	}
	e := refuse("PasswordStrengthError", "Password is too weak", result)
	e.Policy = p.Text()
	return e
}

// ValidateDictionary returns an *Error named PasswordDictionaryError if the password is one of the most common ones or one of
// words, whatever the case of its letters.
func ValidateDictionary(password string, words []string) error {
	if inDictionary(password, words) {
		return refuse("PasswordDictionaryError", "Password is too common", "Password is too common")
	}
	return nil
}

// ValidatePersonal returns an *Error named PasswordNoUserInfoError if the password contains one of values, whatever the case
// of its letters. Of an e-mail address the local part counts. Values under three characters are skipped: they would refuse
// nearly everything.
func ValidatePersonal(password string, values ...string) error {
	if containsPersonal(password, values) {
		return refuse("PasswordNoUserInfoError", "Password contains user information", "Password contains user information")
	}
	return nil
}

// Reused is the answer to a password that the user had before.
func Reused() error {
	return refuse("PasswordHistoryError", "Password has previously been used", "Password has previously been used")
}

func refuse(name, message string, description any) *Error {
	return &Error{Name: name, Code: "invalid_password", Message: message, Description: description, StatusCode: http.StatusBadRequest}
}
