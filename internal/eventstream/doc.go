// Package eventstream delivers what happened to users and organizations to where tenants' event streams say: a webhook, or an action of the
// trigger event-stream.
//
// The store writes an event for each stream that wants it in the transaction of the change itself (store/event.go), so that none is lost and none tells of
// something that did not happen. A server takes events of a stream for a while ([store.Store.ClaimEvents]); when it dies in the meantime, another
// one takes them when that while is over, and the receiver may see an event twice. Receivers tell events apart by their id.
//
//	due ──claim──▶ try ──2xx──▶ gone (counted)
//	 ▲               ├─ no answer, 3xx, 5xx: again after 1, 2 and 4 seconds
//	 └──redeliver────┴─ 4xx, or four tries: failed, kept for 30 days
//
// A stream is disabled when 500 deliveries have failed one after the other, 5,000 are kept as failed, or 100,000 wait (behind.go). The package never changes a user.
package eventstream
