package server

import (
	"log"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// refusals is how often operators are told that connections cannot be taken.
const refusals = 10 * time.Second

// quiet sends what net/http has to say, mostly broken handshakes, to the log's debug level, but for what keeps everybody out: that no connection
// can be taken, as where the process may open no more files.
func quiet(l *slog.Logger) *log.Logger { return log.New(&quietWriter{log: l}, "", 0) }

type quietWriter struct {
	log  *slog.Logger
	told atomic.Int64 // when, in nanoseconds
}

func (w *quietWriter) Write(line []byte) (int, error) {
	text := strings.TrimSuffix(string(line), "\n")
	reason, refused := strings.CutPrefix(text, "http: Accept error: ")
	now, told := time.Now().UnixNano(), w.told.Load()
	if refused && now-told > int64(refusals) && w.told.CompareAndSwap(told, now) {
		reason, _, _ = strings.Cut(reason, "; retrying in ")
		w.log.Error("connections cannot be taken", "error", reason)
		return len(line), nil
	}
	w.log.Debug(text)
	return len(line), nil
}
