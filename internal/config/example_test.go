package config_test

import (
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/stagedoor/stagedoor/internal/config"
)

func Example() {
	var cli struct {
		File          kong.ConfigFlag `name:"config" help:"Settings file (JSON)."`
		config.Config                 // every setting as a flag
	}
	parser := kong.Must(&cli, kong.Configuration(config.JSON))
	if _, err := parser.Parse([]string{"--data", "/srv", "--http", ":80"}); err != nil {
		fmt.Println(err)
	}
	if err := cli.Complete(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(cli.HTTP, cli.Database)
	// Output: :80 /srv/stagedoor.db
}
