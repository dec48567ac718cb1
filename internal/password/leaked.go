package password

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // the public lists of leaked passwords are made of it
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// Leaked is a collection of passwords that became public, on this machine: no password, and no part of one, is sent anywhere. It is one of
//
//	a directory of range files   21BD1.txt holds the rest of each SHA-1 that begins with 21BD1: SUFFIX:COUNT
//	a file of hashes             SHA1:COUNT, in the order of the hashes
//	a filter                     see [BuildLeaked]: small, and in a few cases mistaken
//
// It is safe for concurrent use.
type Leaked struct {
	dir    string   // of range files; empty: file
	file   *os.File // of hashes or a filter
	size   int64
	filter filterHead // Bits 0: a file of hashes
}

// filterMagic begins a filter, in which the bits stand behind the head.
const filterMagic = "SDLEAKED"

type filterHead struct {
	Magic [8]byte
	Bits  uint64 // how many there are
	Count uint64 // passwords in it
	Tests uint64 // bits of each password
}

var headSize = int64(binary.Size(filterHead{}))

// maxTests bounds how many bits stand for a password.
const maxTests = 40

// OpenLeaked opens a collection.
func OpenLeaked(path string) (*Leaked, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the list of leaked passwords cannot be read: %w", err)
	}
	if info.IsDir() {
		if found, _ := filepath.Glob(filepath.Join(path, "[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]*")); len(found) == 0 {
			return nil, fmt.Errorf("the directory %s holds no range files of leaked passwords, such as 21BD1.txt", path)
		}
		return &Leaked{dir: path}, nil
	}
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("the list of leaked passwords cannot be read: %w", err)
	}
	l := &Leaked{file: f, size: info.Size()}
	if err := l.look(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// look finds out what kind of file it is.
func (l *Leaked) look(path string) error {
	var head filterHead
	if binary.Read(io.NewSectionReader(l.file, 0, headSize), binary.LittleEndian, &head) == nil && string(head.Magic[:]) == filterMagic {
		if head.Bits == 0 || head.Tests == 0 || head.Tests > maxTests || l.size != headSize+int64((head.Bits+7)/8) { //nolint:gosec // compared with what is there
			return fmt.Errorf("the filter of leaked passwords %s is damaged", path)
		}
		l.filter = head
		return nil
	}
	line, err := bufio.NewReader(io.NewSectionReader(l.file, 0, 256)).ReadString('\n')
	if err != nil && err != io.EOF { //nolint:errorlint // as bufio returns it
		return fmt.Errorf("the list of leaked passwords cannot be read: %w", err)
	}
	if _, ok := hashLine(line); !ok {
		return fmt.Errorf("%s is neither a filter of leaked passwords nor a list of SHA-1 hashes in their order", path)
	}
	return nil
}

// Close closes the collection; nil is none.
func (l *Leaked) Close() error {
	if l == nil || l.file == nil {
		return nil
	}
	return l.file.Close()
}

// Has tells whether a password is in the collection.
func (l *Leaked) Has(secret string) (bool, error) {
	sum := sha1.Sum([]byte(secret)) //nolint:gosec // see above
	found, err := false, error(nil)
	switch {
	case l.dir != "":
		found, err = l.inRange(strings.ToUpper(hex.EncodeToString(sum[:])))
	case l.filter.Bits > 0:
		found, err = l.inFilter(sum)
	default:
		found, err = l.inList(strings.ToUpper(hex.EncodeToString(sum[:])))
	}
	if err != nil {
		err = fmt.Errorf("reading the list of leaked passwords: %w", err)
	}
	return found, err
}

const rangePrefix = 5 // hexadecimal digits in the name of a range file

func (l *Leaked) inRange(sum string) (bool, error) {
	for _, name := range []string{sum[:rangePrefix] + ".txt", sum[:rangePrefix], strings.ToLower(sum[:rangePrefix]) + ".txt", strings.ToLower(sum[:rangePrefix])} {
		b, err := os.ReadFile(filepath.Join(l.dir, name)) //nolint:gosec // the operator's directory, and a name of hexadecimal digits
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		for line := range bytes.Lines(b) {
			suffix, count, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
			if strings.EqualFold(suffix, sum[rangePrefix:]) {
				return strings.TrimSpace(count) != "0", nil // 0 is padding, which hides how long an answer is
			}
		}
		return false, nil
	}
	return false, nil
}

// inList looks for a hash in the file, whose lines are in order, by halving.
func (l *Leaked) inList(sum string) (bool, error) {
	low, high := int64(0), l.size // a line that begins in here may be it
	buffer := make([]byte, 512)
	for low < high {
		middle := (low + high) / 2
		from := max(middle-1, 0)
		n, err := l.file.ReadAt(buffer, from)
		if err != nil && err != io.EOF { //nolint:errorlint // as ReadAt returns it
			return false, err
		}
		chunk, start := buffer[:n], middle
		if middle > 0 { // go on with the line that begins next
			at := bytes.IndexByte(chunk, '\n')
			if at < 0 {
				high = middle
				continue
			}
			chunk, start = chunk[at+1:], from+int64(at)+1
		}
		if start >= high {
			high = middle
			continue
		}
		line, _, _ := bytes.Cut(chunk, []byte("\n"))
		got, ok := hashLine(string(line))
		if !ok {
			return false, errors.New("a line is no SHA-1 hash")
		}
		switch c := strings.Compare(got, sum); {
		case c == 0:
			return true, nil
		case c < 0:
			low = start + int64(len(line)) + 1
		default:
			high = middle
		}
	}
	return false, nil
}

// hashLine reads the hash at the beginning of a line, in upper case.
func hashLine(line string) (string, bool) {
	sum, _, _ := strings.Cut(strings.TrimSpace(line), ":")
	if len(sum) != 2*sha1.Size {
		return "", false
	}
	if _, err := hex.DecodeString(sum); err != nil {
		return "", false
	}
	return strings.ToUpper(sum), true
}

// places are the bits of a password in a filter (Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006).
func (h *filterHead) places(sum [sha1.Size]byte, visit func(bit uint64) bool) {
	one, two := binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])|1
	for i := range h.Tests {
		if !visit((one + i*two) % h.Bits) {
			return
		}
	}
}

func (l *Leaked) inFilter(sum [sha1.Size]byte) (found bool, err error) {
	found = true
	var b [1]byte
	l.filter.places(sum, func(bit uint64) bool {
		if _, err = l.file.ReadAt(b[:], headSize+int64(bit/8)); err != nil { //nolint:gosec // within the file, as look found
			return false
		}
		found = b[0]&(1<<(bit%8)) != 0
		return found
	})
	return found && err == nil, err
}

// BuildLeaked writes a filter of the passwords in a list, one a line: as SHA-1 hash, with a count behind a colon or without, or as it is.
// rate is how often a password that is in no list may be taken for one that is, such as 0.001. The list is read twice; the filter is in
// memory while it is made: about 14 bits a password at a rate of 0.001.
func BuildLeaked(list io.ReadSeeker, to io.Writer, rate float64) (count, size int64, err error) {
	if rate <= 0 || rate >= 1 {
		return 0, 0, errors.New("the rate must be between 0 and 1")
	}
	if err := eachLeaked(list, func([sha1.Size]byte) { count++ }); err != nil {
		return 0, 0, err
	}
	if count == 0 {
		return 0, 0, errors.New("the list is empty")
	}
	if _, err := list.Seek(0, io.SeekStart); err != nil {
		return 0, 0, fmt.Errorf("the list must be a file, as it is read twice: %w", err)
	}
	head := filterHead{Count: uint64(count)} //nolint:gosec // counted above
	copy(head.Magic[:], filterMagic)
	head.Bits = max(64, uint64(math.Ceil(-float64(count)*math.Log(rate)/(math.Ln2*math.Ln2))))
	head.Tests = min(maxTests, max(1, uint64(math.Round(float64(head.Bits)/float64(count)*math.Ln2))))
	bits := make([]byte, (head.Bits+7)/8)
	err = eachLeaked(list, func(sum [sha1.Size]byte) {
		head.places(sum, func(bit uint64) bool { bits[bit/8] |= 1 << (bit % 8); return true })
	})
	if err != nil {
		return 0, 0, err
	}
	if err := binary.Write(to, binary.LittleEndian, head); err != nil {
		return 0, 0, fmt.Errorf("writing the filter: %w", err)
	}
	if _, err := to.Write(bits); err != nil {
		return 0, 0, fmt.Errorf("writing the filter: %w", err)
	}
	return count, headSize + int64(len(bits)), nil
}

// eachLeaked reads a list of passwords or of their hashes.
func eachLeaked(list io.Reader, visit func([sha1.Size]byte)) error {
	lines := bufio.NewScanner(list)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		if line == "" {
			continue
		}
		if text, ok := hashLine(line); ok {
			var sum [sha1.Size]byte
			if b, err := hex.DecodeString(text); err == nil {
				copy(sum[:], b)
			}
			visit(sum)
			continue
		}
		visit(sha1.Sum([]byte(line))) //nolint:gosec // see above
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the list: %w", err)
	}
	return nil
}
