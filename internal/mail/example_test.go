package mail_test

import (
	"context"
	"fmt"

	"github.com/stagedoor/stagedoor/internal/mail"
)

func Example() {
	inbox := mail.NewMemory(100)
	var sender mail.Sender = inbox // or &mail.SMTP{Host: "smtp.example.com", User: …, Password: …}
	err := sender.Send(context.Background(), mail.Message{
		From: "Mixtape <no-reply@mixtape.example>", To: "ada@example.com", Subject: "Welcome", Text: "Hello Ada",
	})
	fmt.Println(err, inbox.Messages()[0].Subject)
	// Output: <nil> Welcome
}
