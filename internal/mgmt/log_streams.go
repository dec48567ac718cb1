package mgmt

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/logstream"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// sinkKind is what the sink of a type of log stream has (Management API objects 6).
type sinkKind struct {
	required []string
	members  map[string]string // name → JSON type
	address  string            // the member that says where it is, of those that are delivered to
}

var sinks = map[string]sinkKind{
	"http": {required: []string{"httpEndpoint"}, members: map[string]string{
		"httpEndpoint": "string", "httpContentType": "string", "httpContentFormat": "string", "httpAuthorization": "string", "httpCustomHeaders": "array",
		"stagedoorSigningSecret": "string",
	}},
	"eventbridge": {required: []string{"awsAccountId", "awsRegion"}, members: map[string]string{"awsAccountId": "string", "awsRegion": "string"}},
	"eventgrid": {
		required: []string{"azureSubscriptionId", "azureResourceGroup", "azureRegion"},
		members:  map[string]string{"azureSubscriptionId": "string", "azureResourceGroup": "string", "azureRegion": "string"},
	},
	"datadog": {
		required: []string{"datadogApiKey", "datadogRegion"}, address: "stagedoorBaseUrl",
		members: map[string]string{"datadogApiKey": "string", "datadogRegion": "string", "stagedoorBaseUrl": "string"},
	},
	"splunk": {
		required: []string{"splunkDomain", "splunkPort", "splunkToken", "splunkSecure"}, address: "splunkDomain",
		members: map[string]string{"splunkDomain": "string", "splunkPort": "string", "splunkToken": "string", "splunkSecure": "boolean"},
	},
	"sumo": {required: []string{"sumoSourceAddress"}, address: "sumoSourceAddress", members: map[string]string{"sumoSourceAddress": "string"}},
	"segment": {
		required: []string{"segmentWriteKey"}, address: "stagedoorBaseUrl", members: map[string]string{"segmentWriteKey": "string", "stagedoorBaseUrl": "string"},
	},
	"mixpanel": {
		required: []string{"mixpanelRegion", "mixpanelProjectId", "mixpanelServiceAccountUsername", "mixpanelServiceAccountPassword"}, address: "stagedoorBaseUrl",
		members: map[string]string{
			"mixpanelRegion": "string", "mixpanelProjectId": "string", "mixpanelServiceAccountUsername": "string", "mixpanelServiceAccountPassword": "string",
			"stagedoorBaseUrl": "string",
		},
	},
}

// sinkValues are what texts of sinks look like, by their names.
var sinkValues = map[string]*regexp.Regexp{
	"awsAccountId": regexp.MustCompile(`^[0-9]{12}$`), "awsRegion": regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`),
	"azureSubscriptionId": regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`), "azureRegion": regexp.MustCompile(`^[a-z]+[0-9]?$`),
	"datadogRegion": regexp.MustCompile(`^(us|eu|us3|us5)$`), "splunkPort": regexp.MustCompile(`^[0-9]*$`),
	"mixpanelRegion": regexp.MustCompile(`^(us|eu)$`), "mixpanelProjectId": regexp.MustCompile(`^[0-9]+$`),
	"mixpanelServiceAccountUsername": regexp.MustCompile(`^[^:]+$`), "mixpanelServiceAccountPassword": regexp.MustCompile(`^[^:]+$`),
}

// keptInSinks are what a change may leave out, and stays as it was: members of ours, which tools do not know, and secrets that a service cannot do
// without: the deploy tool does not send those that it has not been given.
var keptInSinks = []string{"stagedoorBaseUrl", "stagedoorSigningSecret", "segmentWriteKey", "mixpanelServiceAccountPassword", "datadogApiKey", "splunkToken"}

// veiledSecret stands for a secret that is not shown; sent back it changes nothing.
const veiledSecret = "********"

type logFilterIn struct {
	Type string `json:"type" schema:"required,enum=category" doc:"Filter type. Currently category is the only valid type"`
	Name string `json:"name" schema:"required,enum=auth.ancillary.fail|auth.ancillary.success|auth.login.fail|auth.login.notification|auth.login.success|auth.logout.fail|auth.logout.success|auth.signup.fail|auth.signup.success|auth.silent_auth.fail|auth.silent_auth.success|auth.token_exchange.fail|auth.token_exchange.success|management.fail|management.success|scim.event|system.notification|user.fail|user.notification|user.success|actions|other" doc:"Category group name"`
}

type piiConfigIn struct {
	LogFields []string `json:"log_fields" schema:"required,min=1,unique,enum=first_name|last_name|username|email|phone|address" doc:"The fields to hide"`
	Method    string   `json:"method" schema:"enum=mask|hash" doc:"How they are hidden"`
	Algorithm string   `json:"algorithm" schema:"enum=xxhash" doc:"The algorithm of method hash"`
}

type createLogStreamIn struct {
	Name       string          `json:"name" schema:"min=1,max=255" doc:"log stream name"`
	Type       string          `json:"type" schema:"required,enum=http|eventbridge|eventgrid|datadog|splunk|sumo|segment|mixpanel" doc:"Type of log stream"`
	Sink       json.RawMessage `json:"sink" schema:"required" doc:"Where the events go"`
	IsPriority web.Opt[bool]   `json:"isPriority" doc:"True for priority log streams, false for non-priority"`
	Filters    []logFilterIn   `json:"filters" doc:"Only logs events matching these filters will be delivered by the stream"`
	PII        *piiConfigIn    `json:"pii_config" doc:"What of people's data is hidden"`
	StartFrom  string          `json:"startFrom" schema:"min=1" doc:"The optional datetime (ISO 8601) to start streaming logs from"`
}

type updateLogStreamIn struct {
	_          struct{}               `schema:"min=1"`
	Name       web.Opt[string]        `json:"name" schema:"notnull,min=1,max=255" doc:"log stream name"`
	Status     string                 `json:"status" schema:"enum=active|paused|suspended" doc:"The status of the log stream"`
	Sink       json.RawMessage        `json:"sink" doc:"Where the events go"`
	IsPriority web.Opt[bool]          `json:"isPriority" doc:"True for priority log streams, false for non-priority"`
	Filters    web.Opt[[]logFilterIn] `json:"filters" doc:"Only logs events matching these filters will be delivered by the stream"`
	PII        web.Opt[piiConfigIn]   `json:"pii_config" doc:"What of people's data is hidden"`
	StartFrom  string                 `json:"startFrom" schema:"min=1" doc:"Replays from this datetime (ISO 8601) on"`
}

// showLogStream returns a stream as the wire has it: secrets that the sink's type hides are veiled, and a stream to which nothing can be sent is not active.
func showLogStream(l *stagedoor.LogStream) (any, error) {
	sink := map[string]any{}
	if err := json.Unmarshal([]byte(l.Sink), &sink); err != nil {
		return nil, err
	}
	if _, set := sink["mixpanelServiceAccountPassword"]; set {
		sink["mixpanelServiceAccountPassword"] = veiledSecret
	}
	delete(sink, "stagedoorSigningSecret")
	status := l.Status
	if status == stagedoor.StreamActive && !logstream.Delivers(l.Type) {
		status = stagedoor.StreamSuspended
	}
	out := map[string]any{"id": l.ID, "name": l.Name, "type": l.Type, "status": status, "sink": sink, "isPriority": l.IsPriority}
	if l.Filters != nil {
		out["filters"] = l.Filters
	}
	if l.PII != nil {
		out["pii_config"] = l.PII
	}
	return out, nil
}

// listLogStreams answers all of them, unless a page is asked for.
func (a *API) listLogStreams(c *call, in web.Paging) (any, error) {
	all, err := store.LogStreams.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	total := len(all)
	if in.PerPage.Set || in.Page > 0 {
		all = web.Cut(in, all)
	}
	shown := make([]any, len(all))
	for i := range all {
		if shown[i], err = showLogStream(&all[i]); err != nil {
			return nil, err
		}
	}
	return web.Envelope(in, "log_streams", shown, total), nil
}

func (a *API) readLogStream(c *call) (any, error) {
	l, err := store.LogStreams.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, err
	}
	return showLogStream(l)
}

func (a *API) createLogStream(c *call, in createLogStreamIn) (any, error) {
	l := &stagedoor.LogStream{Name: in.Name, Type: in.Type, Status: stagedoor.StreamActive, IsPriority: in.IsPriority.Value, Filters: filters(in.Filters), PII: in.PII.config()}
	if l.Name == "" {
		l.Name = in.Type
	}
	var err error
	if l.Sink, err = checkSink(in.Type, in.Sink, ""); err != nil {
		return nil, err
	}
	if l.After, err = startFrom(in.StartFrom, a.Clock.Now()); err != nil {
		return nil, err
	}
	if err := store.LogStreams.Create(c.ctx(), c.store, l); err != nil {
		return nil, err
	}
	return showLogStream(l)
}

func (a *API) updateLogStream(c *call, in updateLogStreamIn) (any, error) {
	l, err := store.LogStreams.Update(c.ctx(), c.store, c.id(), func(l *stagedoor.LogStream) (err error) {
		in.Name.Into(&l.Name)
		in.IsPriority.Into(&l.IsPriority)
		if in.Status != "" {
			l.Status = in.Status
		}
		if in.Filters.Set {
			l.Filters = filters(in.Filters.Value)
		}
		if in.PII.Set {
			l.PII = nil
			if !in.PII.Null {
				l.PII = in.PII.Value.config()
			}
		}
		if in.StartFrom != "" {
			if l.After, err = startFrom(in.StartFrom, a.Clock.Now()); err != nil {
				return err
			}
		}
		if in.Sink != nil {
			l.Sink, err = checkSink(l.Type, in.Sink, l.Sink)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if in.StartFrom != "" || in.Status == stagedoor.StreamActive {
		if err := a.restart(c, l, in.StartFrom != ""); err != nil {
			return nil, err
		}
	}
	return showLogStream(l)
}

// restart makes a stream try at once, from its beginning if it is to replay.
func (a *API) restart(c *call, l *stagedoor.LogStream, replay bool) error {
	if replay {
		return c.store.ForgetLogCursor(c.ctx(), l.ID)
	}
	at, err := c.store.LogCursor(c.ctx(), l)
	if err != nil || at.Failures == 0 {
		return err
	}
	return c.store.SaveLogCursor(c.ctx(), l.ID, store.LogCursor{After: at.After, DueAt: a.Clock.Now()})
}

func (a *API) deleteLogStream(c *call) (any, error) {
	return nil, c.store.DeleteLogStream(c.ctx(), c.id())
}

func filters(in []logFilterIn) []stagedoor.LogFilter {
	var out []stagedoor.LogFilter
	for _, f := range in {
		out = append(out, stagedoor.LogFilter{Type: f.Type, Name: f.Name})
	}
	return out
}

func (in *piiConfigIn) config() *stagedoor.PIIConfig {
	if in == nil {
		return nil
	}
	p := &stagedoor.PIIConfig{LogFields: in.LogFields, Method: in.Method, Algorithm: in.Algorithm}
	if p.Method == "" {
		p.Method = "hash"
	}
	if p.Algorithm == "" {
		p.Algorithm = "xxhash"
	}
	return p
}

// startFrom is the log id that a stream begins behind.
func startFrom(text string, now time.Time) (string, error) {
	if text == "" {
		return stagedoor.LogIDAt(now), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", badProperty("startFrom", "Object didn't pass validation for format date-time: "+bounded(text, 100))
	}
	return stagedoor.LogIDAt(t), nil
}

var (
	headerName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
	headerValue = regexp.MustCompile(`^[\x20-\x7e\t]{0,1000}$`)
)

// checkSink returns the sink to keep: in, with what it leaves veiled taken from old.
func checkSink(kind string, in json.RawMessage, old string) (string, error) {
	if web.TypeOf(in) != "object" {
		return "", web.WrongType("sink", "object", in).Body()
	}
	var members, before map[string]json.RawMessage
	if err := json.Unmarshal(in, &members); err != nil {
		return "", err
	}
	if old != "" {
		if err := json.Unmarshal([]byte(old), &before); err != nil {
			return "", err
		}
	}
	if err := checkMembers(kind, members, before); err != nil {
		return "", err
	}
	keepMembers(kind, members, before)
	k := sinks[kind]
	if old != "" && optionText(members, k.address) != optionText(before, k.address) {
		if err := sentAnew(in, kind); err != nil {
			return "", err
		}
	}
	if optionText(members, "stagedoorBaseUrl") == "" {
		delete(members, "stagedoorBaseUrl")
	}
	for _, name := range k.required {
		if members[name] == nil {
			return "", (&web.Violation{Path: "sink", Reason: "Missing required property: " + name}).Body()
		}
	}
	b, err := json.Marshal(members)
	if err != nil {
		return "", err
	}
	if kind == "http" {
		return string(b), checkHTTPSink(string(b))
	}
	if address, err := logstream.Address(kind, string(b)); k.address != "" && (err != nil || !isSecure(address)) {
		return "", badProperty("sink."+k.address, "Object didn't pass validation for format https-url: "+bounded(optionText(members, k.address), 100))
	}
	return string(b), nil
}

// checkMembers checks what a sink says, and takes what is veiled from before.
func checkMembers(kind string, members, before map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value := members[name]
		if strings.HasPrefix(name, "awsPartner") || strings.HasPrefix(name, "azurePartner") {
			delete(members, name) // told by the wire's side, and sent back by tools
			continue
		}
		wanted, known := sinks[kind].members[name]
		if !known {
			return web.Unknown("sink", name).Body()
		}
		if web.TypeOf(value) != wanted {
			return web.WrongType("sink."+name, wanted, value).Body()
		}
		if string(value) == `"`+veiledSecret+`"` && before[name] != nil {
			members[name] = before[name]
		} else if pattern := sinkValues[name]; pattern != nil && !pattern.MatchString(optionText(members, name)) {
			return badProperty("sink."+name, "String does not match pattern "+pattern.String()+": "+bounded(optionText(members, name), 100))
		}
	}
	return nil
}

// keepMembers takes from before what a sink may leave out.
func keepMembers(kind string, members, before map[string]json.RawMessage) {
	keep := func(name string) {
		if members[name] == nil && before[name] != nil {
			members[name] = before[name]
		}
	}
	for _, name := range keptInSinks {
		keep(name)
	}
	if kind == "http" && optionText(members, "httpEndpoint") == optionText(before, "httpEndpoint") {
		keep("httpAuthorization") // the deploy tool does not send it; another server does not get it
	}
}

// sentAnew refuses a sink that leaves out a secret, or has it veiled, which would go to another server from now on: secrets are not shown, and whoever may
// change a stream shall not get them that way.
func sentAnew(in json.RawMessage, kind string) error {
	var sent map[string]json.RawMessage
	if err := json.Unmarshal(in, &sent); err != nil {
		return err
	}
	for _, name := range []string{"segmentWriteKey", "mixpanelServiceAccountPassword", "datadogApiKey", "splunkToken"} {
		if _, has := sinks[kind].members[name]; has && (sent[name] == nil || optionText(sent, name) == veiledSecret) {
			return badProperty("sink."+name, "The secret must be sent again for another "+sinks[kind].address)
		}
	}
	return nil
}

// isSecure tells whether nobody on the way can read what is sent to an address: it is https, or this machine.
func isSecure(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && connection.IsLoopback(u.Hostname()))
}

func checkHTTPSink(sink string) error {
	s, err := (&stagedoor.LogStream{Sink: sink}).HTTPSink()
	if err != nil {
		return badProperty("sink.httpCustomHeaders", "Expected objects with the texts header and value")
	}
	switch {
	case !isSecure(s.Endpoint):
		return badProperty("sink.httpEndpoint", "Object didn't pass validation for format https-url: "+bounded(s.Endpoint, 100))
	case s.ContentFormat != "" && !slices.Contains([]string{"JSONARRAY", "JSONLINES", "JSONOBJECT"}, s.ContentFormat):
		return badProperty("sink.httpContentFormat", "No enum match for: "+bounded(s.ContentFormat, 100))
	case s.SigningSecret != "" && len(s.SigningSecret) < 32:
		return badProperty("sink.stagedoorSigningSecret", "String is too short ("+itoa(len(s.SigningSecret))+" chars), minimum 32")
	case !headerValue.MatchString(s.Authorization):
		return badProperty("sink.httpAuthorization", "A header is one line of ASCII")
	}
	for _, h := range s.CustomHeaders {
		if !headerName.MatchString(h.Header) || !headerValue.MatchString(h.Value) {
			return badProperty("sink.httpCustomHeaders", "Not a header: "+bounded(h.Header, 100))
		}
	}
	return nil
}
