package form

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"math/big"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/liquid"
)

// actions are what flows can do, by type and name. Parameters come with their values put in.
var actions = map[string]func(ctx context.Context, r *running, params map[string]any) (any, error){
	"FLOW BOOLEAN_CONDITION": nil, // see running.one
	"FLOW DO_NOTHING":        func(context.Context, *running, map[string]any) (any, error) { return nil, nil },
	"FLOW ERROR_MESSAGE": func(_ context.Context, _ *running, params map[string]any) (any, error) {
		return nil, said{Text(params["message"])}
	},
	"FLOW RETURN_JSON": func(context.Context, *running, map[string]any) (any, error) { return nil, errReturned },
	"FLOW STORE_VARS": func(_ context.Context, r *running, params map[string]any) (any, error) {
		vars, _ := params["vars"].(map[string]any)
		maps.Copy(r.walk.State.Vars, vars)
		return vars, nil
	},
	"FLOW MAP_VALUE": func(_ context.Context, _ *running, params map[string]any) (any, error) {
		cases, _ := params["cases"].(map[string]any)
		if to, there := cases[Text(params["input"])]; there {
			return map[string]any{"result": to}, nil
		}
		return map[string]any{"result": params["fallback"]}, nil
	},
	"FLOW DELAY_FLOW": delayFlow,
	"JSON CREATE_JSON": func(_ context.Context, _ *running, params map[string]any) (any, error) {
		return map[string]any{"result": params["object"], "object": params["object"]}, nil
	},
	"JSON PARSE_JSON": func(_ context.Context, _ *running, params map[string]any) (any, error) {
		var v any
		if json.Unmarshal([]byte(Text(params["json"])), &v) != nil {
			return nil, failed("the text is no JSON")
		}
		return map[string]any{"object": v}, nil
	},
	"JSON SERIALIZE_JSON": func(_ context.Context, _ *running, params map[string]any) (any, error) {
		b, err := json.Marshal(params["object"])
		return map[string]any{"json": string(b)}, err
	},
	"JWT SIGN_JWT":       signJWT,
	"JWT VERIFY_JWT":     verifyJWT,
	"JWT DECODE_JWT":     decodeJWT,
	"XML PARSE_XML":      parseXML,
	"XML SERIALIZE_XML":  serializeXML,
	"OTP GENERATE_CODE":  generateCode,
	"OTP VERIFY_CODE":    verifyCode,
	"EMAIL VERIFY_EMAIL": verifyEmail,
	"HTTP SEND_REQUEST":  sendRequest,
	"AUTH0 SEND_REQUEST": func(ctx context.Context, r *running, params map[string]any) (any, error) {
		return r.manage(ctx, params, word(params, "method"), word(params, "pathname"), params["payload"])
	},
	"AUTH0 GET_USER": func(ctx context.Context, r *running, params map[string]any) (any, error) {
		return r.managed(ctx, params, "GET", userPath(params), nil)
	},
	"AUTH0 CREATE_USER": func(ctx context.Context, r *running, params map[string]any) (any, error) {
		return r.managed(ctx, params, "POST", "/api/v2/users", params["payload"])
	},
	"AUTH0 UPDATE_USER": func(ctx context.Context, r *running, params map[string]any) (any, error) {
		return r.managed(ctx, params, "PATCH", userPath(params), params["changes"])
	},
	"AUTH0 SEND_EMAIL": sendEmail,
	"AUTH0 SEND_SMS": func(ctx context.Context, r *running, params map[string]any) (any, error) {
		return r.phone(ctx, "text", params)
	},
	"AUTH0 MAKE_CALL": func(ctx context.Context, r *running, params map[string]any) (any, error) {
		return r.phone(ctx, "voice", params)
	},
}

// maxDelay is the longest wait of one DELAY_FLOW; all of a flow's count against its time.
const maxDelay = 10 * time.Second

// delayFlow waits while the person does. Hours and days, which the original's has as well, are for flows that nobody waits for.
func delayFlow(ctx context.Context, _ *running, params map[string]any) (any, error) {
	unit, known := map[string]time.Duration{"": time.Second, "SECONDS": time.Second, "MINUTES": time.Minute, "HOURS": time.Hour, "DAYS": 24 * time.Hour}[strings.ToUpper(word(params, "units"))]
	n := finite(params["number"])
	if !known || n < 0 || n > maxDelay.Seconds() || time.Duration(n*float64(unit)) > maxDelay {
		return nil, errorf("FLOW DELAY_FLOW waits for more than %d seconds, which is not supported by this server.", int(maxDelay.Seconds()))
	}
	wait := time.NewTimer(time.Duration(n * float64(unit)))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil, nil
	case <-ctx.Done():
		return nil, failed("the flow takes too long")
	}
}

// One-time codes work for five minutes (the original's) and for five tries; a form keeps so many of them.
const (
	codeLife  = 5 * time.Minute
	codeTries = 5
	maxCodes  = 20
)

func generateCode(_ context.Context, r *running, params map[string]any) (any, error) {
	s, about, digits := r.walk.State, word(params, "reference"), int(finite(params["length"]))
	if about == "" || digits < 4 || digits > 10 {
		return nil, failed("a code needs a reference, and 4 to 10 digits")
	}
	var code strings.Builder
	for range digits {
		n, err := rand.Int(rand.Reader, big.NewInt(10))
		if err != nil {
			return nil, err
		}
		code.WriteString(n.String())
	}
	if s.Codes == nil {
		s.Codes = map[string]*Code{}
	}
	if about = jose.HashToken(about); s.Codes[about] == nil && len(s.Codes) >= maxCodes {
		return nil, failed("there are too many codes")
	}
	s.Codes[about] = &Code{Hash: jose.HashToken(code.String()), Until: r.walk.Now.Add(codeLife).UnixMilli()}
	return map[string]any{"code": code.String()}, nil
}

// verifyCode is OTP VERIFY_CODE. Who has tried too often, in this login or in others, is told UNEQUAL whatever they try: a failure might be allowed.
func verifyCode(ctx context.Context, r *running, params map[string]any) (any, error) {
	s, about := r.walk.State, jose.HashToken(word(params, "reference"))
	result := func(word string) (any, error) { return map[string]any{"valid": word == "VALID", "result": word}, nil }
	c := s.Codes[about]
	switch {
	case c == nil:
		return result("MISSING")
	case r.walk.Now.UnixMilli() >= c.Until:
		return result("EXPIRED")
	case c.Tries >= codeTries: // whoever guesses on does not learn when they were right
		return result("UNEQUAL")
	}
	if try := r.walk.Powers.TryCode; try != nil {
		if room, err := try(ctx); err != nil || !room {
			unequal, _ := result("UNEQUAL")
			return unequal, err
		}
	}
	if !jose.Equal(c.Hash, jose.HashToken(word(params, "code"))) {
		c.Tries++
		return result("UNEQUAL")
	}
	delete(s.Codes, about)
	if right := r.walk.Powers.RightCode; right != nil {
		if err := right(ctx); err != nil {
			return nil, err
		}
	}
	return result("VALID")
}

// verifyEmail asks the rules that need nobody else's lists and no name server.
func verifyEmail(_ context.Context, _ *running, params map[string]any) (any, error) {
	rules, _ := params["rules"].(map[string]any)
	for _, name := range []string{"require_mx_record", "block_free_emails", "block_disposable_emails"} {
		if truthy(rules[name]) {
			return nil, errorf("The rule %s of EMAIL VERIFY_EMAIL is not supported by this server.", name)
		}
	}
	result := func(valid bool, cause any) (any, error) { return map[string]any{"valid": valid, "cause": cause}, nil }
	email := strings.ToLower(word(params, "email"))
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email {
		return result(false, "INVALID")
	}
	local, domain, _ := strings.Cut(email, "@")
	lists := func(name string) (list []string) {
		all, _ := rules[name].([]any)
		for _, one := range all {
			list = append(list, strings.ToLower(strings.TrimPrefix(Text(one), "@")))
		}
		return list
	}
	switch allowed := lists("allowlist"); {
	case truthy(rules["block_aliases"]) && strings.Contains(local, "+"):
		return result(false, "ALIAS")
	case slices.Contains(lists("blocklist"), domain):
		return result(false, "BLOCKLISTED")
	case len(allowed) > 0 && !slices.Contains(allowed, domain):
		return result(false, "NOT_ALLOWED")
	}
	return result(true, nil)
}

// sendEmail sends a mail in the tenant's words: subject and body are Liquid, with the variables that the action names.
func sendEmail(ctx context.Context, r *running, params map[string]any) (any, error) {
	if r.walk.Powers.Mail == nil {
		return nil, failed("no mails can be sent here")
	}
	vars := map[string]any{"custom_vars": nonNil(asMap(params["custom_vars"])), "user": asMap(r.env.Context["user"]), "application": map[string]any{}, "organization": asMap(r.env.Context["organization"])}
	if client := asMap(r.env.Context["client"]); client != nil {
		vars["application"] = map[string]any{"name": client["name"], "clientID": client["client_id"]}
	}
	vars["friendly_name"], vars["tenant"] = r.env.Context["friendly_name"], asMap(r.env.Context["tenant"])["name"]
	m := Mail{To: word(params, "to")}
	if from := asMap(params["from"]); from != nil {
		m.From = (&mail.Address{Name: word(from, "name"), Address: word(from, "email")}).String()
	}
	var err error
	if m.Subject, err = liquid.Text(ctx, Text(params["subject"]), vars, liquid.DefaultLimits); err == nil {
		m.HTML, err = liquid.HTML(ctx, Text(params["body"]), vars, liquid.DefaultLimits)
	}
	if err != nil {
		return nil, failed("the subject or the body cannot be made")
	}
	if a, err := mail.ParseAddress(m.To); err != nil || a.Address != m.To {
		return nil, failed("the recipient is no address")
	}
	switch err := r.walk.Powers.Mail(ctx, m); {
	case stagedoor.IsKind(err, stagedoor.TooMany):
		return nil, failed("too many messages were sent for this person")
	case err != nil:
		return nil, failed("the mail could not be sent")
	}
	return map[string]any{"success": true}, nil
}

// phone sends a text, or has one spoken, through the tenant's phone provider.
func (r *running) phone(ctx context.Context, method string, params map[string]any) (any, error) {
	if r.walk.Powers.Phone == nil {
		return nil, failed("no messages can be sent here")
	}
	vars := map[string]any{"custom_vars": nonNil(asMap(params["custom_vars"])), "user": asMap(r.env.Context["user"])}
	text, err := liquid.Text(ctx, Text(params["message"]), vars, liquid.DefaultLimits)
	if err != nil {
		return nil, failed("the message cannot be made")
	}
	switch err := r.walk.Powers.Phone(ctx, method, word(params, "from"), word(params, "to"), text); {
	case stagedoor.IsKind(err, stagedoor.Unsupported):
		return nil, failed("the phone provider cannot send it: " + method)
	case stagedoor.IsKind(err, stagedoor.TooMany):
		return nil, failed("too many messages were sent for this person")
	case err != nil:
		return nil, failed("the message could not be sent")
	}
	return map[string]any{"success": true}, nil
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
