package stagedoortest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// secretName finds what must be compared in constant time, by its name.
var secretName = regexp.MustCompile(`(?i)(secret|verifier|challenge|nonce|password|signature|handle|otp|pin|mac)$`)

// compared are comparisons of such names that tell an attacker nothing, with the reason.
var compared = map[string]string{
	"internal/oauth/client_auth.go secret basicSecret":  "both came with the request",
	"internal/login/factor.go kind OTP":                 "a constant",
	"internal/login/signup_code.go Field FieldPassword": "names of fields of a form",
	"internal/mfa/check.go Type TypeTOTP":               "a constant",
	"internal/oauth/mfa.go k OTP":                       "a constant",
	"internal/oauth/mfa.go Type TypeTOTP":               "a constant",
	"internal/connection/issuer.go got nonce":           "out of a token that the issuer has signed",
	"internal/login/own_reset.go again secret":          "both are what one person has typed",
	"internal/pipeline/step_form.go Nonce Nonce":        "one login, as the database has it now and had it before",
}

// TestSecretsAreComparedInConstantTime reads the sources of the rooms that meet secrets: none is compared with == or !=, whose time tells how much of
// it is right, unless with a constant. What is looked up in the database is looked up by its hash.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	seen := 0
	for _, room := range []string{"oauth", "login", "session", "token", "mfa", "guard", "connection", "pipeline", "jose", "mgmt", "store"} {
		err := filepath.WalkDir("../internal/"+room, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				c, is := n.(*ast.BinaryExpr)
				if !is || c.Op != token.EQL && c.Op != token.NEQ {
					return true
				}
				seen++
				a, b := last(c.X), last(c.Y)
				if a == "" || b == "" || !secretName.MatchString(a) && !secretName.MatchString(b) {
					return true
				}
				where := strings.TrimPrefix(path, "../") + " " + a + " " + b
				if compared[where] == "" {
					t.Errorf("%s: %s is compared with %s in a time that tells how much is right (%s)", set.Position(c.Pos()), a, b, where)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 500 {
		t.Errorf("%d comparisons were read", seen)
	}
}

// last is the last name of an expression; empty for constants, nil, and what is no text.
func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		if e.Name == "nil" || e.Name == "true" || e.Name == "false" || e.Obj != nil && e.Obj.Kind == ast.Con {
			return ""
		}
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		if lit, is := e.Index.(*ast.BasicLit); is {
			return strings.Trim(lit.Value, `"`)
		}
		return last(e.X)
	case *ast.CallExpr:
		if len(e.Args) == 1 {
			if lit, is := e.Args[0].(*ast.BasicLit); is {
				return strings.Trim(lit.Value, `"`)
			}
		}
		return last(e.Fun)
	case *ast.ParenExpr:
		return last(e.X)
	case *ast.StarExpr:
		return last(e.X)
	}
	return ""
}
