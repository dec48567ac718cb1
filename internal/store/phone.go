package store

import "github.com/stagedoor/stagedoor"

// PhoneProviders are who brings the tenant's messages to phones, PhoneTemplates its own texts of them, by type (Management API
// fact sheet 3.17).
var (
	PhoneProviders = phoneKind("phone_provider", "pro_", func(*stagedoor.Document) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "", "There is one with the same id already.")
	})
	PhoneTemplates = phoneKind("phone_template", "tem_", func(d *stagedoor.Document) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "", "There is a template of the type %s already.", d.Name)
	})
)

func phoneKind(name, prefix string, clash func(*stagedoor.Document) *stagedoor.Error) Kind[stagedoor.Document] {
	return Kind[stagedoor.Document]{
		Name: name, ID: func(d *stagedoor.Document) *string { return &d.ID }, Secret: func(d *stagedoor.Document) *string { return &d.Sealed },
		NewID: func() string { return prefix + stagedoor.NewBase58(22) }, Unique: func(d *stagedoor.Document) string { return d.Name },
		Missing: stagedoor.Errorf(stagedoor.NotFound, "", "Notification Resource not found"), Clash: clash,
	}
}
