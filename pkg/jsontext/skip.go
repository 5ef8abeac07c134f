package jsontext

// skip reads over one value at s.pos. Its recursion is bounded by MaxDepth.
func (s *Scanner) skip() error {
	switch s.Kind() {
	case Object:
		return s.skipObject()
	case Array:
		return s.skipArray()
	case String:
		_, err := s.skipString()
		return err
	case Number:
		return s.skipNumber()
	case Bool:
		if s.at() == 't' {
			return s.literal("true")
		}
		return s.literal("false")
	case Null:
		return s.literal("null")
	default:
		return s.want("a value")
	}
}

func (s *Scanner) skipObject() error {
	if err := s.Open(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.next(first, '}', "a comma or }")
		if !more || err != nil {
			return err
		}
		s.space()
		if _, err := s.skipString(); err != nil {
			return err
		}
		if s.space(); s.at() != ':' {
			return s.want("a colon")
		}
		s.pos++
		if err := s.skip(); err != nil {
			return err
		}
	}
}

func (s *Scanner) skipArray() error {
	if err := s.Open(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.next(first, ']', "a comma or ]")
		if !more || err != nil {
			return err
		}
		if err := s.skip(); err != nil {
			return err
		}
	}
}

func (s *Scanner) literal(word string) error {
	if len(s.text)-s.pos < len(word) || s.text[s.pos:s.pos+len(word)] != word {
		return s.want(word)
	}
	s.pos += len(word)
	return nil
}

// Null reads over a null.
func (s *Scanner) Null() error {
	s.space()
	return s.literal("null")
}

// skipNumber reads over a number: -? (0 | 1-9 digits) (. digits)? (e ± digits)?
func (s *Scanner) skipNumber() error {
	if s.at() == '-' {
		s.pos++
	}
	if s.at() == '0' {
		s.pos++
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.at() == '.' {
		s.pos++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if c := s.at(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.at(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return nil
}

func (s *Scanner) digits() error {
	if !isDigit(s.at()) {
		return s.want("a digit")
	}
	for isDigit(s.at()) {
		s.pos++
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
