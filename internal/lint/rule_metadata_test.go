package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// inScript makes a script of the lines of a body: an action where they speak of event, a rule otherwise. The first of them is line 2.
func inScript(body string) string {
	if strings.Contains(body, "event") || strings.Contains(body, "api.") {
		return "exports.onExecutePostLogin = async (event, api) => {\n" + body + "\n};"
	}
	return "async function rule(user, context, callback) {\n" + body + "\n}"
}

// untrusted are the findings of untrusted-metadata, each as its line and the end of its message.
func untrusted(t *testing.T, l *Linter, source string) []string {
	t.Helper()
	found, err := l.Lint("x.js", source, "")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range found {
		if f.Rule == "syntax" {
			t.Fatalf("%s: %v", source, f)
		}
		if f.Rule == "untrusted-metadata" {
			_, what, _ := strings.Cut(f.Message, "user_metadata: ")
			out = append(out, fmt.Sprintf("%d %s", f.Line, what))
		}
	}
	return out
}

const (
	letIn  = "whether to let them in must be in app_metadata"
	factor = "whether a factor is asked for must be in app_metadata"
	scopes = "which scopes they get must be in app_metadata"
)

// TestUntrustedDecisions: every form in which user_metadata decides is found, on the line where the condition begins.
func TestUntrustedDecisions(t *testing.T) {
	l := linter(t)
	for name, c := range map[string]struct {
		body, want string
	}{
		// what is decided
		"refusal":                {"if (!user.user_metadata.approved) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"refusal by any error":   {"if (!user.user_metadata.approved) {\n return callback(new Error('no')); }", "2 " + letIn},
		"refusal by a text":      {"if (!user.user_metadata.approved) return callback('no');", "2 " + letIn},
		"refusal by a throw":     {"if (!user.user_metadata.approved) throw new UnauthorizedError('no');", "2 " + letIn},
		"refusal made before":    {"const no = new UnauthorizedError('no');\nif (!user.user_metadata.approved) return callback(no);", "3 " + letIn},
		"refusal with more":      {"if (!user.user_metadata.approved) return callback(new UnauthorizedError('no'), user, context);", "2 " + letIn},
		"refusal by a function":  {"function no() { return callback(new UnauthorizedError('no')); }\nif (!user.user_metadata.approved) return no();", "3 " + letIn},
		"refusal later":          {"if (!user.user_metadata.approved) {\n auth0.users.updateAppMetadata(user.user_id, {n: 1}).then(() => callback(new UnauthorizedError('no'))); }", "2 " + letIn},
		"deny":                   {"if (!event.user.user_metadata.approved) {\n api.access.deny('no');\n}", "2 " + letIn},
		"deny taken out":         {"const { access } = api;\nif (!event.user.user_metadata.approved) return access.deny('no');", "3 " + letIn},
		"scope added":            {"if (event.user.user_metadata.role === 'admin') api.accessToken.addScope('admin:all');", "2 " + scopes},
		"scope removed":          {"if (!event.user.user_metadata.editor) api.accessToken.removeScope('write:posts');", "2 " + scopes},
		"scope that it names":    {"api.accessToken.addScope(event.user.user_metadata.scope);", "2 " + scopes},
		"scopes of a rule":       {"if (user.user_metadata.role === 'admin') context.accessToken.scope = ['admin'];", "2 " + scopes},
		"scope pushed":           {"if (user.user_metadata.role === 'admin') context.accessToken.scope.push('admin');", "2 " + scopes},
		"one of two scopes":      {"if (user.user_metadata.pro) context.accessToken.scope = ['a', 'b'];\nelse context.accessToken.scope = ['a'];", "2 " + scopes},
		"scopes that it chooses": {"context.accessToken.scope = user.user_metadata.pro ? ['a', 'b'] : ['a'];", "2 scope must come from app_metadata"},
		"factor":                 {"if (!user.user_metadata.trusted) context.multifactor = { provider: 'any' };", "2 " + factor},
		"factor of an action":    {"if (!event.user.user_metadata.trusted) api.multifactor.enable('any');", "2 " + factor},
		"factor on demand":       {"if (event.user.user_metadata.use_mfa) api.multifactor.enable('any');", "2 " + factor},
		"challenge":              {"if (!event.user.user_metadata.trusted) api.authentication.challengeWith({ type: 'otp' });", "2 " + factor},
		"claim":                  {"if (event.user.user_metadata.role === 'admin') api.idToken.setCustomClaim('https://a/admin', true);", "2 admin must come from app_metadata"},
		"claim of a rule":        {"if (user.user_metadata.vip)\n context.idToken['https://a/roles'] = ['vip'];", "2 roles must come from app_metadata"},
		"claim by its value":     {"if (user.user_metadata.boss) context.idToken['https://a/is'] = 'admin';", "2 is must come from app_metadata"},
		"claim in SAML":          {"if (event.user.user_metadata.boss) api.samlResponse.setAttribute('role', 'boss');", "2 role must come from app_metadata"},
		"app_metadata":           {"if (event.user.user_metadata.boss) api.user.setAppMetadata('role', 'boss');", "2 role must come from app_metadata"},
		"app_metadata of a rule": {"if (user.user_metadata.boss) await auth0.users.updateAppMetadata(user.user_id, { role: 'boss' });", "2 role must come from app_metadata"},

		// what is copied
		"copy":                 {"context.idToken['https://a/roles'] = user.user_metadata.roles;", "2 roles must come from app_metadata"},
		"copy by a name":       {"const roles = user.user_metadata.roles || [];\ncontext.idToken[`https://a/${'x'}/roles`] = roles;", "3 roles must come from app_metadata"},
		"copy under a name":    {"const ns = 'https://a/', claim = ns + 'plan';\ncontext.accessToken[ns + 'plan'] = user.user_metadata.plan;", "3 plan must come from app_metadata"},
		"copy of a comparison": {"api.idToken.setCustomClaim('https://a/is_admin', event.user.user_metadata.role === 'admin');", "2 is_admin must come from app_metadata"},
		"copy to app_metadata": {"api.user.setAppMetadata('role', event.user.user_metadata.role);", "2 role must come from app_metadata"},
		"copy in an update":    {"await auth0.users.updateAppMetadata(user.user_id, { role: user.user_metadata.role });", "2 role must come from app_metadata"},
		"copy to roles":        {"context.authorization.roles = user.user_metadata.roles;", "2 roles must come from app_metadata"},

		// conditions
		"else":                     {"if (user.user_metadata.approved) {\n callback(null, user, context);\n} else {\n callback(new UnauthorizedError('no'));\n}", "2 " + letIn},
		"else if":                  {"if (!user.email) return callback(null, user, context);\nelse if (!user.user_metadata.approved) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"ternary":                  {"return user.user_metadata.approved ? callback(null, user, context) : callback(new UnauthorizedError('no'));", "2 " + letIn},
		"or":                       {"event.user.user_metadata.approved || api.access.deny('no');", "2 " + letIn},
		"and":                      {"!event.user.user_metadata.approved && api.access.deny('no');", "2 " + letIn},
		"and, or":                  {"return user.user_metadata.approved && callback(null, user, context) || callback(new UnauthorizedError('no'));", "2 " + letIn},
		"switch":                   {"switch (user.user_metadata.state) {\n case 'new':\n case 'banned': return callback(new UnauthorizedError('no'));\n}", "2 " + letIn},
		"switch with default":      {"switch (user.user_metadata.role) {\n case 'admin': context.accessToken.scope = ['admin']; break;\n default: context.accessToken.scope = ['read'];\n}", "2 " + scopes},
		"switch by cases":          {"switch (true) {\n case user.user_metadata.approved: return callback(null, user, context);\n default: return callback(new UnauthorizedError('no'));\n}", "2 " + letIn},
		"switch before a refusal":  {"switch (user.user_metadata.role) {\n case 'admin': return callback(null, user, context);\n}\nreturn callback(new UnauthorizedError('no'));", "2 " + letIn},
		"return before a refusal":  {"if (user.user_metadata.approved) { return callback(null, user, context); } return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"return before a factor":   {"if (event.user.user_metadata.skip_mfa) return; api.multifactor.enable('any');", "2 " + factor},
		"return out of a block":    {"if (user.user_metadata) {\n if (user.user_metadata.approved) return callback(null, user, context);\n}\nreturn callback(new UnauthorizedError('no'));", "3 " + letIn},
		"return before a check":    {"if (user.user_metadata.special) return callback(null, user, context);\nif (!user.email_verified) return callback(new UnauthorizedError('no'));\ncallback(null, user, context);", "2 " + letIn},
		"several lines":            {"if (user.email_verified &&\n  !user.user_metadata.approved) {\n return callback(new UnauthorizedError('no'));\n}", "2 " + letIn},
		"together with presence":   {"if (!user.user_metadata || !user.user_metadata.approved) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"list":                     {"if (!(user.user_metadata.groups || []).includes('staff')) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"list with a function":     {"if (!['a', 'b'].some(x => x === user.user_metadata.group)) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"item of a list":           {"user.user_metadata.roles.forEach(role => {\n if (role === 'admin') context.accessToken.scope = ['admin'];\n});", "3 " + scopes},
		"item of a loop":           {"for (const role of user.user_metadata.roles) {\n if (role === 'admin') context.accessToken.scope = ['admin'];\n}", "3 " + scopes},
		"in":                       {"if (!('approved' in user.user_metadata)) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"date":                     {"if (new Date(user.user_metadata.until) < new Date()) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"lodash":                   {"if (!require('lodash').get(user, 'user_metadata.approved')) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"member by a text":         {"if (!user['user_metadata']['approved']) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"optional":                 {"if (!event.user?.user_metadata?.approved) return api.access.deny('no');", "2 " + letIn},
		"default":                  {"if (!(user.user_metadata || {}).approved) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"asked by a function":      {"if (!approved(user.user_metadata)) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"answered by a function":   {"const approved = u => u.user_metadata.approved === true;\nif (!approved(user)) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"answered by constants":    {"function approved(u) {\n if (u.user_metadata.approved) return true;\n return false;\n}\nif (!approved(user)) return callback(new UnauthorizedError('no'));", "6 " + letIn},
		"decided in a function":    {"function check(meta) {\n if (!meta.approved) throw new UnauthorizedError('no');\n}\ncheck(user.user_metadata);", "3 " + letIn},
		"decided in a callback":    {"const meta = user.user_metadata;\nrequire('request').get('https://a', () => {\n if (!meta.approved) return callback(new UnauthorizedError('no'));\n});", "4 " + letIn},
		"decided under a variable": {"let ok = false;\nif (user.user_metadata.approved) ok = true;\nif (!ok) return callback(new UnauthorizedError('no'));", "4 " + letIn},

		// names
		"const":              {"const meta = user.user_metadata; if (!meta.approved) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"let with default":   {"let meta = user.user_metadata || {};\nif (!meta.approved) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"default afterwards": {"var meta = user.user_metadata;\nmeta = meta || {};\nif (!meta.approved) return callback(new UnauthorizedError('no'));", "4 " + letIn},
		"assigned later":     {"let meta;\nmeta = user.user_metadata ?? {};\nif (!meta.approved) return callback(new UnauthorizedError('no'));", "4 " + letIn},
		"assigned twice":     {"const meta = user.user_metadata = user.user_metadata || {};\nif (!meta.approved) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"optional const":     {"const meta = event.user?.user_metadata;\nif (!meta?.approved) return api.access.deny('no');", "3 " + letIn},
		"value":              {"const approved = user.user_metadata.approved === true;\nif (!approved) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"value of a value":   {"const meta = user.user_metadata, role = (meta.role || 'user').toLowerCase(), admin = role === 'admin';\nif (!admin) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"destructured":       {"const { user_metadata } = user; if (user_metadata.approved !== true) return callback(new UnauthorizedError('no'));", "2 " + letIn},
		"renamed":            {"const { user_metadata: meta = {} } = user;\nif (!meta.approved) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"member taken out":   {"const { approved, ...others } = user.user_metadata || {};\nif (!approved) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"deeply taken out":   {"const { user: { user_metadata: { approved } } } = event;\nif (!approved) api.access.deny('no');", "3 " + letIn},
		"spread":             {"const meta = { ...user.user_metadata };\nif (!meta.approved) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"copied":             {"const meta = Object.assign({}, user.user_metadata);\nif (!meta.approved) return callback(new UnauthorizedError('no'));", "3 " + letIn},
		"the person's name":  {"const { user: person } = event;\nif (!person.user_metadata.approved) api.access.deny('no');", "3 " + letIn},
	} {
		t.Run(name, func(t *testing.T) {
			if got := untrusted(t, l, inScript(c.body)); !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s:\nfound %q, want %q", c.body, got, c.want)
			}
		})
	}
}

// Patterns of parameters name user_metadata, too.
func TestUntrustedParameters(t *testing.T) {
	l := linter(t)
	for _, source := range []string{
		"exports.onExecutePostLogin = async ({ user }, api) => { if (!user.user_metadata.approved) api.access.deny('no'); };",
		"exports.onExecutePostLogin = async ({ user: { user_metadata } }, api) => { if (!user_metadata.approved) api.access.deny('no'); };",
		"exports.onExecutePostLogin = async ({ user: { user_metadata: { approved = false } } }, api) => { if (!approved) api.access.deny('no'); };",
		"const check = (meta, api) => { if (!meta.approved) api.access.deny('no'); };\nexports.onExecutePostLogin = async (event, api) => check(event.user.user_metadata, api);",
		"const check = ({ approved }, api) => approved || api.access.deny('no');\nexports.onExecutePostLogin = async (event, api) => check(event.user.user_metadata, api);",
	} {
		if got := untrusted(t, l, source); !slices.Equal(got, []string{"1 " + letIn}) {
			t.Errorf("%s: %q", source, got)
		}
	}
}

// TestHarmlessMetadata: uses of user_metadata that decide nothing are passed over.
func TestHarmlessMetadata(t *testing.T) {
	l := linter(t)
	for name, body := range map[string]string{
		"copied to a claim":          "context.idToken['https://a/theme'] = user.user_metadata.theme;",
		"all of it in a claim":       "context.idToken['https://a/user_metadata'] = user.user_metadata;",
		"a namespace with a power":   "context.idToken['https://admin.example/roles/theme'] = user.user_metadata.theme;\ncontext.idToken['https://plan.example/x'] = user.user_metadata.x;",
		"a word within a word":       "context.idToken['https://a/planet'] = user.user_metadata.planet;\ncontext.idToken['https://a/accessibility'] = user.user_metadata.contrast;",
		"made if it is not there":    "if (!user.user_metadata) user.user_metadata = {};\nuser.user_metadata = user.user_metadata || {};",
		"copied if it is there":      "const ns = 'https://a/';\nif (user.user_metadata.lang) context.idToken[ns + 'lang'] = user.user_metadata.lang;",
		"a constant claim":           "if (user.user_metadata.newsletter) context.idToken['https://a/newsletter'] = true;",
		"a claim by language":        "const { lang } = user.user_metadata;\ncontext.idToken['https://a/greeting'] = lang === 'de' ? 'Hallo' : 'Hello';",
		"another's power":            "if (user.user_metadata.lang) context.idToken['https://a/roles'] = context.authorization.roles;",
		"a power from app_metadata":  "const meta = user.app_metadata || {};\nif (meta.role !== 'admin') return callback(new UnauthorizedError('no'));\ncontext.idToken['https://a/roles'] = meta.roles;",
		"a message by language":      "if (!user.email_verified) return callback(new UnauthorizedError(user.user_metadata.lang === 'de' ? 'Nein' : 'No'));",
		"refusals by language":       "if (!event.user.email_verified) {\n if (event.user.user_metadata.lang === 'de') api.access.deny('Nein');\n else api.access.deny('No');\n}",
		"refusals behind each other": "if (!event.user.email_verified) {\n if (event.user.user_metadata.lang === 'de') return api.access.deny('Nein');\n return api.access.deny('No');\n}",
		"a switch by language":       "let text;\nswitch (user.user_metadata.lang) {\n case 'de': text = 'Nein'; break;\n default: text = 'No';\n}\nif (!user.email_verified) return callback(new UnauthorizedError(text));",
		"a preferred factor":         "if (event.user.user_metadata.prefers === 'sms') api.authentication.challengeWith({ type: 'phone' });\nelse api.authentication.challengeWith({ type: 'otp' });",
		"a name is asked for":        "if (user.user_metadata.displayName === undefined) {\n user.user_metadata.displayName = user.name;\n return auth0.users.updateUserMetadata(user.user_id, user.user_metadata).then(() => callback(null, user, context)).catch(err => callback(err));\n}\ncallback(null, user, context);",
		"a default is kept":          "try {\n if (!user.user_metadata.lang) await auth0.users.updateUserMetadata(user.user_id, { lang: 'en' });\n callback(null, user, context);\n} catch (error) {\n callback(new Error('not kept'));\n}",
		"a form":                     "if (!event.user.user_metadata.company) api.prompt.render('ap_1');",
		"progressive profiling":      "if (event.user.user_metadata.company || event.stats.logins_count < 3) return;\napi.redirect.sendUserTo('https://a/profile');",
		"consent": "user.user_metadata = user.user_metadata || {};\nif (user.user_metadata.consented) return callback(null, user, context);\n" +
			"if (context.protocol === 'redirect-callback') {\n if (context.request.body.confirm !== 'yes') return callback(new UnauthorizedError('no consent'));\n" +
			" user.user_metadata.consented = true;\n return auth0.users.updateUserMetadata(user.user_id, user.user_metadata).then(() => callback(null, user, context)).catch(callback);\n}\n" +
			"context.redirect = { url: 'https://a/consent' };\ncallback(null, user, context);",
		"a service that fails":        "if (user.user_metadata.phone) {\n return require('request').get('https://a', (error, response) => {\n  if (error) return callback(error);\n  if (response.statusCode !== 200) return callback(new Error('no answer'));\n  callback(null, user, context);\n });\n}\ncallback(null, user, context);",
		"a configuration":             "if (event.user.user_metadata.color) return;\nif (!event.secrets.CLIENT_ID) return api.access.deny('missing client id');\nawait save(event.user.user_id);",
		"another's answer":            "const company = await find(user.user_metadata.company);\nif (!company) return callback(new UnauthorizedError('no'));",
		"a name that stands for more": "let meta = user.user_metadata;\nif (user.n) meta = await load(user);\nif (!meta.approved) return callback(new UnauthorizedError('no'));",
		"a name of another function":  "function a() { const meta = user.user_metadata; return meta; }\nfunction b() { const meta = user.app_metadata; if (!meta.approved) throw new UnauthorizedError('no'); }\na(); b();",
		"a return before a claim":     "if (!user.user_metadata.onboarded) return callback(null, user, context);\nif (context.authorization.roles.includes('admin')) context.idToken['https://a/admin'] = true;\ncallback(null, user, context);",
		"presence alone":              "if (!user.user_metadata) return callback(null, user, context);\nif (!user.email_verified) return callback(new UnauthorizedError('no'));\ncallback(null, user, context);",
		"a text that tells of it":     "if (!user.email_verified) return callback(new UnauthorizedError('see user_metadata.approved'));",
		"what is validated":           "if (user.user_metadata.age > 200) delete user.user_metadata.age;",
		"logged":                      "if (user.user_metadata.debug) console.log('hello');",
	} {
		t.Run(name, func(t *testing.T) {
			if got := untrusted(t, l, inScript(body)); len(got) > 0 {
				t.Errorf("%s:\nfound %q", body, got)
			}
		})
	}
}

// At sign-up user_metadata is what was just filled in: to refuse what is wrong in it is no decision, to make a power of it is one.
func TestUntrustedSignUp(t *testing.T) {
	l := linter(t)
	for source, want := range map[string]int{
		"exports.onExecutePreUserRegistration = async (event, api) => { if (!event.user.user_metadata.terms) api.access.deny('terms', 'Accept the terms'); };":                        0,
		"exports.onExecutePreUserRegistration = async (event, api) => { if (!event.user.user_metadata.terms) api.validation.error('terms', 'Accept the terms'); };":                   0,
		"exports.onExecutePreUserRegistration = async (event, api) => { api.user.setAppMetadata('role', event.user.user_metadata.role); };":                                           1,
		"module.exports = function (user, context, cb) { if (!user.user_metadata.terms) return cb(new PreUserRegistrationError('terms', 'Accept the terms')); cb(null, { user }); };": 0,
		"module.exports = function (user, context, cb) { cb(null, { user: { app_metadata: { role: user.user_metadata.role } } }); };":                                                 1,
	} {
		if got := untrusted(t, l, source); len(got) != want {
			t.Errorf("%s: %q", source, got)
		}
	}
}

// Functions that call one another are looked into once each: sixty that call the one before twice would never end otherwise.
func TestUntrustedManyFunctions(t *testing.T) {
	body := strings.Builder{}
	body.WriteString("function f0() { f59(); return callback(new UnauthorizedError('no')); }\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&body, "function f%d() { if (user.a) return f%d(); return f%[2]d(); }\n", i, i-1)
	}
	body.WriteString("if (!user.user_metadata.approved) return f59();")
	if got := untrusted(t, linter(t), inScript(body.String())); !slices.Equal(got, []string{"62 " + letIn}) {
		t.Errorf("%q", got)
	}
}
