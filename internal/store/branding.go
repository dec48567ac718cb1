package store

import "github.com/stagedoor/stagedoor"

// Themes are the themes of the hosted pages; the oldest is the one in use.
var Themes = Kind[stagedoor.Document]{
	Name: "branding_theme", ID: func(d *stagedoor.Document) *string { return &d.ID }, Secret: func(d *stagedoor.Document) *string { return &d.Sealed },
	NewID: stagedoor.NewClientID, Missing: stagedoor.Errorf(stagedoor.NotFound, "theme_not_found", "There was an error retrieving branding settings: invalid theme ID"),
}
