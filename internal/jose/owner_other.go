//go:build !unix

package jose

import "os"

// KeepOwner does nothing here: files belong to whom the directory says.
func KeepOwner(*os.File, string) error { return nil }
