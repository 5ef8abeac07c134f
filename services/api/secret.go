package api

import (
	"fmt"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// firstSecret seals a new webhook's secret, its own or one that is made, and
// returns its text, which is shown once. The error may be a hook.FieldError.
func (s *Service) firstSecret(w *hook.Webhook, own *string) (string, error) {
	if err := checkSignature(w); err != nil {
		return "", err
	}
	text, err := newSecret(w, own)
	if err != nil {
		return "", err
	}
	return text, s.setSecret(w, text)
}

// newSecret is the text of a webhook's own secret, or of one that is made. The
// error may be a hook.FieldError, without the value.
func newSecret(w *hook.Webhook, own *string) (string, error) {
	if own == nil {
		return format.NewSecret(w.Format, w.Signature)
	}
	return *own, format.CheckSecret(w.Format, w.Signature, *own)
}

// changeSecret puts a webhook's own secret in place of all it has. A format or an
// algorithm whose secrets look otherwise than before needs one.
func (s *Service) changeSecret(w *hook.Webhook, before hook.Webhook, own *string) error {
	if err := checkSignature(w); err != nil {
		return err
	}
	if own != nil {
		if err := format.CheckSecret(w.Format, w.Signature, *own); err != nil {
			return err
		}
		return s.setSecret(w, *own)
	}
	if w.Format == before.Format && w.Signature == before.Signature {
		return nil
	}
	for _, sealed := range w.Secrets {
		text, err := s.openSecret(w, sealed)
		if err != nil {
			return err
		}
		if format.CheckSecret(w.Format, w.Signature, text) != nil {
			return hook.FieldError{Field: "secret", Rule: "is required: the present one is no secret of the format " + string(w.Format) +
				inWords(w.Signature)}
		}
	}
	return nil
}

func inWords(algorithm hook.Signature) string {
	if algorithm == hook.Ed25519 {
		return " with the signature ed25519"
	}
	return ""
}

// checkSignature refuses an algorithm that the format has not.
func checkSignature(w *hook.Webhook) error {
	if w.Format.Takes(w.Signature) {
		return nil
	}
	return hook.FieldError{Field: "signature", Value: string(w.Signature), Rule: "must be hmac-sha256 in the format " + string(w.Format)}
}

func (s *Service) setSecret(w *hook.Webhook, text string) error {
	sealed, err := s.sealSecret(w, text)
	if err != nil {
		return err
	}
	w.Secrets, w.SecretsUntil = [][]byte{sealed}, nil
	return nil
}

func (s *Service) sealSecret(w *hook.Webhook, text string) ([]byte, error) {
	sealed, err := s.cfg.Seal.Seal([]byte(text), []byte(w.ID))
	if err != nil {
		return nil, fmt.Errorf("seal the secret of %s: %w", w.ID, err)
	}
	return sealed, nil
}

func (s *Service) openSecret(w *hook.Webhook, sealed []byte) (string, error) {
	text, err := s.cfg.Seal.Open(sealed, []byte(w.ID))
	if err != nil {
		return "", fmt.Errorf("open the secret of %s: %w", w.ID, err)
	}
	return string(text), nil
}

// publicKey is what the receivers of an ed25519 webhook verify with; empty for
// others, and while no key opens the secret.
func (s *Service) publicKey(w *hook.Webhook) string {
	if w.Signature != hook.Ed25519 || len(w.Secrets) == 0 {
		return ""
	}
	text, err := s.openSecret(w, w.Secrets[0])
	if err != nil {
		return ""
	}
	public, err := signature.PublicKey(text)
	if err != nil {
		return ""
	}
	return public
}
