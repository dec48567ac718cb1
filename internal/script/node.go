package script

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor/internal/script/npm"
)

// Runtimes of a worker.
const (
	RuntimeAuto     = "auto"     // embedded, unless a script asks for a module that only Node.js has
	RuntimeEmbedded = "embedded" // the program's own
	RuntimeNode     = "node"     // Node.js
)

// nodeOldest is the oldest major version of Node.js that scripts run on.
const nodeOldest = 18

// Sizes of a Node.js worker: V8's heap in MiB, and threads that its own asynchronous work may use.
const (
	nodeHeap    = 192
	nodeThreads = 2
)

// node is a Node.js that can run scripts, or why there is none.
type node struct {
	path  string
	major int
	minor int
	err   error
}

// findNode looks for Node.js at a path, or on PATH when it is empty.
func findNode(path string) node {
	if path == "" {
		found, err := exec.LookPath("node")
		if err != nil {
			return node{err: errors.New("Node.js is not installed on this server")} //nolint:staticcheck // a name
		}
		path = found
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version") //nolint:gosec // the operator's choice
	cmd.Env = []string{}
	out, err := cmd.Output()
	if err != nil {
		return node{err: fmt.Errorf("Node.js at %s cannot be started: %w", path, err)} //nolint:staticcheck // a name
	}
	n := node{path: path}
	parts := strings.SplitN(strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), ".", 3)
	if len(parts) == 3 {
		n.major, _ = strconv.Atoi(parts[0])
		n.minor, _ = strconv.Atoi(parts[1])
	}
	if n.major < nodeOldest {
		n.err = fmt.Errorf("Node.js at %s is %q: version %d or later is needed", path, bytes.TrimSpace(out), nodeOldest) //nolint:staticcheck // a name
	}
	return n
}

// nodeArguments is what Node.js is started with. The main realm makes no code of strings and its intrinsics cannot be changed, so that
// whoever reached it through a gap of the bridge would find nothing to work with; files, addons and child processes are denied by Node.js
// itself where it can (its permission model), and by what the worker gives up before it starts. Modules of vm are wanted for one thing: that
// import() of a script is answered by the worker, with what require gives.
func (n node) arguments() []string {
	args := []string{
		n.path, "--max-old-space-size=" + strconv.Itoa(nodeHeap), "--v8-pool-size=1", "--frozen-intrinsics", "--disallow-code-generation-from-strings",
		"--experimental-vm-modules", "--no-addons", "--no-warnings", "--no-deprecation", "--unhandled-rejections=none", "--no-global-search-paths",
	}
	switch {
	case n.major > 23 || n.major == 23 && n.minor >= 5:
		args = append(args, "--permission")
	case n.major >= 20:
		args = append(args, "--experimental-permission")
	}
	text, err := sources.ReadFile("js/node/start.js")
	if err != nil {
		panic("script: " + err.Error()) // it is part of the program
	}
	return append(args, "--eval", string(text))
}

// execVariable tells a worker what to become once it has given up what no script needs.
const execVariable = "STAGEDOOR_SCRIPT_EXEC"

// command is how a worker of Node.js is started: by way of stub, a worker of the embedded kind that becomes it. Where a process cannot become
// another program it is started by itself.
func (n node) command(stub []string) (command, env []string, err error) {
	env = []string{"TZ=UTC", "UV_THREADPOOL_SIZE=" + strconv.Itoa(nodeThreads)}
	if !canExec {
		return n.arguments(), env, nil
	}
	argv, err := json.Marshal(n.arguments())
	if err != nil {
		return nil, nil, err
	}
	return stub, append(env, execVariable+"="+string(argv)), nil
}

// become turns this process into what execVariable says, if it says something.
func become() error {
	text := os.Getenv(execVariable)
	if text == "" {
		return nil
	}
	var argv []string
	if err := json.Unmarshal([]byte(text), &argv); err != nil || len(argv) == 0 {
		return fmt.Errorf("%s: not a command", execVariable)
	}
	var env []string
	for _, one := range os.Environ() {
		if !strings.HasPrefix(one, execVariable+"=") {
			env = append(env, one)
		}
	}
	return execute(argv, env)
}

// nodeArchive is all JavaScript that a Node.js worker may load, as its first input. It is a length of four bytes, big endian, and that much: the
// length of an index, the index as JSON (name: offset, size, whether it is gzip'd) and the files behind it.
var nodeArchive = sync.OnceValue(func() []byte {
	index := map[string][3]int{}
	var files []byte
	add := func(name string, text []byte, packed int) {
		index[name] = [3]int{len(files), len(text), packed}
		files = append(files, text...)
	}
	err := fs.WalkDir(sources, "js", func(path string, d fs.DirEntry, err error) error {
		if err == nil && path == "js/boot" {
			return fs.SkipDir // it goes as one
		}
		if err != nil || d.IsDir() {
			return err
		}
		text, err := sources.ReadFile(path)
		add(strings.TrimPrefix(path, "js/"), text, 0)
		return err
	})
	boot, bootErr := bootText()
	add("boot", []byte(boot), 0)
	err = errors.Join(err, bootErr)
	for _, p := range npm.Packages() {
		text, packedErr := p.Packed()
		add("npm:"+p.ID(), text, 1)
		err = errors.Join(err, packedErr)
	}
	add("packages", []byte(nodePackages()), 0)
	head, jsonErr := json.Marshal(index)
	if err = errors.Join(err, jsonErr); err != nil {
		panic("script: archive: " + err.Error()) // it is part of the program
	}
	body := binary.BigEndian.AppendUint32(nil, uint32(len(head)))
	body = append(append(body, head...), files...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
})
