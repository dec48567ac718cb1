package stagedoor

import "time"

// Job is work that goes on after the request that asked for it (Management API fact sheet 3.12).
type Job struct {
	ID        string    `json:"-"`
	Type      string    `json:"-"`
	Status    string    `json:"-"`
	CreatedAt time.Time `json:"-"`
	Secret    string    `json:"-"` // signs the addresses at which the result can be fetched

	ConnectionID    string      `json:"connection_id,omitempty"`
	Connection      string      `json:"connection,omitempty"` // its name
	ExternalID      string      `json:"external_id,omitempty"`
	Upsert          bool        `json:"upsert,omitempty"`
	CompletionEmail bool        `json:"completion_email,omitempty"`
	Format          string      `json:"format,omitempty"` // json, csv
	Limit           int         `json:"limit,omitempty"`  // 0 means all
	Fields          []JobField  `json:"fields,omitempty"`
	UserID          string      `json:"user_id,omitempty"` // whose address is to be verified
	ClientID        string      `json:"client_id,omitempty"`
	OrganizationID  string      `json:"organization_id,omitempty"`
	Domain          string      `json:"domain,omitempty"`         // of links in the mail
	Details         string      `json:"status_details,omitempty"` // why it failed
	Summary         *JobSummary `json:"summary,omitempty"`

	StartedAt time.Time `json:"started_at,omitzero"`
	Tries     int       `json:"tries,omitempty"` // since it came on
	Done      int       `json:"done,omitempty"`  // rows
	Total     int       `json:"total,omitempty"` // rows; 0 means not yet known
	After     string    `json:"after,omitempty"` // the last user who was exported
	Parts     int       `json:"parts,omitempty"` // of the result
}

// The types of jobs.
const (
	JobImport       = "users_import"
	JobExport       = "users_export"
	JobVerification = "verification_email"
)

// The states of a job. One whose file is still on its way is not shown.
const (
	JobUploading  = "uploading"
	JobPending    = "pending"
	JobProcessing = "processing"
	JobCompleted  = "completed"
	JobFailed     = "failed"
)

// JobField is a column of an export.
type JobField struct {
	Name     string `json:"name" schema:"required,min=1,max=1000" doc:"Name of the field in the profile"`
	ExportAs string `json:"export_as,omitempty" schema:"max=1000" doc:"Title of the column in the exported file"`
}

// JobSummary counts what an import did.
type JobSummary struct {
	Failed   int `json:"failed"`
	Updated  int `json:"updated"`
	Inserted int `json:"inserted"`
	Total    int `json:"total"`
}

// JobRowError is why a row of an import failed.
type JobRowError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Path    string `json:"path,omitempty"`
}

// Wire returns the job as the Management API shows it. now tells how long it may still take.
func (j *Job) Wire(now time.Time) map[string]any {
	m := map[string]any{"id": j.ID, "type": j.Type, "status": j.Status, "created_at": FormatTime(j.CreatedAt)}
	for name, value := range map[string]string{
		"connection_id": j.ConnectionID, "connection": j.Connection, "external_id": j.ExternalID, "format": j.Format, "status_details": j.Details,
	} {
		if value != "" {
			m[name] = value
		}
	}
	if j.Limit > 0 {
		m["limit"] = j.Limit
	}
	if j.Fields != nil {
		m["fields"] = j.Fields
	}
	switch {
	case j.Status == JobProcessing && j.Type != JobVerification:
		m["percentage_done"] = 0
		if j.Total > 0 && j.Done > 0 {
			m["percentage_done"] = min(100, j.Done*100/j.Total)
			m["time_left_seconds"] = max(0, int(now.Sub(j.StartedAt).Seconds()*float64(j.Total-j.Done)/float64(j.Done)))
		}
	case j.Summary != nil:
		m["summary"] = j.Summary
	}
	return m
}

// Over tells whether nothing will change any more.
func (j *Job) Over() bool { return j.Status == JobCompleted || j.Status == JobFailed }
