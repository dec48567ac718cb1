package main

import (
	"fmt"
	"io"
)

// printWelcome tells a person who has just started the demo where to look and how to sign in.
func printWelcome(w io.Writer, info *demoInfo, file string) {
	fmt.Fprintf(w, `
  Stagedoor is open.

  Mixtape, the sample app    %s
  Stagedoor                  %s
  Its dashboard              %s/dashboard
  Mails that it sends        %s/u/inbox
  For SDKs (https)           domain %s

  Sign in to Mixtape as
`, info.MixtapeURL, info.HTTPURL, info.HTTPURL, info.HTTPURL, info.Domain)
	for _, u := range info.Users {
		fmt.Fprintf(w, "    %-24s %s\n", u.Email, u.Password)
	}
	fmt.Fprintf(w, `
  Sign in to the dashboard as
    client ID                %s
    client secret            %s

  Let programs trust the certificates of https:
    export NODE_EXTRA_CA_CERTS=%s
    export SSL_CERT_FILE=%s

  Everything else that programs need is in %s.
  Press Ctrl+C to stop; the next start goes on where you left.

`, info.Management.ClientID, info.Management.ClientSecret, info.CAFile, info.CAFile, file)
}
