package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// Send sends a request whose answer is its status alone, such as that of a webhook, within a time. The rest of the answer is read away, so that
// the connection can be used again. A redirect is not followed: it would lose the body, or take it and what it is authorized by to somebody
// else. Errors say nothing of the address, which may hold a key.
func Send(client *http.Client, r *http.Request, within time.Duration) (status int, err error) {
	status, _, err = Ask(client, r, within)
	return status, err
}

// Ask is Send that also returns the first 64 KiB of the answer, or what came of it.
func Ask(client *http.Client, r *http.Request, within time.Duration) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	direct := *client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := direct.Do(r.WithContext(ctx))
	if err != nil {
		return 0, nil, Bare(err)
	}
	defer response.Body.Close()
	answer, _ = io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // the status counts, whatever becomes of the rest
	return response.StatusCode, answer, nil
}

// Bare is the error of a client without the address, which may hold what nobody else should know.
func Bare(err error) error {
	var told *url.Error
	if errors.As(err, &told) {
		return told.Err
	}
	return err
}
