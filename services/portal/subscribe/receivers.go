package subscribe

import (
	"embed"
	"fmt"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
)

//go:embed receivers
var receivers embed.FS

// Receiver is a whole program that receives and verifies what a webhook sends, in one
// language of programming.
type Receiver struct {
	// Language is its name, and ID its id in HTML.
	Language, ID string
	// File is what to save it as, Run how it is started; Needs what is to be installed
	// before, may be empty.
	File, Run, Needs string
	// Code has nothing of the webhook: the secret comes by the environment.
	Code string
}

// Receivers are those that verify a webhook's signatures. The error is a defect of the
// files.
func Receivers(format client.WebhookFormat, signature client.WebhookSignature) ([]Receiver, error) {
	all := []Receiver{
		{Language: "Go", ID: "go", File: "receiver.go", Run: "go run receiver.go"},
		{Language: "PHP", ID: "php", File: "receiver.php", Run: "php -S 127.0.0.1:9000 receiver.php"},
		{Language: "Node.js", ID: "node", File: "receiver.js", Run: "node receiver.js"},
		{Language: "Python", ID: "python", File: "receiver.py", Run: "python3 receiver.py"},
	}
	kind := receiverKind(format, signature)
	for i := range all {
		r := &all[i]
		_, ending, _ := strings.Cut(r.File, ".")
		code, err := receivers.ReadFile("receivers/" + kind + "." + ending + ".txt")
		if err != nil {
			return nil, fmt.Errorf("portal: receivers: %w", err)
		}
		r.Code = string(code)
		if kind == "ed25519" && r.ID == "python" {
			r.Needs = "pip install cryptography"
		}
	}
	return all, nil
}

// receiverKind is the first part of the files' names: what there is to verify.
func receiverKind(format client.WebhookFormat, signature client.WebhookSignature) string {
	switch {
	case format == client.WebhookFormatRentman || format == client.WebhookFormatCassaInCloud:
		return string(format)
	case signature == client.WebhookSignatureEd25519:
		return "ed25519"
	default:
		return "standard"
	}
}
