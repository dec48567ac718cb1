package password_test

import (
	"context"
	"fmt"

	"github.com/stagedoor/stagedoor/internal/password"
)

func Example() {
	hasher, ctx := password.NewHasher(), context.Background()
	hash, _ := hasher.Hash(ctx, "correct horse battery staple")
	ok, err := hasher.Verify(ctx, "correct horse battery staple", hash)
	fmt.Println(ok, err, password.NeedsRehash(hash))
	// Output: true <nil> false
}

func ExamplePolicy_Text() {
	fmt.Println(password.Policy{Level: "excellent"}.Text())
	// Output:
	// * At least 10 characters in length
	// * Contain at least 3 of the following 4 types of characters:
	//  * lower case letters (a-z)
	//  * upper case letters (A-Z)
	//  * numbers (i.e. 0-9)
	//  * special characters (e.g. !@#$%^&*)
	// * No more than 2 identical characters in a row (e.g., "aaa" not allowed)
}
