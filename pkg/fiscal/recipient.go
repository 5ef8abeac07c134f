package fiscal

import (
	"errors"
	"regexp"
)

// NoRecipientCode is the recipient code of who has none: the exchange system sends
// the invoice to a PEC address, or puts it into the tax drawer.
const NoRecipientCode = "0000000"

var (
	recipient    = regexp.MustCompile(`^[A-Z0-9]{6,7}$`)
	errRecipient = errors.New("must be a recipient code of the SDI: 7 capital letters and digits, " +
		"6 of a public office, 0000000 of who has none, XXXXXXX abroad")
)

// RecipientCode judges the codice destinatario by which the exchange system (SDI)
// finds who gets an invoice: seven characters of a firm's channel, six of a
// public office (IndicePA).
func RecipientCode(code string) error {
	if !recipient.MatchString(code) || code == NoRecipientCode[:6] {
		return errRecipient
	}
	return nil
}
