package stagedoor

import (
	"encoding/json"
	"slices"
	"time"
)

// EventTypes are the events that streams can subscribe to (Management API objects 9).
var EventTypes = []string{
	"user.created", "user.updated", "user.deleted", "organization.created", "organization.updated", "organization.deleted",
	"organization.member.added", "organization.member.deleted", "organization.member.role.assigned", "organization.member.role.deleted",
	"organization.connection.added", "organization.connection.updated", "organization.connection.removed",
	"organization.group.role.assigned", "organization.group.role.deleted", "group.created", "group.updated", "group.deleted",
	"group.member.added", "group.member.deleted", "group.role.assigned", "group.role.deleted",
}

// EventStream tells something outside of changes of users and organizations as they happen.
type EventStream struct {
	ID            string `json:"-"`
	Name          string `json:"name"`
	Status        string `json:"status"` // enabled or disabled
	Subscriptions []struct {
		EventType string `json:"event_type"`
	} `json:"subscriptions"`
	Destination struct {
		Type          string             `json:"type"` // webhook, action or eventbridge
		Configuration EventConfiguration `json:"configuration"`
	} `json:"destination"`

	Feed bool `json:"-"` // it stands for those who read all events by the API
}

// EventFeed says that a tenant's events are kept to be read by the API.
type EventFeed struct {
	ID     string `json:"-"`
	Stream string `json:"stream"`  // what the events call the stream that they come by; another one after a time in which none were kept
	ReadAt int64  `json:"read_at"` // when it was last noted that somebody reads them, in milliseconds
}

// FeedEvent is an event as it is read by the API.
type FeedEvent struct {
	Place int64 // in the order in which a tenant's events are read
	Type  string
	Event json.RawMessage
}

// EventConfiguration is where a stream's events go.
type EventConfiguration struct {
	Endpoint      string              `json:"webhook_endpoint"`
	Authorization *EventAuthorization `json:"webhook_authorization"`
	ActionID      string              `json:"action_id"`
}

// EventAuthorization is how a webhook is told who sends.
type EventAuthorization struct {
	Method      string `json:"method"` // basic, bearer or custom_header
	Username    string `json:"username"`
	Password    string `json:"password"`
	Token       string `json:"token"`
	HeaderKey   string `json:"header_key"`
	HeaderValue string `json:"header_value"`
}

// EventStreamOf reads a stream from the document that it is kept as.
func EventStreamOf(d *Document) (*EventStream, error) {
	s := &EventStream{}
	err := json.Unmarshal([]byte(d.Sealed), s)
	s.ID = d.ID
	return s, err
}

// Enabled tells whether the stream delivers what happens.
func (s *EventStream) Enabled() bool { return s.Status != "disabled" }

// Wants tells whether the stream has subscribed to a type of events.
func (s *EventStream) Wants(kind string) bool {
	return s.Feed || slices.ContainsFunc(s.Subscriptions, func(one struct {
		EventType string `json:"event_type"`
	},
	) bool {
		return one.EventType == kind
	})
}

// CloudEvent is an event on its way (CloudEvents 1.0).
type CloudEvent struct {
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	SpecVersion string    `json:"specversion"`
	Type        string    `json:"type"`
	Time        string    `json:"time"`
	Data        EventData `json:"data"`
	Tenant      string    `json:"a0tenant"`
	Stream      string    `json:"a0stream"`
	Purpose     string    `json:"a0purpose,omitempty"` // test, of events that nothing has caused
}

// EventData is what an event says.
type EventData struct {
	Object   any          `json:"object"`
	Previous any          `json:"previous_object,omitempty"` // what it was before a change
	Context  EventContext `json:"context"`
}

// EventContext is where an event happened.
type EventContext struct {
	Tenant struct {
		ID string `json:"id"`
	} `json:"tenant"`
}

// The states of a delivery. One that succeeded is not kept.
const (
	EventPending = "pending"
	EventFailed  = "failed"
)

// EventDelivery is an event on its way to a stream's destination.
type EventDelivery struct {
	Stream    string
	ID        string // of the event
	Type      string
	Status    string
	Forced    bool // it goes out though the stream is disabled: somebody asked for it
	Event     json.RawMessage
	Attempts  []EventAttempt
	CreatedAt time.Time
}

// EventAttempt is a try that failed.
type EventAttempt struct {
	Status    string `json:"status"`
	Timestamp string `json:"timestamp"`
	Message   string `json:"error_message,omitempty"`
}

// EventCount is how many deliveries of a stream ended in an hour.
type EventCount struct {
	Hour              time.Time
	Delivered, Failed int
}
