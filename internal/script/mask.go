package script

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Recordings and logs hold no secrets. What stands in their place is between tildes, and looks the same in JSON, in URLs and in headers:
//
//	~configuration.NAME~          a value of a rule's configuration, wherever it occurs
//	~secrets.SCRIPT.NAME~         a secret of an action, a hook or a connection's script
//	~password~                    what a member or parameter of such a name holds
//	~masked.4f2a----~             any other secret; the same text has the same mask within a recording. Logs have ~masked~
//	~masked.key~                  a private key in PEM
//
// JSON Web Tokens keep their header and claims and lose their signature, in logs all of it. A run that is repeated gets the settings and secrets
// of today in the place of the first two; the others stay as they are, and are as long as what they stand for, because inspection of objects
// breaks lines by length. The code of scripts is recorded as it is.

// passwords and secretNames are names of members, parameters and headers that hold secrets, in lower case and without - and _.
var (
	passwords   = words("password passwd newpassword oldpassword passwordhash passphrase pin otp")
	secretNames = words("accesstoken refreshtoken idtoken idtokenhint clientsecret clientassertion authorization proxyauthorization cookie setcookie " +
		"apikey xapikey xauthtoken apitoken secret secretkey privatekey sessiontoken token codeverifier samlresponse skey")
	// logSecrets are secrets in logs alone: a run that is repeated needs them.
	logSecrets = words("subjecttoken actortoken mfatoken devicecode oobcode bindingcode")
)

func words(text string) map[string]bool {
	out := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		out[word] = true
	}
	return out
}

// plainName is a name as the two tables have it.
func plainName(name string) string {
	return strings.ToLower(dashes.Replace(name))
}

var dashes = strings.NewReplacer("-", "", "_", "")

var (
	maskText   = regexp.MustCompile(`^~[A-Za-z0-9_.-]+~$`)
	tokenText  = regexp.MustCompile(`(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.)[A-Za-z0-9_-]{16,}`)
	schemeText = regexp.MustCompile(`(?i)^(Bearer|Basic|Digest|Token) +`)
	pemText    = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^-]*-----END [A-Z0-9 ]*PRIVATE KEY-----`)
	queryText  = regexp.MustCompile(`([?&])([A-Za-z0-9_.-]+)=([^&#\s"]*)`)
	// escapedMask is a mask in a form that URLSearchParams made.
	escapedMask = regexp.MustCompile(`%7E((?:masked|configuration|secrets)\.[A-Za-z0-9_.-]+|password)%7E`)
	formText    = regexp.MustCompile(`^[A-Za-z0-9_.%+-]+=[^&\s]*(&[A-Za-z0-9_.%+-]+=[^&\s]*)*$`)
)

// What is looked for, by its length in bytes. A text of fewer than minSecret is looked for only where it stands alone, and only if it is not all
// letters: "true" and "gold" are no secrets, and to mask them would make texts unreadable.
const (
	minSecret = 6
	minAlone  = 4
	minLine   = 8 // a line of a text of several
)

// maxSecrets bounds how many texts are looked for that the calls and values of a run call secret, beside its settings.
const maxSecrets = 1000

// purpose is what masks are for.
type purpose int

const (
	forRecordings purpose = iota
	forEarlier            // recordings of the first form: they hold short settings in the clear, and masks of one length
	forLogs               // what is not repeated
)

// masker knows the secrets of one run.
type masker struct {
	use   purpose
	key   []byte
	known map[string]string // values and what stands in their place
	order []string          // values, the longest first
	alone []string          // the short ones, the longest first
	found int               // how many of them are no settings
	full  bool              // there were more than are looked for
}

// newMasker knows the settings and secrets that a run begins with.
func newMasker(s start, use purpose) *masker {
	m := &masker{use: use, key: []byte(s.Seed), known: map[string]string{}}
	m.begin(s)
	return m
}

// begin learns the settings and secrets of a run and returns its start without them.
func (m *masker) begin(s start) start {
	config := map[string]string{}
	for name, value := range s.Configuration {
		config[name] = SettingMask(name)
		if s.Call != nil {
			config[name] = SecretMask(s.Call.Connection, name)
		}
		m.learn(value, config[name])
	}
	s.Configuration = config
	s.Call = m.ofCall(s.Call)
	if s.Trigger == nil {
		return s
	}
	t := *s.Trigger
	t.Scripts = slices.Clone(t.Scripts)
	for i := range t.Scripts {
		own := &t.Scripts[i]
		own.Secrets = m.hide(own.Name, own.Secrets)
		modules := map[string]moduleStart{}
		for name, module := range own.Modules {
			module.Secrets = m.hide(name, module.Secrets)
			modules[name] = module
		}
		own.Modules = modules
	}
	s.Trigger = &t
	return s
}

// purpose is how the secrets of a recording are masked.
func (r *Recording) purpose() purpose {
	if r.Masks == 0 {
		return forEarlier
	}
	return forRecordings
}

// masked takes the secrets out of a recording. It reports false where there are too many of them.
func masked(r *Recording, s start) bool {
	m := &masker{use: r.purpose(), key: []byte(s.Seed), known: map[string]string{}}
	text, _ := json.Marshal(m.begin(s))
	for range 2 { // the first time tells what else is secret
		for i := range r.Calls {
			c := &r.Calls[i]
			c.Params, c.Result = m.call(c.Method, c.Params), m.call(c.Method, c.Result)
			if c.Error != nil {
				e := *c.Error
				e.Message = m.text(e.Message)
				c.Error = &e
			}
		}
		text, r.Outcome = m.json(text), m.json(r.Outcome)
		globals := map[string]json.RawMessage{}
		for name, value := range r.Globals {
			globals[name] = m.json(value)
		}
		r.Globals = globals
		for i := range r.Console {
			r.Console[i].Text = m.text(r.Console[i].Text)
		}
		if m.full {
			return false
		}
	}
	r.Start = text
	return true
}

// SettingMask stands for a value of the configuration, SecretMask for a secret of a script.
func SettingMask(name string) string { return "~configuration." + plain(name) + "~" }

func SecretMask(script, name string) string {
	return "~secrets." + plain(script) + "." + plain(name) + "~"
}

// plain leaves of a name what no encoding touches.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, name)
}

func (m *masker) hide(script string, secrets map[string]string) map[string]string {
	out := make(map[string]string, len(secrets))
	for name, value := range secrets {
		out[name] = SecretMask(script, name)
		m.learn(value, out[name])
	}
	return out
}

// text masks what is known in a text, and what looks secret in it.
func (m *masker) text(text string) string {
	text = m.values(text)
	if m.use != forEarlier {
		if strings.Contains(text, "%7E") { // URLSearchParams escapes the tildes of a mask, and had none to escape in what it stands for
			text = escapedMask.ReplaceAllString(text, "~$1~")
		}
		text = m.encoded(text)
	}
	if strings.Contains(text, "eyJ") {
		text = m.signatures(text)
	}
	if strings.Contains(text, "PRIVATE KEY") {
		text = pemText.ReplaceAllString(text, "~masked.key~")
	}
	if !strings.Contains(text, "=") {
		return text
	}
	return queryText.ReplaceAllStringFunc(text, func(found string) string {
		parts := queryText.FindStringSubmatch(found)
		return parts[1] + parts[2] + "=" + m.member(parts[2], parts[3])
	})
}

// signatures masks the signatures of JSON Web Tokens, for logs all of them.
func (m *masker) signatures(text string) string {
	switch m.use {
	case forEarlier:
		return tokenText.ReplaceAllString(text, "${1}masked")
	case forLogs:
		return tokenText.ReplaceAllString(text, maskOfLogs)
	}
	return tokenText.ReplaceAllStringFunc(text, func(token string) string {
		end := strings.LastIndexByte(token, '.') + 1
		return token[:end] + "masked" + strings.Repeat("-", len(token)-end-len("masked"))
	})
}

// member masks the text that a member, parameter or header holds.
func (m *masker) member(name, value string) string {
	name = plainName(name)
	if value == "" || maskText.MatchString(value) {
		return value
	}
	if passwords[name] {
		if known := m.known[value]; known != "" && m.use != forEarlier { // a setting comes back when the run is repeated
			return known
		}
		m.find(value, passwordMask)
		return passwordMask
	}
	if !secretNames[name] && !(m.use == forLogs && logSecrets[name]) || len(value) < minSecret {
		return m.text(value)
	}
	if tokenText.MatchString(value) {
		return m.text(value)
	}
	scheme := schemeText.FindString(value)
	rest := value[len(scheme):]
	if maskText.MatchString(rest) {
		return value
	}
	if known, ok := m.basic(scheme, rest); ok {
		return known
	}
	if known := m.known[rest]; known != "" {
		return scheme + known
	}
	mask := m.mask(rest)
	m.find(rest, mask)
	return scheme + mask
}

// maskOfLogs stands in logs for what is no setting: which of two secrets it is matters in what is repeated alone.
const maskOfLogs = "~masked~"

// mask stands for a secret that is no setting.
func (m *masker) mask(value string) string {
	if m.use == forLogs {
		return maskOfLogs
	}
	sum := hmac.New(sha256.New, m.key)
	if m.use == forEarlier {
		sum.Write([]byte(value))
	} else {
		sum.Write([]byte(m.values(value))) // a repetition has masks in it
	}
	mask := "~masked." + hex.EncodeToString(sum.Sum(nil)[:2])
	if pad := utf8.RuneCountInString(value) - len(mask) - 1; pad > 0 && m.use != forEarlier {
		mask += strings.Repeat("-", pad)
	}
	return mask + "~"
}

// json masks a JSON text and changes nothing else of it: not the order of members, not how numbers are written.
func (m *masker) json(text json.RawMessage) json.RawMessage {
	return rewriteJSON(text, m.member)
}

// call masks the params or the result of a call. The bodies of HTTP calls are base64.
func (m *masker) call(method string, text json.RawMessage) json.RawMessage {
	if method == "token" && len(text) > 0 {
		return rewriteJSON(text, func(_, value string) string { return m.member("access_token", value) })
	}
	if method != "http" {
		return m.json(text)
	}
	return rewriteJSON(text, func(name, value string) string {
		if name != "body" {
			return m.member(name, value)
		}
		body, err := base64.StdEncoding.DecodeString(value)
		if err != nil || !utf8.Valid(body) {
			return value
		}
		return base64.StdEncoding.EncodeToString(m.body(body))
	})
}

// body masks the text of a request or response: JSON, a form, or anything else.
func (m *masker) body(body []byte) []byte {
	if json.Valid(body) {
		return m.json(body)
	}
	if formText.Match(body) {
		return []byte(m.text("?" + string(body))[1:])
	}
	return []byte(m.text(string(body)))
}
