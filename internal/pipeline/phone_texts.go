package pipeline

// PhoneTexts are the texts of phone messages that a tenant has not written itself, by type and by the way of delivery.
var PhoneTexts = map[string]map[string]string{
	"otp_verify": {
		"text":  "{{ code | escape }} is your verification code for {{ friendly_name | escape }}",
		"voice": "Hello. Your verification code for {{ friendly_name | escape }} is {{ pause }} {{ code | escape }}. I repeat, your verification code is {{ pause }} {{ code | escape }}",
	},
	"otp_enroll": {
		"text":  "{{ code | escape }} is your code to add this phone to {{ friendly_name | escape }}",
		"voice": "Hello. Your code to add this phone to {{ friendly_name | escape }} is {{ pause }} {{ code | escape }}. I repeat, your code is {{ pause }} {{ code | escape }}",
	},
	"change_password": {
		"text":  "{{ code | escape }} is your code to change your password for {{ friendly_name | escape }}",
		"voice": "Hello. Your code to change your password for {{ friendly_name | escape }} is {{ pause }} {{ code | escape }}. I repeat, your code is {{ pause }} {{ code | escape }}",
	},
	"blocked_account": {
		"text":  "Your account at {{ friendly_name | escape }} was locked after too many wrong passwords from {{ user.source_ip }}.",
		"voice": "Hello. Your account at {{ friendly_name | escape }} was locked after too many wrong passwords.",
	},
	"password_breach": {
		"text":  "Your password at {{ friendly_name | escape }} appeared in a data leak of another site. Please choose a new one.",
		"voice": "Hello. Your password at {{ friendly_name | escape }} appeared in a data leak of another site. Please choose a new one.",
	},
}
