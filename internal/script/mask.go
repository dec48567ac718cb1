package script

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Recordings hold no secrets. What stands in their place is between tildes, and looks the same in JSON, in URLs and in headers:
//
//	~configuration.NAME~          a value of a rule's configuration, wherever it occurs
//	~secrets.SCRIPT.NAME~         a secret of an action or hook
//	~password~                    what a member or parameter of such a name holds
//	~masked.4f2a~                 any other secret; the same text has the same mask within a recording
//	~masked.key~                  a private key in PEM
//
// JSON Web Tokens keep their header and claims and lose their signature. A run that is repeated gets the settings and secrets of today
// in the place of the first two; the others stay as they are. The code of scripts is recorded as it is.

// passwords and secretNames are names of members, parameters and headers that hold secrets, in lower case and without - and _.
var (
	passwords   = words("password passwd newpassword oldpassword passwordhash passphrase pin otp")
	secretNames = words("accesstoken refreshtoken idtoken idtokenhint clientsecret clientassertion authorization proxyauthorization cookie setcookie " +
		"apikey xapikey xauthtoken apitoken secret secretkey privatekey sessiontoken token codeverifier samlresponse skey")
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
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
}

var (
	maskText   = regexp.MustCompile(`^~[A-Za-z0-9_.-]+~$`)
	tokenText  = regexp.MustCompile(`(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.)[A-Za-z0-9_-]{16,}`)
	schemeText = regexp.MustCompile(`(?i)^(Bearer|Basic|Digest|Token) +`)
	pemText    = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^-]*-----END [A-Z0-9 ]*PRIVATE KEY-----`)
	queryText  = regexp.MustCompile(`([?&])([A-Za-z0-9_.-]+)=([^&#\s"]*)`)
	formText   = regexp.MustCompile(`^[A-Za-z0-9_.%+-]+=[^&\s]*(&[A-Za-z0-9_.%+-]+=[^&\s]*)*$`)
)

// minSecret is how long a text must be for it to be looked for everywhere.
const minSecret = 6

// masker knows the secrets of one recording.
type masker struct {
	key   []byte
	known map[string]string // values and what stands in their place
	order []string          // values, the longest first
}

// newMasker knows the settings and secrets that a run begins with.
func newMasker(s start) *masker {
	m := &masker{key: []byte(s.Seed), known: map[string]string{}}
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

// masked takes the secrets out of a recording.
func masked(r *Recording, s start) {
	m := &masker{key: []byte(s.Seed), known: map[string]string{}}
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
	}
	r.Start = text
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

// learn looks for a value from now on, also as it stands in URLs and JSON.
func (m *masker) learn(value, mask string) {
	if maskText.MatchString(value) {
		return
	}
	quoted, _ := json.Marshal(value)
	for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), string(quoted[1 : len(quoted)-1])} {
		if len(form) < minSecret || m.known[form] != "" {
			continue
		}
		m.known[form] = mask
		m.order = append(m.order, form)
	}
	slices.SortStableFunc(m.order, func(a, b string) int { return len(b) - len(a) })
}

// values masks what is known in a text.
func (m *masker) values(text string) string {
	for _, value := range m.order {
		if strings.Contains(text, value) {
			text = strings.ReplaceAll(text, value, m.known[value])
		}
	}
	return text
}

// text masks what is known in a text, and what looks secret in it.
func (m *masker) text(text string) string {
	text = m.values(text)
	text = tokenText.ReplaceAllString(text, "${1}masked")
	text = pemText.ReplaceAllString(text, "~masked.key~")
	return queryText.ReplaceAllStringFunc(text, func(found string) string {
		parts := queryText.FindStringSubmatch(found)
		return parts[1] + parts[2] + "=" + m.member(parts[2], parts[3])
	})
}

// member masks the text that a member, parameter or header holds.
func (m *masker) member(name, value string) string {
	name = plainName(name)
	if value == "" || maskText.MatchString(value) {
		return value
	}
	if passwords[name] {
		m.learn(value, "~password~")
		return "~password~"
	}
	if !secretNames[name] || len(value) < minSecret {
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
	sum := hmac.New(sha256.New, m.key)
	sum.Write([]byte(rest))
	mask := "~masked." + hex.EncodeToString(sum.Sum(nil)[:2]) + "~"
	m.learn(rest, mask)
	return scheme + mask
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

// rewriteJSON gives every string of a JSON text that is no name of a member to change, with the name of the nearest member around it.
func rewriteJSON(text json.RawMessage, change func(name, value string) string) json.RawMessage {
	if !json.Valid(text) {
		return text
	}
	var out bytes.Buffer
	var names []string // of the members around, "" for arrays at first
	name, key := "", false
	var objects []bool
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '{', '[':
			objects, names = append(objects, c == '{'), append(names, name)
			key = c == '{'
		case '}', ']':
			name = names[len(names)-1]
			objects, names = objects[:len(objects)-1], names[:len(names)-1]
			key = false
		case ',':
			key = len(objects) > 0 && objects[len(objects)-1]
		case '"':
			end := i + 1
			for text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			literal := text[i : end+1]
			var value string
			_ = json.Unmarshal(literal, &value)
			i = end
			if key {
				name, key = value, false
				out.Write(literal)
				continue
			}
			if changed := change(name, value); changed != value {
				quoted := new(bytes.Buffer)
				e := json.NewEncoder(quoted)
				e.SetEscapeHTML(false)
				_ = e.Encode(changed)
				out.Write(bytes.TrimSuffix(quoted.Bytes(), []byte("\n")))
			} else {
				out.Write(literal)
			}
			continue
		}
		out.WriteByte(text[i])
	}
	return out.Bytes()
}
