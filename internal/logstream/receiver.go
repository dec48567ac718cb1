package logstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// A receiver takes the events of streams of one type. It is read from the stream's sink.
type receiver interface {
	limits() limits
	// shape is an event as the receiver wants it.
	shape(e entry) any
	// request is what asks the receiver to take events, which shape made and which are written as JSON.
	request(now time.Time, events []json.RawMessage) (*http.Request, error)
	// client is the one that reaches the receiver.
	client(usual *http.Client) *http.Client
	// took tells by the answer why events were not taken; nil if they were.
	took(status int, answer []byte) error
}

// limits are what a receiver takes at most, in bytes; 0 is any number. They leave room for what stands around the events.
type limits struct{ request, event int }

// receivers are the types of streams that are delivered to.
var receivers = map[string]func() receiver{
	"http":     func() receiver { return &webhook{} },
	"datadog":  func() receiver { return &datadog{} },
	"splunk":   func() receiver { return &splunk{} },
	"sumo":     func() receiver { return &sumo{} },
	"segment":  func() receiver { return &segment{} },
	"mixpanel": func() receiver { return &mixpanel{} },
}

// Delivers tells whether anything is sent to streams of a type. Nobody but the vendor can make a partner event source for eventbridge, or a
// partner topic for eventgrid.
func Delivers(kind string) bool { return receivers[kind] != nil }

// Address is where streams of a type with that sink send to; empty where nothing is sent.
func Address(kind, sink string) (string, error) {
	if !Delivers(kind) {
		return "", nil
	}
	to, err := receiverOf(kind, sink)
	if err != nil {
		return "", err
	}
	r, err := to.request(time.Time{}, nil)
	if err != nil {
		return "", err
	}
	return r.URL.String(), nil
}

func receiverOf(kind, sink string) (receiver, error) {
	to := receivers[kind]()
	if err := json.Unmarshal([]byte(sink), to); err != nil {
		return nil, errors.New("the sink cannot be read")
	}
	return to, nil
}

// plain is what most receivers have in common.
type plain struct{}

func (plain) limits() limits                         { return limits{} }
func (plain) shape(e entry) any                      { return e }
func (plain) client(usual *http.Client) *http.Client { return usual }
func (plain) took(status int, _ []byte) error        { return isTaken(status) }

// post is a request with a body of JSON.
func post(address string, body []byte) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(body)) //nolint:noctx // send gives it one
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// list writes events as an array.
func list(events []json.RawMessage) []byte {
	return append(append([]byte{'['}, bytes.Join(raw(events), []byte{','})...), ']')
}

// lines writes events one a line.
func lines(events []json.RawMessage) []byte {
	return append(bytes.Join(raw(events), []byte{'\n'}), '\n')
}

func raw(events []json.RawMessage) [][]byte {
	out := make([][]byte, len(events))
	for i, e := range events {
		out[i] = e
	}
	return out
}

// at is the service that a stream sends to: one of the operator's in place of the usual one, for a proxy, another region, or tests.
func at(own, usual string) string {
	if own != "" {
		return strings.TrimRight(own, "/")
	}
	return usual
}
