// Package telemetry is what a server tells its operators about itself: numbers for Prometheus and spans for OpenTelemetry.
//
//	Metric, families   one table of every number there is, with its labels and the values that these can take
//	Metrics            counts; a nil one counts nothing, so a room works without
//	Start              a span under the one of the context; free where nobody traces
//	Tracer             samples spans and brings them to a collector by OTLP over HTTP, as JSON
//
// Labels are bounded: a value that the table does not name is "other". Neither numbers nor spans ever carry what a person or a client sent:
// no path, no query, no body, no header, no name. Rooms of this floor are measured from outside, by functions and wrappers that the
// server gives them. Nothing else in the house imports Prometheus or OpenTelemetry.
package telemetry
