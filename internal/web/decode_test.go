package web

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

type sample struct {
	_       struct{}                `schema:"min=1"`
	Name    Opt[string]             `json:"name" schema:"min=1,max=5" doc:"The name"`
	Email   Opt[string]             `json:"email" schema:"notnull,format=email"`
	Kind    string                  `json:"kind" schema:"enum=a|b"`
	Count   Opt[int]                `json:"count" schema:"min=1,max=10"`
	Hours   Opt[float64]            `json:"hours"`
	On      bool                    `json:"on"`
	Tags    Opt[[]string]           `json:"tags" schema:"max=2,unique" pattern:"^[a-z]+$"`
	Meta    Opt[map[string]string]  `json:"meta" schema:"max=2"`
	Free    Opt[stagedoor.Metadata] `json:"free"`
	Nested  *nested                 `json:"nested"`
	Picture Opt[string]             `json:"picture" schema:"format=uri"`
	Any     json.RawMessage         `json:"any"`
}

type nested struct {
	ID   string                     `json:"id" schema:"required"`
	Rest map[string]json.RawMessage `schema:"rest"`
}

func TestDecodeRefusals(t *testing.T) {
	schema := NewSchema[sample]()
	payload := func(s string) string { return "Payload validation error: '" + s + "." }
	for body, want := range map[string]string{
		``:                                "Invalid request payload JSON format",
		`{"user_metadata":{"a":"b"}`:      "Invalid request payload JSON format",
		`{"on":true} x`:                   "Invalid request payload JSON format",
		`{"on":true}{}`:                   "Invalid request payload JSON format",
		"{\"name\":\"\xff\"}":             "Invalid request payload JSON format",
		"{\"name\":\"a\nb\"}":             "Invalid request payload JSON format",
		`{"name":"\ud800"}`:               payload(`Texts must be valid Unicode'`),
		`{"name":"\udc00\ud800"}`:         payload(`Texts must be valid Unicode'`),
		`{"name":"\u0000"}`:               payload(`Texts must not contain a NUL character' on property name`),
		`{"free":{"x":{"a\u0000":1}}}`:    payload(`Texts must not contain a NUL character' on property free.x`),
		`{"on":true,"on":false}`:          payload(`Duplicate property: on'`),
		`{"free":{"x":1,"x":2}}`:          payload(`Duplicate property: x' on property free`),
		`{"free":[{"x":1,"x":2}]}`:        payload(`Duplicate property: x' on property free[0]`),
		`{"free":{"x":1e999}}`:            payload(`Number out of range' on property free.x`),
		`[]`:                              payload(`Expected type object but found type array'`),
		`null`:                            payload(`Expected type object but found type null'`),
		`{}`:                              payload(`Too few properties defined (0), minimum 1'`),
		`{"zz":1,"on":true,"aa":2}`:       payload(`Additional properties not allowed: zz,aa'`),
		`{"NAME":"x"}`:                    payload(`Additional properties not allowed: NAME'`),
		`{"name":1}`:                      payload(`Expected type string but found type integer' on property name (The name)`),
		`{"name":1.5}`:                    payload(`Expected type string but found type number' on property name (The name)`),
		`{"name":"abcdef"}`:               payload(`String is too long (6 chars), maximum 5' on property name (The name)`),
		`{"name":""}`:                     payload(`String is too short (0 chars), minimum 1' on property name (The name)`),
		`{"email":"x"}`:                   payload(`Object didn't pass validation for format email: x' on property email`),
		`{"email":null}`:                  payload(`Expected type string but found type null' on property email`),
		`{"kind":"c"}`:                    payload(`No enum match for: c' on property kind`),
		`{"count":11}`:                    payload(`Value 11 is greater than maximum 10' on property count`),
		`{"count":0}`:                     payload(`Value 0 is less than minimum 1' on property count`),
		`{"count":1.5}`:                   payload(`Expected type integer but found type number' on property count`),
		`{"on":"true"}`:                   payload(`Expected type boolean but found type string' on property on`),
		`{"on":null}`:                     payload(`Expected type boolean but found type null' on property on`),
		`{"tags":["a","b","c"]}`:          payload(`Array is too long (3), maximum 2' on property tags`),
		`{"tags":["a","a"]}`:              payload(`Array items are not unique (indexes 0 and 1)' on property tags`),
		`{"tags":["a",1]}`:                payload(`Expected type string but found type integer' on property tags[1]`),
		`{"tags":["A"]}`:                  payload(`String does not match pattern ^[a-z]+$: A' on property tags[0]`),
		`{"meta":{"a":1}}`:                payload(`Expected type string but found type integer' on property meta.a`),
		`{"meta":{"a":"","b":"","c":""}}`: payload(`Too many properties defined (3), maximum 2' on property meta`),
		`{"free":[]}`:                     payload(`Expected type object but found type array' on property free`),
		`{"nested":{}}`:                   payload(`Missing required property: id' on property nested`),
		`{"nested":{"id":{}}}`:            payload(`Expected type string but found type object' on property nested.id`),
		`{"picture":""}`:                  payload(`Object didn't pass validation for format uri: ' on property picture`),
		`{"free":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`: payload(`Nested too deeply, maximum 64 levels'`),
	} {
		_, err := schema.Decode([]byte(body))
		if !stagedoor.IsKind(err, stagedoor.Invalid) || stagedoor.AsError(err).Message != want {
			t.Errorf("%s\n got %v\nwant %s", body, err, want)
		}
	}
}

func TestDecodeValues(t *testing.T) {
	got, err := NewSchema[sample]().Decode([]byte(`{"name":null,"count":1e1,"hours":2,"on":true,"tags":[],"meta":{"k":"v"},` +
		`"free":{"n": 1.50,"deep":{"x" : [null,"\ud83d\ude00"]}},"nested":{"id":"i","more":[1]},"any":null}`))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case !got.Name.Set || !got.Name.Null || got.Name.Has():
		t.Errorf("name: %+v", got.Name)
	case got.Email.Set:
		t.Errorf("email: %+v", got.Email)
	case got.Count.Value != 10 || got.Hours.Value != 2 || !got.On:
		t.Errorf("scalars: %+v", got)
	case got.Tags.Value == nil || len(got.Tags.Value) != 0:
		t.Errorf("tags: %+v", got.Tags)
	case string(got.Free.Value["n"]) != "1.50" || string(got.Free.Value["deep"]) != `{"x" : [null,"\ud83d\ude00"]}`:
		t.Errorf("free values must be kept byte for byte: %s", got.Free.Value)
	case got.Nested.ID != "i" || string(got.Nested.Rest["more"]) != "[1]":
		t.Errorf("nested: %+v", got.Nested)
	case string(got.Any) != "null":
		t.Errorf("any: %s", got.Any)
	}
}

type listQuery struct {
	Paging
	Checkpoint
	Fields
	Strategy []string  `json:"strategy"`
	Name     string    `json:"name"`
	Enabled  Opt[bool] `json:"enabled" schema:"notnull"`
	User     string    `json:"user_id" schema:"required"`
}

func TestListsWithBrackets(t *testing.T) {
	schema := NewSchema[listQuery]()
	for query, want := range map[string]string{
		"user_id=a&strategy[]=x&strategy[]=y":                      "x y",
		"user_id=a&strategy%5B10%5D=z&strategy[1]=y&strategy[0]=x": "x y z",
		"user_id=a&strategy=w&strategy[0]=x&strategy[]=v":          "w x v",
		"user_id=a&strategy[0]=x&strategy[99999999999999999999]=y": "",
		"user_id=a&strategy[-1]=x":                                 "",
		"user_id=a&strategy[x]=x":                                  "",
		"user_id=a&strategy[0][1]=x":                               "",
		"user_id=a&name[0]=x":                                      "",
		"user_id=a&nothing[0]=x":                                   "",
		"user_id=a&strategy[0=x":                                   "",
	} {
		got, err := schema.Query(query)
		if (err != nil) != (want == "") || want != "" && strings.Join(got.Strategy, " ") != want {
			t.Errorf("%s: %q %v", query, got.Strategy, err)
		}
	}
}

func TestQuery(t *testing.T) {
	schema := NewSchema[listQuery]()
	for query, want := range map[string]string{
		"user_id=a&zz=1&aa=2":          "Query validation error: 'Additional properties not allowed: zz,aa'.",
		"page=1":                       "Query validation error: 'Missing required property: user_id'.",
		"user_id=a&name=x&name=y":      "Query validation error: 'Expected type string but found type array' on property name.",
		"user_id=a&page=-1":            "Query validation error: 'Value -1 is less than minimum 0' on property page (Page index of the results to return. First page is 0).",
		"user_id=a&page=x":             "Query validation error: 'Expected type integer but found type string' on property page (Page index of the results to return. First page is 0).",
		"user_id=a&per_page=101":       "Query validation error: 'Value 101 is greater than maximum 100' on property per_page (Number of results per page).",
		"user_id=a&enabled=1":          "Query validation error: 'Expected type boolean but found type string' on property enabled.",
		"user_id=a%00":                 "Query validation error: 'Texts must be valid Unicode without NUL characters' on property user_id.",
		"user_id=%ff":                  "Query validation error: 'Texts must be valid Unicode without NUL characters' on property user_id.",
		"user_id=%zz":                  "Query validation error: 'Not a query string'.",
		"user_id=a&page=9999999999999": "Query validation error: 'Value 9999999999999 is greater than maximum 10000000' on property page (Page index of the results to return. First page is 0).",
	} {
		_, err := schema.Query(query)
		if !stagedoor.HasCode(err, "invalid_query_string") || stagedoor.AsError(err).Message != want {
			t.Errorf("%s\n got %v\nwant %s", query, err, want)
		}
	}
	got, err := schema.Query("user_id=a+b%2B&page=2&per_page=10&include_totals=true&strategy=x&strategy=y&fields=a,b&include_fields=false&enabled=false&take=3")
	if err != nil {
		t.Fatal(err)
	}
	if got.User != "a b+" || got.Start() != 20 || !got.IncludeTotals || len(got.Strategy) != 2 || len(got.Names) != 2 ||
		got.Include.Or(true) || !got.Enabled.Has() || got.Enabled.Value || !got.Asked() {
		t.Errorf("got %+v", got)
	}
}

func FuzzDecode(f *testing.F) {
	schema := NewSchema[sample]()
	for _, seed := range []string{`{}`, `{"name":"x","free":{"a":[1,{"b":null}]}}`, `{"name":"\ud83d\ude00"}`, `{"a":1,"a":2}`, `[[[`, "\"\\u"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := schema.Decode(data)
		if err != nil {
			if !stagedoor.IsKind(err, stagedoor.Invalid) {
				t.Fatalf("%q: %v is not Invalid", data, err)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q: accepted what is not JSON", data)
		}
		var plain struct {
			Name  *string                    `json:"name"`
			Count *json.Number               `json:"count"`
			Free  map[string]json.RawMessage `json:"free"`
		}
		if err := json.Unmarshal(data, &plain); err != nil {
			t.Fatalf("%q: encoding/json refuses it: %v", data, err)
		}
		if plain.Name != nil && *plain.Name != got.Name.Value || len(plain.Free) != len(got.Free.Value) {
			t.Fatalf("%q: read as %+v", data, got)
		}
	})
}

func FuzzQuery(f *testing.F) {
	schema := NewSchema[listQuery]()
	f.Add("user_id=a&page=1&strategy=x&fields=a,b")
	f.Fuzz(func(t *testing.T, query string) {
		if got, err := schema.Query(query); err != nil && !stagedoor.HasCode(err, "invalid_query_string") {
			t.Fatalf("%q: %v", query, err)
		} else if err == nil && (got.Size() > 100 || got.Start() < 0) {
			t.Fatalf("%q: %+v", query, got)
		}
	})
}
