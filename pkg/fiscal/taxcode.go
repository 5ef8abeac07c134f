package fiscal

import (
	"errors"
	"fmt"
	"strings"
)

var (
	errTaxCode = errors.New("must be a tax code: 16 letters and digits of a person, or 11 digits")
	errShape   = errors.New("must have the form of a tax code, such as RSSMRA85T10A562S")
	errDay     = errors.New("must have a day of its month in the characters 9 to 11, that of a woman 40 higher")
	errPlace   = errors.New("must have the code of a town or a country in the characters 12 to 15")
)

const (
	// personal is the length of a person's tax code.
	personal = 16
	// pattern of the first fifteen characters: A a letter, 9 a digit.
	pattern = "AAAAAA99A99A999"
	// months are the letters of January to December.
	months = "ABCDEHLMPRST"
	// standIns are the letters that stand for 0 to 9 where two people would have
	// the same tax code (omocodia).
	standIns = "LMNPQRSTUV"
)

// longest is how many days a month of the letter may have. The year has two
// digits: 00 is taken for 2000, which was a leap year.
var longest = [12]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// odd is what a character counts at the 1st, 3rd, … place, by its value: that of
// a digit, or the place of a letter in the alphabet (decree of 23 December 1976).
var odd = [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}

// TaxCode judges a codice fiscale: a person's, of sixteen characters with a check
// character, also in the variants of omocodia; or the eleven digits of a firm, an
// association or a provisional number, whose last is a check digit.
func TaxCode(code string) error {
	switch {
	case only(code, digits):
		return checked(code)
	case len(code) != personal:
		return errTaxCode
	}
	plain, ok := withoutStandIns(code)
	if !ok || !letter(code[personal-1]) {
		return errShape
	}
	month := strings.IndexByte(months, plain[8])
	if month < 0 {
		return errors.New("must have the letter of a month at the ninth place, one of " + months)
	}
	year, day := number(plain[6:8]), number(plain[9:11])
	if day > 40 {
		day -= 40
	}
	if day < 1 || day > longest[month] || month == 1 && day == 29 && year%4 != 0 {
		return errDay
	}
	if plain[12:15] == "000" {
		return errPlace
	}
	if want := checkCharacter(code); code[personal-1] != want {
		return fmt.Errorf("must end in the check character %c", want)
	}
	return nil
}

// withoutStandIns is the code before omocodia, but for its last character; it
// reports whether each character is of its kind.
func withoutStandIns(code string) (string, bool) {
	plain := []byte(code[:len(pattern)])
	for i, c := range plain {
		if pattern[i] == 'A' {
			if !letter(c) {
				return "", false
			}
			continue
		}
		if at := strings.IndexByte(standIns, c); at >= 0 {
			plain[i] = byte('0' + at)
		} else if !only(string(c), 1) {
			return "", false
		}
	}
	return string(plain), true
}

// number is the value of two digits.
func number(text string) int { return int(text[0]-'0')*10 + int(text[1]-'0') }

// checkCharacter is the sixteenth that belongs to the first fifteen.
func checkCharacter(code string) byte {
	sum := 0
	for i := range personal - 1 {
		value := int(code[i] - '0')
		if letter(code[i]) {
			value = int(code[i] - 'A')
		}
		if i%2 == 0 {
			value = odd[value]
		}
		sum += value
	}
	return byte('A' + sum%26)
}
