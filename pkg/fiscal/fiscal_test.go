package fiscal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/fiscal"
)

// Numbers that Italian firms and offices print on their documents.
var issued = []string{
	"00743110157", "00488410010", "00905811006", "06655971007", "00811720580", "01114601006",
	"02121151001", "06363391001", "02438750586", "01199250158", "07973780013", "00159560366",
}

func TestVATNumbersThatWereIssuedAreTaken(t *testing.T) {
	t.Parallel()
	for _, number := range issued {
		require.NoError(t, fiscal.VATNumber(number), number)
		require.NoError(t, fiscal.VATNumber("IT"+number), number)
	}
	for _, number := range []string{
		"ATU12345678", "BE0123456789", "BG123456789", "CY12345678X", "CZ12345678", "DE123456789", "DK12345678",
		"EE123456789", "EL123456789", "ESX1234567X", "ES12345678Z", "FI12345678", "FR83404833048", "FRXX999999999",
		"HR12345678901", "HU12345678", "IE1234567WA", "IE1X23456W", "LT123456789", "LT123456789012", "LU12345678", "LV12345678901",
		"MT12345678", "NL123456789B01", "PL1234567890", "PT123456789", "RO12", "RO1234567890", "SE123456789001", "SI12345678", "SK1234567890",
		"XI123456789", "XIGD001",
	} {
		require.NoError(t, fiscal.VATNumber(number), number)
	}
}

func TestWrongVATNumbersAreRefusedByRule(t *testing.T) {
	t.Parallel()
	for number, rule := range map[string]string{
		"":                 "must be an Italian VAT number",
		"0":                "must be an Italian VAT number",
		"0743110157":       "must be an Italian VAT number",
		"007431101570":     "must be an Italian VAT number",
		"IT":               "must be an Italian VAT number",
		"it00743110157":    "must be an Italian VAT number",
		"00743 110157":     "must be an Italian VAT number",
		"IT 00743110157":   "must have 11 digits after IT",
		"IT0074311015":     "must have 11 digits after IT",
		"IT０0743110157":    "must have 11 digits after IT",
		"00743110158":      "must end in the check digit 7",
		"IT07043110157":    "must end in the check digit 9",
		"00000000000":      "must not begin with seven zeros",
		"GR123456789":      "must begin with IT or the letters of another country of the EU",
		"US123456789":      "must begin with IT or the letters of another country of the EU",
		"DE12345678":       "must be in the form of a VAT number of DE",
		"DE1234567890":     "must be in the form of a VAT number of DE",
		"AT12345678":       "must be in the form of a VAT number of AT",
		"FROI404833048":    "must be in the form of a VAT number of FR",
		"SE123456789002":   "must be in the form of a VAT number of SE",
		"DE123456789\n":    "must be in the form of a VAT number of DE",
		"\xff\xfe12345678": "must be an Italian VAT number",
	} {
		require.ErrorContains(t, fiscal.VATNumber(number), rule, "%q", number)
	}
}

func TestTaxCodesAreTaken(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		"RSSMRA85T10A562S", "RCCMNL83S18D969H", "BNCGLI99A41F205Q", "MRTMTT25D09F205Z", "FOXDRA26C24H872Y", "HXXXXX80A01Z404R",
		"VRDLGU00B29H501U", // 29 February 2000
		// With letters in the place of digits: one, and all seven.
		"RSSMRA85T1LA562V", "RSSMRAURTMLARSNL", "RCCMNLU3S18D969E", "RCCMNLUPSMUDVSVO", "VRDLGULLBNVHRLMG", "FOXDRANSCNQHUTNF",
		// Of firms, offices and associations.
		"00743110157", "97103880585", "80230390587", "80078750587",
	} {
		require.NoError(t, fiscal.TaxCode(code), code)
	}
}

func TestWrongTaxCodesAreRefusedByRule(t *testing.T) {
	t.Parallel()
	for code, rule := range map[string]string{
		"":                       "must be a tax code",
		"RSSMRA85T10A562":        "must be a tax code",
		"RSSMRA85T10A562SS":      "must be a tax code",
		"rssmra85t10a562s":       "must have the form",
		"R5SMRA85T10A562S":       "must have the form",
		"RSSMRA8AT10A562S":       "must have the form",
		"RSSMRA85T10A5621":       "must have the form",
		"RSSMRA85T10A56\xc3\xa8": "must have the form",
		"RSSMRA85F10A562S":       "must have the letter of a month",
		"RSSMRA85T32A562S":       "must have a day of its month",
		"RSSMRA85T00A562S":       "must have a day of its month",
		"RSSMRA85T40A562S":       "must have a day of its month",
		"RSSMRA85T72A562S":       "must have a day of its month",
		"RSSMRA85D31A562S":       "must have a day of its month",
		"RSSMRA85B29A562S":       "must have a day of its month",
		"RSSMRA85T10A000S":       "must have the code of a town",
		"RSSMRA85T10A562T":       "must end in the check character S",
		"RSMSRA85T10A562S":       "must end in the check character",
		"00743110158":            "must end in the check digit 7",
		"00000000000":            "must not begin with seven zeros",
	} {
		require.ErrorContains(t, fiscal.TaxCode(code), rule, "%q", code)
	}
}

func TestRecipientCodes(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"0000000", "M5UXCR1", "XXXXXXX", "UF5QJ4", "A4707H7"} {
		require.NoError(t, fiscal.RecipientCode(code), code)
	}
	for _, code := range []string{"", "000000", "00000", "00000000", "m5uxcr1", "M5UX CR", "M5UXCR1\n", "M5UXCRÈ"} {
		require.ErrorContains(t, fiscal.RecipientCode(code), "must be a recipient code of the SDI", "%q", code)
	}
}

// A slip of the pen, one digit wrong or two neighbours exchanged, is found.
func TestOneWrongDigitIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := []byte(rapid.SampledFrom(issued).Draw(t, "number"))
		at := rapid.IntRange(0, len(number)-1).Draw(t, "at")
		number[at] = '0' + (number[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		require.Error(t, fiscal.VATNumber(string(number)), string(number))
	})
}

func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"00743110157", "IT00743110157", "RSSMRA85T1LA562V", "DE123456789", "M5UXCR1", "", "è"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vat, code, recipient := fiscal.VATNumber(text), fiscal.TaxCode(text), fiscal.RecipientCode(text)
		for _, err := range []error{vat, code, recipient} {
			if err != nil {
				require.True(t, strings.HasPrefix(err.Error(), "must "), "a rule: %v", err)
				continue
			}
			require.Regexp(t, `^[A-Z0-9+*]{4,16}$`, text, "what is taken is plain")
		}
		if len(text) == 11 && vat == nil && text[0] <= '9' {
			require.NoError(t, code, "a VAT number is a tax code of a firm")
		}
	})
}
