package job

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// What one step writes: so many users, and so many bytes before they are packed, as metadata may be large. Each step is a gzip file of its own; one after the other
// they are one file.
const (
	exportBatch = 1000
	exportBytes = 4 << 20
)

// defaultFields are the columns of a CSV file for which none were named.
var defaultFields = []stagedoor.JobField{
	{Name: "user_id"},
	{Name: "email"},
	{Name: "email_verified"},
	{Name: "username"},
	{Name: "phone_number"},
	{Name: "phone_verified"},
	{Name: "name"},
	{Name: "given_name"},
	{Name: "family_name"},
	{Name: "nickname"},
	{Name: "picture"},
	{Name: "blocked"},
	{Name: "created_at"},
	{Name: "updated_at"},
	{Name: "last_login"},
	{Name: "last_ip"},
	{Name: "logins_count"},
	{Name: "identities[0].connection", ExportAs: "connection"},
}

// exportUsers writes users into the job's result, in the order of their ids.
func (r *Runner) exportUsers(ctx context.Context, w *work) error {
	if w.Total == 0 {
		total, err := w.st.CountUsers(ctx, w.Connection)
		if err != nil {
			return err
		}
		if w.Limit > 0 {
			total = min(total, w.Limit)
		}
		w.Total = total
	}
	for most := exportBatch; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := most
		if w.Limit > 0 {
			n = min(n, w.Limit-w.Done)
		}
		p := newPiece(w.Job)
		err := w.st.EachUserAfter(ctx, w.Connection, w.After, n, p.add)
		full := errors.Is(err, errPieceFull)
		if err != nil && !full {
			return err
		}
		packed, err := p.close()
		if err != nil {
			return err
		}
		if p.users > 0 {
			w.After = p.last
		}
		w.Done += p.users
		w.Tries = 0
		if p.users > 0 || w.Parts == 0 {
			if err := w.st.SaveExport(ctx, w.Job, w.lease, packed); err != nil {
				return err
			}
		}
		switch {
		case full: // the next ones may be as large: more of them would be read in vain
			most = p.users
		case p.users < most:
			return r.complete(context.WithoutCancel(ctx), w)
		default:
			most = min(2*most, exportBatch)
		}
	}
}

// errPieceFull ends a piece of the result before all users of it were written.
var errPieceFull = errors.New("the piece is full")

// piece is what one step writes: a gzip file of users. It holds as many as are small enough together, and at least one.
type piece struct {
	job   *stagedoor.Job
	out   bytes.Buffer
	zip   *gzip.Writer
	json  *json.Encoder
	csv   *csv.Writer // nil: JSON
	bytes int         // before they were packed
	users int
	last  string // the id of the last one
}

// newPiece begins a piece; the first one of a CSV file begins with its titles.
func newPiece(j *stagedoor.Job) *piece {
	p := &piece{job: j}
	p.zip = gzip.NewWriter(&p.out)
	if j.Format == "csv" {
		p.csv = csv.NewWriter(p)
		return p
	}
	p.json = json.NewEncoder(p)
	p.json.SetEscapeHTML(false)
	return p
}

// Write packs what was encoded.
func (p *piece) Write(b []byte) (int, error) {
	p.bytes += len(b)
	return p.zip.Write(b)
}

// add writes a user. After the one that fills the piece it is errPieceFull.
func (p *piece) add(u *stagedoor.User) error {
	err := p.write(u)
	if err != nil {
		return err
	}
	p.users, p.last = p.users+1, u.ID
	if p.bytes >= exportBytes {
		return errPieceFull
	}
	return nil
}

func (p *piece) write(u *stagedoor.User) error {
	if p.csv != nil {
		return p.writeCSV(u)
	}
	shown := u.Wire()
	if len(p.job.Fields) > 0 {
		tree, err := plainTree(shown)
		if err != nil {
			return err
		}
		shown = map[string]any{}
		for _, f := range p.job.Fields {
			if value := at(tree, f.Name); value != nil {
				shown[title(f)] = value
			}
		}
	}
	return p.json.Encode(shown)
}

func (p *piece) writeCSV(u *stagedoor.User) error {
	if err := p.titles(); err != nil {
		return err
	}
	tree, err := plainTree(u.Wire())
	if err != nil {
		return err
	}
	fields := p.fields()
	record := make([]string, len(fields))
	for i, f := range fields {
		record[i] = cell(at(tree, f.Name))
	}
	return p.csv.Write(record)
}

func (p *piece) fields() []stagedoor.JobField {
	if len(p.job.Fields) == 0 {
		return defaultFields
	}
	return p.job.Fields
}

// titles writes the first line of a CSV file.
func (p *piece) titles() error {
	if p.csv == nil || p.job.Parts > 0 || p.users > 0 {
		return nil
	}
	fields := p.fields()
	record := make([]string, len(fields))
	for i, f := range fields {
		record[i] = cell(title(f))
	}
	return p.csv.Write(record)
}

// close ends the piece and returns it.
func (p *piece) close() ([]byte, error) {
	if p.users == 0 {
		if err := p.titles(); err != nil {
			return nil, err
		}
	}
	if p.csv != nil {
		p.csv.Flush()
		if err := p.csv.Error(); err != nil {
			return nil, err
		}
	}
	err := p.zip.Close()
	return p.out.Bytes(), err
}

func title(f stagedoor.JobField) string {
	if f.ExportAs != "" {
		return f.ExportAs
	}
	return f.Name
}

// plainTree is a user as JSON knows it, so that any path can be followed.
func plainTree(shown map[string]any) (map[string]any, error) {
	encoded, err := json.Marshal(shown)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(encoded))
	dec.UseNumber()
	tree := map[string]any{}
	err = dec.Decode(&tree)
	return tree, err
}

// at follows a path such as identities[0].connection; nil if there is nothing.
func at(tree any, path string) any {
	for _, part := range strings.Split(path, ".") {
		name, indexes, _ := strings.Cut(part, "[")
		m, _ := tree.(map[string]any)
		tree = m[name]
		for _, index := range strings.FieldsFunc(indexes, func(r rune) bool { return r == '[' || r == ']' }) {
			list, _ := tree.([]any)
			i, err := strconv.Atoi(index)
			if err != nil || i < 0 || i >= len(list) {
				return nil
			}
			tree = list[i]
		}
	}
	return tree
}

// cell is a value as a spreadsheet shows it. What a spreadsheet would take for a formula gets an apostrophe before it: the value
// may be a stranger's.
func cell(value any) string {
	var text string
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		text = v
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(encoded)
	}
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
