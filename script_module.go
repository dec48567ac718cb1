package stagedoor

import "time"

// ScriptModule is a package of the npm registry that an operator added for the scripts of all tenants: the package and what it depends on,
// in one file.
type ScriptModule struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	Hash      string    `json:"hash"`      // SHA-256 of the file, hexadecimal
	Integrity string    `json:"integrity"` // of the package's tarball, as the registry writes it
	License   string    `json:"license"`
	Size      int       `json:"size"`     // of the file, in bytes
	Parts     []string  `json:"parts"`    // sub-paths that scripts may require
	Requires  []string  `json:"requires"` // modules that it requires from the runtime
	Contains  []string  `json:"contains"` // the other packages in the file, "name@version (license)"
	CreatedAt time.Time `json:"created_at"`
}
