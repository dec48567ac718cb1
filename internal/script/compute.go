package script

import (
	"encoding/base64"
	"encoding/json"
)

// operands are the arguments of an operation of the realm. Bytes travel as base64.
type operands []any

func (o operands) text(i int) string {
	if i >= len(o) {
		return ""
	}
	s, _ := o[i].(string)
	return s
}

func (o operands) bytes(i int) []byte {
	b, _ := base64.StdEncoding.DecodeString(o.text(i))
	return b
}

func (o operands) int(i int) int {
	if i >= len(o) {
		return 0
	}
	return int(number(o[i]))
}

// read fills in a struct from the argument's JSON.
func (o operands) read(i int, into any) error { return json.Unmarshal([]byte(o.text(i)), into) }

// operationError becomes a JavaScript error with these members; see compute in js/boot.
type operationError struct {
	Name    string `json:"name,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
	Errno   int    `json:"errno,omitempty"`
}

func (e *operationError) Error() string { return e.Message }

// operations are what the core modules let the host program work out. They need nothing but their arguments, and may take long.
var operations = map[string]func(operands) (any, error){
	"pbkdf2": derivePBKDF2, "hkdf": deriveHKDF, "scrypt": deriveScrypt,
	"key": readKey, "keyexport": exportKey, "keypair": generateKey, "keysign": signWithKey, "keyverify": verifyWithKey,
	"rsa": transformRSA, "ecdh": agree, "ecdhpublic": agreePublic, "x509": readCertificate,
	"zlib": compressOrNot, "zone": zoneOffset, "collate": compareTexts,
}

// operate runs an operation and puts its error into what the realm reads.
func operate(op func(operands) (any, error), args []any) any {
	out, err := op(args)
	if err == nil {
		if b, ok := out.([]byte); ok {
			return base64.StdEncoding.EncodeToString(b)
		}
		return out
	}
	own, ok := err.(*operationError) //nolint:errorlint // made here, never wrapped
	if !ok {
		own = &operationError{Message: err.Error()}
	}
	text, _ := json.Marshal(own)
	return "!" + string(text)
}

// jsonText is a result that has parts.
func jsonText(v any) (any, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
