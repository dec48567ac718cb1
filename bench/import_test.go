package bench

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// importedUsers is how many users the import of the table has.
const importedUsers = 100_000

// imports measures an import over HTTP, from the request to the end of the job: users without passwords, each with its rows of
// the search index. The limit is as many bare rows with a unique address, in transactions of the same size.
func imports(t *testing.T, out io.Writer) {
	s := stagedoortest.New(t)
	token := s.ManagementToken(t)
	var connections []struct{ ID string }
	s.JSON(t, "GET", s.HTTPURL+"/api/v2/connections?strategy=auth0", token, nil, &connections)
	s.JSON(t, "PATCH", s.HTTPURL+"/api/v2/tenants/settings", token, `{"stagedoor":{"max_import_bytes":100000000}}`, nil)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	w.WriteField("connection_id", connections[0].ID)
	file, _ := w.CreateFormFile("users", "users.json")
	for i := range importedUsers {
		fmt.Fprintf(file, `{"email":"u%06d@import.test","email_verified":true,"name":"User %d","app_metadata":{"plan":"gold"}}`+"\n", i, i)
	}
	w.Close()
	start := time.Now()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.HTTPURL+"/api/v2/jobs/users-imports", &form)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := s.Client.Do(r)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("import: %v %v", resp, err)
	}
	defer resp.Body.Close()
	var job struct {
		ID, Status string
		Summary    struct{ Inserted int }
	}
	if err := json.NewDecoder(resp.Body).Decode(&job); err != nil {
		t.Fatal(err)
	}
	most := uint64(0)
	for job.Status == "pending" || job.Status == "processing" {
		time.Sleep(100 * time.Millisecond)
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapInuse)
		s.JSON(t, "GET", s.HTTPURL+"/api/v2/jobs/"+job.ID, token, nil, &job)
	}
	took := time.Since(start)
	if job.Summary.Inserted != importedUsers {
		t.Fatalf("the import: %+v", job)
	}
	bare := bareInserts(t)
	fmt.Fprintf(out, "import of %d users\t%.1f s\tbare rows %.1f s\t%.2f\t< 60 s\n", importedUsers, took.Seconds(), bare.Seconds(), bare.Seconds()/took.Seconds())
	fmt.Fprintf(out, "memory in use during it, caller and file included\t%d MB\t\t\t\n", most>>20)
}

func bareInserts(t *testing.T) time.Duration {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT UNIQUE, doc TEXT)"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for i := 0; i < importedUsers; {
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			if _, err := tx.Exec("INSERT INTO users VALUES (?, ?, ?)", fmt.Sprintf("%024x", i*2654435761), fmt.Sprintf("u%06d@import.test", i), `{"name":"User","app_metadata":{"plan":"gold"}}`); err != nil {
				t.Fatal(err)
			}
			i++
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(start)
}
