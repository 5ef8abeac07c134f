package api

import (
	"fmt"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// firstSecret seals a new webhook's secret, its own or one that is made, and
// returns its text, which is shown once. The error may be a hook.FieldError.
func (s *Service) firstSecret(w *hook.Webhook, own *string) (string, error) {
	text := ""
	if own != nil {
		text = *own
		if err := checkSecret(w.Format, text); err != nil {
			return "", err
		}
	} else {
		text = makeSecret(w.Format)
	}
	return text, s.setSecret(w, text)
}

// changeSecret puts a webhook's own secret in place of those it has. A format
// whose secrets look otherwise needs one.
func (s *Service) changeSecret(w *hook.Webhook, before hook.Format, own *string) error {
	if own != nil {
		if err := checkSecret(w.Format, *own); err != nil {
			return err
		}
		return s.setSecret(w, *own)
	}
	if w.Format == before {
		return nil
	}
	for _, sealed := range w.Secrets {
		text, err := s.cfg.Seal.Open(sealed, []byte(w.ID))
		if err != nil {
			return fmt.Errorf("open the secret of %s: %w", w.ID, err)
		}
		if checkSecret(w.Format, string(text)) != nil {
			return hook.FieldError{Field: "secret", Rule: "is required: the present one is no secret of the format " + string(w.Format)}
		}
	}
	return nil
}

func (s *Service) setSecret(w *hook.Webhook, text string) error {
	sealed, err := s.cfg.Seal.Seal([]byte(text), []byte(w.ID))
	if err != nil {
		return fmt.Errorf("seal the secret of %s: %w", w.ID, err)
	}
	w.Secrets = [][]byte{sealed}
	return nil
}

// checkSecret returns a hook.FieldError without the value.
func checkSecret(format hook.Format, text string) error {
	if format == hook.FormatRentman {
		return signature.CheckToken(text)
	}
	_, err := signature.ParseSecret(text)
	return err
}

func makeSecret(format hook.Format) string {
	if format == hook.FormatRentman {
		return signature.NewToken()
	}
	return signature.NewSecret()
}
