package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxUnread bounds what is read of an answer that nobody looks at, in bytes.
const maxUnread = 64 << 10

// Send sends a request whose answer is its status alone, such as that of a webhook, within a time. The rest of the answer is read away, so that
// the connection can be used again. A redirect is not followed: it would lose the body, or take it and what it is authorized by to somebody
// else. Errors say nothing of the address, which may hold a key.
func Send(client *http.Client, r *http.Request, within time.Duration) (status int, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	direct := *client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := direct.Do(r.WithContext(ctx))
	if err != nil {
		return 0, Bare(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxUnread))
	return answer.StatusCode, nil
}

// Bare is the error of a client without the address, which may hold what nobody else should know.
func Bare(err error) error {
	var told *url.Error
	if errors.As(err, &told) {
		return told.Err
	}
	return err
}
