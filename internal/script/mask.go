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

// learn looks for a value from now on, also as it stands in URLs and JSON, and for its lines.
func (m *masker) learn(value, mask string) {
	if m.use == forEarlier {
		quoted, _ := json.Marshal(value)
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), string(quoted[1 : len(quoted)-1])} {
			m.look(form, mask, len(form) >= minSecret)
		}
		return
	}
	m.learnLine(value, mask)
	if !strings.ContainsAny(value, "\n\\") {
		return
	}
	for _, line := range lineBreak.Split(value, -1) {
		if line = strings.TrimSpace(line); len(line) >= minLine && !strings.HasPrefix(line, "-----") { // what begins and ends PEM is no secret
			m.learnLine(line, mask)
		}
	}
}

// lineBreak is between the lines of a value, also where it has them as two characters.
var lineBreak = regexp.MustCompile(`\r?\n|\\n`)

func (m *masker) learnLine(value, mask string) {
	everywhere := len(value) >= minSecret
	if !everywhere && (len(value) < minAlone || mask != passwordMask && letters.MatchString(value)) {
		return
	}
	escaped, quoted := url.QueryEscape(value), string(quote(value))
	for _, form := range []string{value, escaped, componentEscape.Replace(escaped), url.PathEscape(value), quoted[1 : len(quoted)-1]} {
		m.look(form, mask, everywhere)
	}
}

var (
	letters = regexp.MustCompile(`^\pL+$`)
	// componentEscape makes what encodeURIComponent does of what URLSearchParams does.
	componentEscape = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")
)

// look looks for a text from now on: everywhere, or where it stands alone.
func (m *masker) look(text, mask string, everywhere bool) {
	if m.known[text] != "" || text == mask || maskText.MatchString(text) || m.use == forEarlier && !everywhere {
		return
	}
	m.known[text] = mask
	list := &m.alone
	if everywhere {
		list = &m.order
	}
	at, _ := slices.BinarySearchFunc(*list, len(text)-1, func(has string, length int) int { return length - len(has) }) // behind those of its length
	*list = slices.Insert(*list, at, text)
}

// find looks for a text from now on that something in the run calls secret.
func (m *masker) find(value, mask string) {
	if m.known[value] != "" {
		return
	}
	if m.use != forEarlier {
		if m.found++; m.found > maxSecrets {
			m.full = true
			return
		}
	}
	m.learn(value, mask)
}

// values masks what is known in a text.
func (m *masker) values(text string) string {
	for _, value := range m.order {
		if strings.Contains(text, value) {
			text = strings.ReplaceAll(text, value, m.known[value])
		}
	}
	for _, value := range m.alone {
		text = replaceAlone(text, value, m.known[value])
	}
	return text
}

// replaceAlone replaces a value where no character of a word is before or behind it.
func replaceAlone(text, value, mask string) string {
	var out strings.Builder
	done := 0
	for at := 0; ; {
		next := strings.Index(text[at:], value)
		if next < 0 {
			break
		}
		begin, end := at+next, at+next+len(value)
		at = end
		if begin > 0 && inWord(text[begin-1]) || end < len(text) && inWord(text[end]) {
			at = begin + 1
			continue
		}
		out.WriteString(text[done:begin] + mask)
		done = end
	}
	if done == 0 {
		return text
	}
	return out.String() + text[done:]
}

func inWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= utf8.RuneSelf
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

// encoded masks what is known where it stands in base64, as in the credentials of basic authentication.
func (m *masker) encoded(text string) string {
	if len(m.known) == 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for at := 0; at < len(text); at++ {
		end := at
		for end < len(text) && inBase64(text[end]) {
			end++
		}
		if end-at < minSecret {
			at = end
			continue
		}
		for pad := 0; pad < 2 && end < len(text) && text[end] == '='; pad++ {
			end++
		}
		if found := text[at:end]; m.decoded(found) != found {
			out.WriteString(text[done:at] + m.decoded(found))
			done = end
		}
		at = end - 1
	}
	if done == 0 {
		return text
	}
	return out.String() + text[done:]
}

func inBase64(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '+' || c == '/' || c == '-' || c == '_'
}

// decoded masks what is known in the text that a text in base64 stands for.
func (m *masker) decoded(text string) string {
	encoding := base64.StdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if !strings.HasSuffix(text, "=") {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	raw, err := encoding.DecodeString(text)
	if err != nil || !utf8.Valid(raw) {
		return text
	}
	if masked := m.values(string(raw)); masked != string(raw) {
		return encoding.EncodeToString([]byte(masked))
	}
	return text
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
				out.Write(quote(changed))
			} else {
				out.Write(literal)
			}
			continue
		}
		out.WriteByte(text[i])
	}
	return out.Bytes()
}

// quote is a text as JSON, with no more escapes than it needs.
func quote(text string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(text)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
