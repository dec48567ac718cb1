package mgmt

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

const (
	maxImports   = 2         // of a tenant at a time (Management API fact sheet 3.12)
	importRest   = 64 << 10  // of a body beside the file, in bytes
	importField  = 1 << 10   // of one field
	importPiece  = 512 << 10 // of a file, as it is kept
	importUpload = 15 * time.Minute
)

// importUsersIn describes the form.
type importUsersIn struct {
	ConnectionID        string `json:"connection_id" schema:"required" pattern:"^con_[A-Za-z0-9]{16}$" doc:"connection_id of the connection to which users will be imported"`
	Users               string `json:"users" schema:"required" doc:"File of users: a JSON array, or one JSON object after the other"`
	Upsert              bool   `json:"upsert" doc:"Whether to update users who are there already"`
	ExternalID          string `json:"external_id" schema:"max=1024" doc:"Customer-defined ID"`
	SendCompletionEmail bool   `json:"send_completion_email" doc:"Whether to send a completion email when the job is finished (default: true)"`
}

// importOperation takes any parameters in the query: those who call this by hand, past their SDK's functions, send some.
func (a *API) importOperation() operation {
	o := custom("multipart/form-data", web.NewSchema[importUsersIn]().Shape(), a.importUsers)
	o.run = a.importUsers
	return o
}

// importForm is what comes with the file.
type importForm struct {
	texts map[string]string
	file  bool
}

// importUsers takes a file of users and begins to import it. The file is kept before the answer, and the parts of the form may
// come in any order.
func (a *API) importUsers(c *call) (any, error) {
	limit := int64(c.store.Tenant().Settings.ImportLimit())
	media, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return nil, stagedoor.Errorf(stagedoor.UnsupportedMedia, "", "Unsupported Media Type: send multipart/form-data")
	}
	if c.r.ContentLength > limit+importRest {
		return nil, tooLarge(limit)
	}
	if rc := http.NewResponseController(c.w); limit > maxBody { // a large file may take longer than other bodies, and than other requests
		_ = rc.SetReadDeadline(time.Now().Add(importUpload))
		_ = rc.SetWriteDeadline(time.Now().Add(importUpload))
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx()), importUpload)
		defer func(r *http.Request) { cancel(); c.r = r }(c.r)
		c.r = c.r.WithContext(ctx)
	}
	in := multipart.NewReader(http.MaxBytesReader(c.w, c.r.Body, limit+importRest), params["boundary"])
	j := &stagedoor.Job{Type: stagedoor.JobImport, Status: stagedoor.JobUploading, CompletionEmail: true}
	err = a.upload(c, in, j, limit)
	if err == nil {
		err = c.store.SubmitJob(c.ctx(), j)
	}
	if err != nil {
		if j.ID != "" {
			err = errors.Join(err, c.store.DropJob(context.WithoutCancel(c.ctx()), j.ID))
		}
		return nil, importBroken(err, limit)
	}
	a.wake()
	return j.Wire(j.CreatedAt), nil
}

func tooLarge(limit int64) error {
	return stagedoor.Errorf(stagedoor.TooLarge, "", "Payload content length greater than maximum allowed: %d", limit)
}

// importBroken gives what goes wrong while a form is read the wire's words.
func importBroken(err error, limit int64) error {
	var ours *stagedoor.Error
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge(limit)
	case errors.As(err, &ours):
		return ours
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, multipart.ErrMessageTooLarge):
		return bad("", "Invalid multipart payload format")
	}
	return err
}

// upload reads the form. The job gets an id when the file comes.
func (a *API) upload(c *call, in *multipart.Reader, j *stagedoor.Job, limit int64) error {
	form := importForm{texts: map[string]string{}}
	for {
		part, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return unreadable(err)
		}
		switch name := part.FormName(); name {
		case "connection_id", "upsert", "external_id", "send_completion_email":
			text, err := io.ReadAll(io.LimitReader(part, importField+1))
			switch {
			case err != nil:
				return unreadable(err)
			case len(text) > importField:
				return badProperty(name, "String is too long ("+itoa(len(text))+" chars), maximum "+itoa(importField))
			}
			form.texts[name] = string(text)
		case "users":
			if form.file {
				return badProperty("users", "Expected type object but found type array")
			}
			form.file = true
			if form.texts["connection_id"] != "" { // refuse early what will be refused
				if err := form.fill(c, j); err != nil {
					return err
				}
			}
			if err := keepFile(c, part, j, limit); err != nil {
				return err
			}
		default:
			return web.Unknown("", bounded(name, 100)).Body()
		}
	}
	if err := form.fill(c, j); err != nil {
		return err
	}
	if !form.file {
		return badProperty("", "Missing required property: users")
	}
	return nil
}

func unreadable(err error) error {
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return err
	}
	return &stagedoor.Error{Kind: stagedoor.Invalid, Message: "Invalid multipart payload format", Err: err}
}

// fill reads the fields that came into the job.
func (f *importForm) fill(c *call, j *stagedoor.Job) error {
	c.body, _ = json.Marshal(f.texts) // for the tenant's log
	id, there := f.texts["connection_id"]
	switch {
	case !there:
		return badProperty("", "Missing required property: connection_id")
	case !connectionID.MatchString(id):
		return badProperty("connection_id", "String does not match pattern "+connectionID.String()+": "+bounded(id, 100))
	}
	for name, into := range map[string]*bool{"upsert": &j.Upsert, "send_completion_email": &j.CompletionEmail} {
		switch text := f.texts[name]; text {
		case "true", "false":
			*into = text == "true"
		case "":
		default:
			return badProperty(name, "Expected type boolean but found type string")
		}
	}
	j.ExternalID = f.texts["external_id"]
	conn, err := c.store.Connection(c.ctx(), id)
	if err != nil {
		return err
	}
	if !conn.KeepsUsers() {
		return bad("operation_not_supported", "The connection must be a database connection that keeps its users here.")
	}
	j.ConnectionID, j.Connection = conn.ID, conn.Name
	return nil
}

// keepFile makes the job, and keeps the file in pieces.
func keepFile(c *call, part io.Reader, j *stagedoor.Job, limit int64) error {
	if err := c.store.CreateJob(c.ctx(), j, maxImports); err != nil {
		return err
	}
	piece := make([]byte, min(importPiece, limit+1))
	var size int64
	for n := 0; ; n++ {
		got, err := io.ReadFull(part, piece)
		if size += int64(got); size > limit {
			return tooLarge(limit)
		}
		if got > 0 {
			if err := c.store.AddJobPart(c.ctx(), j.ID, n, piece[:got]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && !brokenOff(part):
			return nil
		case err != nil:
			return unreadable(err)
		}
	}
}

// brokenOff tells whether the part ended because the body did: io.ReadFull says the same of a short last piece.
func brokenOff(part io.Reader) bool {
	_, err := part.Read(make([]byte, 1))
	return !errors.Is(err, io.EOF)
}
