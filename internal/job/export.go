package job

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// exportBatch is how many users one step reads. Each step is a gzip file of its own; one after the other they are one file.
const exportBatch = 1000

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
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := exportBatch
		if w.Limit > 0 {
			n = min(n, w.Limit-w.Done)
		}
		users, err := w.st.UsersAfter(ctx, w.Connection, w.After, n)
		if err != nil {
			return err
		}
		piece, err := exported(w.Job, users)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			w.After = users[len(users)-1].ID
		}
		w.Done += len(users)
		w.Tries = 0
		if len(users) > 0 || w.Parts == 0 {
			if err := w.st.SaveExport(ctx, w.Job, w.lease, piece); err != nil {
				return err
			}
		}
		if len(users) < exportBatch {
			return r.complete(context.WithoutCancel(ctx), w)
		}
	}
}

// exported is the piece of the file that holds the users; the first piece of a CSV file begins with its titles.
func exported(j *stagedoor.Job, users []stagedoor.User) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	write := exportJSON
	if j.Format == "csv" {
		write = exportCSV
	}
	if err := write(zip, j, users); err != nil {
		return nil, err
	}
	err := zip.Close()
	return out.Bytes(), err
}

func exportJSON(out io.Writer, j *stagedoor.Job, users []stagedoor.User) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for i := range users {
		shown := users[i].Wire()
		if len(j.Fields) > 0 {
			tree, err := plainTree(shown)
			if err != nil {
				return err
			}
			shown = map[string]any{}
			for _, f := range j.Fields {
				if value := at(tree, f.Name); value != nil {
					shown[title(f)] = value
				}
			}
		}
		if err := enc.Encode(shown); err != nil {
			return err
		}
	}
	return nil
}

func exportCSV(out io.Writer, j *stagedoor.Job, users []stagedoor.User) error {
	fields := j.Fields
	if len(fields) == 0 {
		fields = defaultFields
	}
	w := csv.NewWriter(out)
	record := make([]string, len(fields))
	if j.Parts == 0 {
		for i, f := range fields {
			record[i] = cell(title(f))
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
	for i := range users {
		tree, err := plainTree(users[i].Wire())
		if err != nil {
			return err
		}
		for i, f := range fields {
			record[i] = cell(at(tree, f.Name))
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
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
