package script

// EventStream runs when something happened that an event stream has subscribed to whose destination is an action; nobody waits for it. Throwing says that the
// event was not taken: it comes again (extensibility fact sheet 3.9).
var EventStream = &Trigger{
	ID: "event-stream", Handler: "onExecuteEventStream", Versions: versions("v1"), EntityBound: true, Runs: true,
}
