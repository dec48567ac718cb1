// Package logstream delivers tenants' log events to where their log streams say (Management API fact sheet 3.14).
//
// Each stream has a cursor in the database: the last event that was delivered. A server that finds events behind it claims the
// stream, sends a batch, and moves the cursor when the receiver took it with a 2xx status. So every event is delivered at least
// once, in order, through restarts and with many servers; a receiver knows a repetition by its log_id.
//
// Each type of stream is a [receiver] in a file of its own: how an event looks there, the request that brings a batch, and how large one may be. An
// event that is too large for its receiver comes without its details, which say that they were truncated.
//
// What fails is tried again after 1, 2, 4 … seconds, at most 5 minutes. After seven days without success the stream is suspended; setting
// its status to active tries again from where it stopped. Setting startFrom replays from that time on.
//
// Requests of a webhook with a stagedoorSigningSecret carry
//
//	Stagedoor-Signature: t=UNIX-SECONDS,v1=HEX
//
// where HEX is the HMAC-SHA256, keyed with the secret, of the seconds, a full stop and the body. A receiver that checks it, and that the
// time is near, knows that nobody else sent or repeats the request.
//
// Streams of the types eventbridge and eventgrid are kept as configuration and send nothing, see [Delivers].
package logstream
