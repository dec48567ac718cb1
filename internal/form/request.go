package form

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds of requests that flows make.
const (
	maxAnswer   = 256 << 10 // bytes that are read of an answer
	requestTime = 10 * time.Second
)

// call is a request that a flow makes.
type call struct {
	method, address string
	query           map[string]any
	header          map[string]any
	kind            string // of the body
	body            any
}

// do sends a call. A status of 400 and above is a failure, with the answer as its result.
func (r *running) do(ctx context.Context, c call) (map[string]any, error) {
	if r.walk.Powers.HTTP == nil {
		return nil, failed("no requests can be made here")
	}
	u, err := url.Parse(c.address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, failed("the address is none of http or https")
	}
	q := u.Query()
	for name, v := range c.query {
		if v != nil {
			q.Set(name, Text(v))
		}
	}
	u.RawQuery = q.Encode()
	method := strings.ToUpper(c.method)
	if method == "" {
		method = http.MethodGet
	}
	if !slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, method) {
		return nil, failed("the method is none of GET, POST, PUT, PATCH and DELETE")
	}
	body, kind := encode(c.kind, c.body)
	if method == "GET" || c.body == nil {
		body, kind = nil, ""
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, failed("the request cannot be made")
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("User-Agent", "Stagedoor")
	for name, v := range c.header {
		if v != nil && !strings.ContainsAny(name+Text(v), "\r\n") && !strings.EqualFold(name, "Host") {
			req.Header.Set(name, Text(v))
		}
	}
	client := *r.walk.Powers.HTTP
	client.CheckRedirect = stayThere
	res, err := client.Do(req)
	if err != nil {
		return nil, failed("there was no answer") // the error names the address, which may hold secrets
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil || len(raw) > maxAnswer {
		return nil, failed("the answer was too long, or broke off")
	}
	header := map[string]any{}
	for name, values := range res.Header {
		header[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	var content any = string(raw)
	if strings.Contains(res.Header.Get("Content-Type"), "json") && json.Unmarshal(raw, &content) != nil {
		content = string(raw)
	}
	out := map[string]any{"status": float64(res.StatusCode), "headers": header, "body": content, "success": res.StatusCode < 400}
	if res.StatusCode >= 400 {
		return nil, &failure{why: fmt.Sprintf("the answer was %d", res.StatusCode), result: out}
	}
	return out, nil
}

// stayThere follows redirects within one origin: keys in headers and bodies are meant for nobody else.
func stayThere(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	if len(via) > 5 || next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// encode makes a body of a kind: JSON, FORM or XML, or a media type. A text is sent as it is.
func encode(kind string, v any) ([]byte, string) {
	media := kind
	switch strings.ToUpper(kind) {
	case "", "JSON":
		media = "application/json"
	case "FORM":
		media = "application/x-www-form-urlencoded"
	case "XML":
		media = "application/xml"
	}
	if text, is := v.(string); is {
		return []byte(text), media
	}
	if fields, is := v.(map[string]any); is && media == "application/x-www-form-urlencoded" {
		q := url.Values{}
		for name, one := range fields {
			q.Set(name, Text(one))
		}
		return []byte(q.Encode()), media
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, ""
	}
	return b, media
}

// vault reads what an action connects to; nil if it names nothing.
func (r *running) vault(ctx context.Context, params map[string]any) (*Vault, error) {
	id := word(params, "connection_id")
	if id == "" {
		return nil, nil
	}
	if r.walk.Powers.Vault == nil {
		return nil, failed("there are no connections here")
	}
	v, err := r.walk.Powers.Vault(ctx, id)
	if err != nil {
		return nil, failed("its connection is not there")
	}
	return v, nil
}

// sendRequest is HTTP SEND_REQUEST.
func sendRequest(ctx context.Context, r *running, params map[string]any) (any, error) {
	c := call{
		method: word(params, "method"), address: word(params, "url"), query: maps.Clone(nonNil(asMap(params["params"]))), header: maps.Clone(nonNil(asMap(params["headers"]))),
		kind: word(params, "content_type"), body: params["payload"],
	}
	if basic := asMap(params["basic"]); basic != nil {
		c.header["Authorization"] = basicAuth(Text(basic["username"]), Text(basic["password"]))
	}
	v, err := r.vault(ctx, params)
	if err != nil {
		return nil, err
	}
	if v != nil {
		switch kind := strings.ToUpper(Text(v.Setup["type"])); kind {
		case "BEARER":
			c.header["Authorization"] = "Bearer " + Text(v.Setup["token"])
		case "BASIC_AUTH":
			c.header["Authorization"] = basicAuth(Text(v.Setup["username"]), Text(v.Setup["password"]))
		case "API_KEY":
			if strings.EqualFold(Text(v.Setup["in"]), "QUERY") {
				c.query[Text(v.Setup["name"])] = Text(v.Setup["value"])
			} else {
				c.header[Text(v.Setup["name"])] = Text(v.Setup["value"])
			}
		case "OAUTH_CLIENT_CREDENTIALS":
			form := map[string]any{"grant_type": "client_credentials", "client_id": Text(v.Setup["client_id"]), "client_secret": Text(v.Setup["client_secret"])}
			for _, name := range []string{"audience", "resource", "scope"} {
				if text := Text(v.Setup[name]); text != "" {
					form[name] = text
				}
			}
			token, err := r.token(ctx, word(params, "connection_id"), Text(v.Setup["token_endpoint"]), "FORM", form)
			if err != nil {
				return nil, err
			}
			c.header["Authorization"] = "Bearer " + token
		default:
			return nil, errorf("A connection of the type %q is not supported by this server for HTTP requests.", kind)
		}
	}
	return r.do(ctx, c)
}

func basicAuth(user, password string) string {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(user, password)
	return req.Header.Get("Authorization")
}

// token gets a token by client credentials, once for each connection of a run.
func (r *running) token(ctx context.Context, connection, endpoint, kind string, body any) (string, error) {
	if t := r.tokens[connection]; t != "" {
		return t, nil
	}
	out, err := r.do(ctx, call{method: "POST", address: endpoint, kind: kind, body: body})
	if err != nil {
		return "", failed("its connection gave no token")
	}
	t := Text(asMap(out["body"])["access_token"])
	if t == "" {
		return "", failed("its connection gave no token")
	}
	r.tokens[connection] = t
	return t, nil
}

// manage makes a request of the Management API, by the client of the connection: what it may do depends on that client's grant.
func (r *running) manage(ctx context.Context, params map[string]any, method, path string, body any) (map[string]any, error) {
	v, err := r.vault(ctx, params)
	if err != nil {
		return nil, err
	}
	if v == nil || Text(v.Setup["client_id"]) == "" || Text(v.Setup["domain"]) == "" {
		return nil, failed("its connection names no client and no domain")
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return nil, failed("the path does not begin with one slash")
	}
	base := "https://" + strings.TrimSuffix(strings.TrimPrefix(Text(v.Setup["domain"]), "https://"), "/")
	audience := Text(v.Setup["audience"])
	if audience == "" {
		audience = base + "/api/v2/"
	}
	token, err := r.token(ctx, word(params, "connection_id"), base+"/oauth/token", "JSON", map[string]any{
		"grant_type": "client_credentials", "client_id": Text(v.Setup["client_id"]), "client_secret": Text(v.Setup["client_secret"]), "audience": audience,
	})
	if err != nil {
		return nil, err
	}
	header := maps.Clone(nonNil(asMap(params["headers"])))
	header["Authorization"] = "Bearer " + token
	return r.do(ctx, call{method: method, address: base + path, query: asMap(params["params"]), header: header, body: body})
}

// managed is manage for what answers with an object: that is the result.
func (r *running) managed(ctx context.Context, params map[string]any, method, path string, body any) (any, error) {
	if path == "" {
		return nil, failed("it names no user")
	}
	out, err := r.manage(ctx, params, method, path, body)
	if err != nil {
		return nil, err
	}
	return out["body"], nil
}

func userPath(params map[string]any) string {
	return "/api/v2/users/" + url.PathEscape(word(params, "user_id"))
}
