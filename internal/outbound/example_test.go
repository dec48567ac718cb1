package outbound_test

import (
	"errors"
	"fmt"

	"github.com/stagedoor/stagedoor/internal/outbound"
)

func ExampleNew() {
	client := outbound.New(outbound.Config{})
	_, err := client.Get("http://169.254.169.254/latest/meta-data/") //nolint:bodyclose,noctx // it fails
	fmt.Println(errors.Is(err, outbound.ErrForbidden))
	// Output: true
}
