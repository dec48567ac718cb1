package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/store"
)

// breachedCommand works with lists of passwords that have become public.
type breachedCommand struct {
	Build buildBreachedCommand `cmd:"" help:"Make a small filter of a list, for --breached-passwords."`
	Check checkBreachedCommand `cmd:"" help:"Look up a password, which is read from standard input."`
}

type buildBreachedCommand struct {
	List string  `arg:"" help:"File with one password a line, or one SHA-1 hash, with a count behind a colon or without." placeholder:"LIST"`
	To   string  `arg:"" help:"File to write." placeholder:"FILE"`
	Rate float64 `name:"rate" default:"0.001" help:"How often a password that is in no list may be taken for one that is." placeholder:"SHARE"`
}

// Run builds the filter beside its place and puts it there when it is whole.
func (c *buildBreachedCommand) Run() error {
	list, err := os.Open(filepath.Clean(c.List))
	if err != nil {
		return err
	}
	defer list.Close()
	dir, remove, err := store.Scratch(c.To, "breached")
	if err != nil {
		return err
	}
	defer remove()
	out, err := os.OpenFile(filepath.Join(dir, "filter"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	count, size, err := password.BuildLeaked(list, buffered, c.Rate)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = out.Sync()
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(out.Name(), c.To)
	}
	if err != nil {
		return err
	}
	fmt.Printf("%s holds %d passwords in %d bytes\n", c.To, count, size)
	return nil
}

type checkBreachedCommand struct {
	In string `arg:"" help:"A directory of range files, a sorted list of SHA-1 hashes, or a filter." placeholder:"PATH"`
}

// Run looks a password up. It is never an argument: other programs of the machine see those.
func (c *checkBreachedCommand) Run() error {
	leaks, err := password.OpenLeaked(c.In)
	if err != nil {
		return err
	}
	defer leaks.Close()
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if line == "" && err != nil {
		return fmt.Errorf("no password came on standard input")
	}
	found, err := leaks.Has(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return err
	}
	if found {
		fmt.Println("The password is in the list.")
	} else {
		fmt.Println("The password is not in the list.")
	}
	return nil
}
