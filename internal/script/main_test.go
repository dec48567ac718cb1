package script

import (
	"bytes"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// TestMain makes the test binary its own worker: the host starts it with one argument.
func TestMain(m *testing.M) {
	Serve()
	if len(os.Args) == 3 && os.Args[1] == dialArgument {
		dialMain(os.Args[2])
	}
	os.Exit(m.Run())
}

// dialArgument makes the test binary a worker that tries to connect to an address and says on stderr how it went.
const dialArgument = "script-dial"

func dialMain(address string) {
	if c, err := net.DialTimeout("tcp", address, 2*time.Second); err == nil {
		_ = c.Close()
		os.Stderr.WriteString("connected")
	} else {
		os.Stderr.WriteString("refused: " + err.Error())
	}
	os.Exit(0)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
