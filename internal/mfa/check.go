package mfa

import (
	"context"
	"fmt"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The buckets of a person.
const (
	bucketOTP      = "mfa-otp"
	bucketRecovery = "mfa-recovery"
)

// limit is how many wrong codes a person may give: ten, and one more every six minutes (Authentication API fact sheet 4.6).
var limit = stagedoor.Throttle{MaxAttempts: 10, Rate: 6 * 60 * 1000}

// take takes one attempt out of a person's bucket before a code is looked at.
func take(ctx context.Context, st *store.Store, userID, bucket string) error {
	return takeWithin(ctx, st, userID, bucket, limit)
}

// shortest is how few digits codes that are sent have.
const shortest = 4

// bucketSent is where tries of codes that were sent are counted, and how many there may be. Those of codes with less than six digits, which are guessed the sooner, are
// counted for themselves: after ten wrong ones the next may be tried as much later as there are fewer codes.
func bucketSent(digits int) (bucket string, t stagedoor.Throttle) {
	bucket, t = bucketOOB, limit
	if digits < CodeDigits {
		bucket = fmt.Sprintf("%s-%d", bucketOOB, digits)
	}
	for ; digits < CodeDigits; digits++ {
		t.Rate *= 10
	}
	return bucket, t
}

func takeSent(ctx context.Context, st *store.Store, userID string, digits int) error {
	bucket, t := bucketSent(digits)
	return takeWithin(ctx, st, userID, bucket, t)
}

func takeWithin(ctx context.Context, st *store.Store, userID, bucket string, t stagedoor.Throttle) error {
	room, err := st.TakeAttempt(ctx, bucket, userID, t)
	if err == nil && !room {
		err = stagedoor.Errorf(stagedoor.TooMany, "too_many_attempts", "Too many wrong codes. Please wait a few minutes and try again.")
	}
	return err
}

func empty(ctx context.Context, st *store.Store, userID string) error {
	if err := st.Empty(ctx, bucketOTP, userID); err != nil {
		return err
	}
	for digits := shortest; digits <= CodeDigits; digits++ {
		bucket, _ := bucketSent(digits)
		if err := st.Empty(ctx, bucket, userID); err != nil {
			return err
		}
	}
	return st.Empty(ctx, bucketRecovery, userID)
}

func errOTP() error { return stagedoor.Errorf(stagedoor.Forbidden, "invalid_otp", "Invalid otp_code.") }

func errRecovery() error {
	return stagedoor.Errorf(stagedoor.Forbidden, "invalid_recovery_code", "MFA Authorization rejected.")
}

// Check takes a code of one of a person's apps. A wrong one, and one that was taken before, is invalid_otp.
func Check(ctx context.Context, st *store.Store, userID, code string) error {
	if err := take(ctx, st, userID, bucketOTP); err != nil {
		return err
	}
	all, err := st.Factors(ctx, userID)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Type != store.TypeTOTP {
			continue
		}
		at := step(m.Secret, Digits(code), st.Clock().Now())
		if at == 0 {
			continue
		}
		err := st.UseFactor(ctx, userID, m.ID, at)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		return empty(ctx, st, userID)
	}
	return errOTP()
}

// Recover takes a person's recovery code, which is used up, and returns the one that takes its place. A wrong one is invalid_recovery_code.
func Recover(ctx context.Context, st *store.Store, userID, code string) (next string, err error) {
	if err := take(ctx, st, userID, bucketRecovery); err != nil {
		return "", err
	}
	next = stagedoor.NewRecoveryCode()
	err = st.ReplaceRecoveryCode(ctx, userID, strings.ToUpper(Digits(code)), next)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return "", errRecovery()
	}
	if err != nil {
		return "", err
	}
	return next, empty(ctx, st, userID)
}

// IsWrong tells whether an error means that the code, or the key, was wrong.
func IsWrong(err error) bool {
	return stagedoor.HasCode(err, "invalid_otp") || stagedoor.HasCode(err, "invalid_recovery_code") || stagedoor.HasCode(err, "invalid_key") || stagedoor.HasCode(err, "invalid_oob")
}
