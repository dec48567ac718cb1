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

func refuse(name, message string, description any) *Error {
	return &Error{Name: name, Code: "invalid_password", Message: message, Description: description, StatusCode: http.StatusBadRequest}
}
