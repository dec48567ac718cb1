// Package netlist knows the lists of networks that an operator keeps for network access lists, such as exits of Tor: text files, one network in each line.
package netlist

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// maxFile is the largest file that is read, in bytes: some millions of networks.
const maxFile = 256 << 20

// Lists are the files of a directory: NAME.txt or NAME.csv is the list NAME. As nil they are none. They are safe for concurrent use.
type Lists struct {
	directory string
	log       *slog.Logger
	now       atomic.Pointer[lists]
	told      string // the last error, so that it is told once; of Renew alone
}

// lists are what a directory holds.
type lists struct {
	all   map[string]*list
	names []string // in their order
}

type list struct {
	path   string
	time   time.Time // of the file's last change
	size   int64
	ranges []span // in their order, none within another
}

// span is of addresses that follow one another, both ends included.
type span struct{ first, last netip.Addr }

// Open reads the lists of a directory; "" is none. A file that cannot be read is an error that names it, and the line.
func Open(directory string, log *slog.Logger) (*Lists, error) {
	if directory == "" {
		return nil, nil //nolint:nilnil // no lists are none
	}
	l := &Lists{directory: directory, log: log}
	all, err := l.read()
	if err != nil {
		return nil, err
	}
	l.keep(all)
	return l, nil
}

// keep has requests decided by these lists. Their names are put in order here, not with each request.
func (l *Lists) keep(all map[string]*list) {
	l.now.Store(&lists{all: all, names: slices.Sorted(maps.Keys(all))})
}

// Names are the lists that there are, in their order. Nobody may change them.
func (l *Lists) Names() []string {
	if l == nil {
		return nil
	}
	return l.now.Load().names
}

// Of are the names of the lists that an address is in.
func (l *Lists) Of(ip string) (names []string) {
	addr, err := netip.ParseAddr(ip)
	if l == nil || err != nil {
		return nil
	}
	addr = addr.Unmap().WithZone("")
	for name, one := range l.now.Load().all {
		at, found := slices.BinarySearchFunc(one.ranges, addr, func(s span, a netip.Addr) int { return s.first.Compare(a) })
		if found || at > 0 && addr.Compare(one.ranges[at-1].last) <= 0 && addr.Is4() == one.ranges[at-1].first.Is4() {
			names = append(names, name)
		}
	}
	return names
}

// Renew reads the directory again where something in it has changed. If that cannot be read, all stays as it was, and the operator's log says so.
func (l *Lists) Renew() {
	if l == nil {
		return
	}
	all, err := l.read()
	if err != nil {
		if l.told != err.Error() {
			l.log.Error("the lists of networks cannot be read any more; those before go on", "error", err)
		}
		l.told = err.Error()
		return
	}
	l.told = ""
	l.keep(all)
}

// read reads the files that are new or have changed.
func (l *Lists) read() (map[string]*list, error) {
	files, err := os.ReadDir(l.directory)
	if err != nil {
		return nil, fmt.Errorf("the lists of networks cannot be read: %w", err)
	}
	before := map[string]*list{}
	if now := l.now.Load(); now != nil {
		before = now.all
	}
	all := map[string]*list{}
	for _, f := range files {
		extension := filepath.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), extension)
		if extension != ".txt" && extension != ".csv" || name == "" || f.IsDir() {
			continue
		}
		path := filepath.Join(l.directory, f.Name())
		if other := all[name]; other != nil {
			return nil, fmt.Errorf("%s and %s are one list of networks", other.path, path)
		}
		info, err := os.Stat(path) // of what a link leads to
		if err != nil {
			return nil, fmt.Errorf("the list of networks cannot be read: %w", err)
		}
		if old := before[name]; old != nil && old.path == path && old.time.Equal(info.ModTime()) && old.size == info.Size() {
			all[name] = old
			continue
		}
		one := &list{path: path, time: info.ModTime(), size: info.Size()}
		if one.ranges, err = readFile(path); err != nil {
			return nil, err
		}
		all[name] = one
		l.log.Info("a list of networks was read", "list", name, "ranges", len(one.ranges))
	}
	return all, nil
}

func readFile(path string) ([]span, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("the list of networks cannot be read: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	ranges, err := parse(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ranges, nil
}

// parse reads an address or a network from each line, up to a comma, a semicolon, a blank or a #.
func parse(r io.Reader) ([]span, error) {
	var all []span
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimPrefix(lines.Text(), "\ufeff")
		if at := strings.IndexAny(text, ",;# \t\r"); at >= 0 {
			text = text[:at]
		}
		if text == "" {
			continue
		}
		network, err := network(text)
		if err != nil {
			return nil, fmt.Errorf("line %d is no address and no network: %.100q", n, text)
		}
		all = append(all, span{network.Addr(), last(network)})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b span) int { return a.first.Compare(b.first) })
	return merged(all), nil
}

func network(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err
}

// last is the last address of a network.
func last(network netip.Prefix) netip.Addr {
	bytes := network.Addr().AsSlice()
	for i := range bytes {
		if bits := network.Bits() - 8*i; bits < 8 {
			bytes[i] |= 0xff >> max(bits, 0)
		}
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return addr
}

// merged takes those out, of sorted ones, that lie within another, and makes one of those that overlap.
func merged(all []span) []span {
	var out []span
	for _, s := range all {
		if n := len(out); n > 0 && s.first.Is4() == out[n-1].first.Is4() && s.first.Compare(out[n-1].last) <= 0 {
			if s.last.Compare(out[n-1].last) > 0 {
				out[n-1].last = s.last
			}
			continue
		}
		out = append(out, s)
	}
	return slices.Clip(out)
}
