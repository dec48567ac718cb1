package config

import (
	"slices"
	"testing"
)

// TestUnknown: a misspelt variable is found, and nothing that others mean.
func TestUnknown(t *testing.T) {
	got := Unknown([]string{
		"STAGEDOOR_TRUSTED_PROXY=10.0.0.0/8", "STAGEDOOR_HTTP=:8080", "STAGEDOOR_DB=postgres://u:topsecret@h/d", "STAGEDOOR_MAIL_PORT=25", "STAGEDOOR_DATABASE_FILE=/run/secrets/database",
		"STAGEDOOR_CONFIG=x.json", "STAGEDOOR_TEST_POSTGRES=postgres://h/d", "STAGEDOOR_COPY_FROM=a", "PATH=/bin", "STAGEDOORS=1",
		"STAGEDOOR_SERVICE_HOST=10.1.1.1", "STAGEDOOR_SERVICE_PORT=8080", "STAGEDOOR_SERVICE_PORT_HTTP=8080", "STAGEDOOR_PORT=tcp://10.1.1.1:8080", "STAGEDOOR_PORT_8080_TCP=tcp://10.1.1.1:8080",
		"STAGEDOOR_PORT_8080_TCP_ADDR=10.1.1.1", "STAGEDOOR_ADMIN_SERVICE_HOST=10.1.1.2",
	})
	if !slices.Equal(got, []string{"STAGEDOOR_DB", "STAGEDOOR_TRUSTED_PROXY"}) {
		t.Errorf("unknown are %v", got)
	}
}
