package guard

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The buckets of a person for what flows do, in all their logins together.
const (
	BucketFlowCode    = "flow-code"
	BucketFlowMessage = "flow-message"
)

// flowCodes is how many wrong one-time codes of flows a person may give: ten, and one more every six minutes, as for a second factor
// (Authentication API fact sheet 4.6). flowMessages is how many mails, texts and calls flows send for a person: twenty, and one more every three
// minutes, since a login may take a few.
var (
	flowCodes    = stagedoor.Throttle{MaxAttempts: 10, Rate: 6 * 60 * 1000}
	flowMessages = stagedoor.Throttle{MaxAttempts: 20, Rate: 3 * 60 * 1000}
)

// TryFlowCode counts a code of a flow before it is looked at; false: the person has given too many wrong ones.
func TryFlowCode(ctx context.Context, st *store.Store, userID string) (bool, error) {
	return st.TakeAttempt(ctx, BucketFlowCode, userID, flowCodes)
}

// RightFlowCode takes a code that was right back out of the count.
func RightFlowCode(ctx context.Context, st *store.Store, userID string) error {
	return st.ReturnAttempt(ctx, BucketFlowCode, userID, flowCodes)
}

// FlowMessage refuses a message of a flow for a person for whom too many were sent, and counts the others.
func FlowMessage(ctx context.Context, st *store.Store, userID string) error {
	room, err := st.TakeAttempt(ctx, BucketFlowMessage, userID, flowMessages)
	if err == nil && !room {
		err = stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many messages were sent. Please wait a few minutes and try again.")
	}
	return err
}
