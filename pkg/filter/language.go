package filter

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

// language is CEL with the two variables, the functions of strings (lowerAscii,
// split, …) and optional fields (item.data.?total.orValue(0)). It knows no clock
// and no chance, so that a filter says the same of an event whenever it is asked.
var language = sync.OnceValues(func() (*cel.Env, error) {
	env, err := newLanguage()
	if err != nil {
		return nil, err
	}
	// The checker lists all that it knows when it first meets a name that it does
	// not, and other goroutines read that list without waiting (cel-go 0.33.2,
	// checker.Env.Catalog): so it meets one before there are any.
	_, _ = env.Compile("unknown()")
	return env, nil
})

func newLanguage() (*cel.Env, error) {
	base, err := cel.NewEnv(cel.OptionalTypes(), ext.Strings())
	if err != nil {
		return nil, err
	}
	return base.Extend(
		cel.CustomTypeProvider(newProvider(base.CELTypeProvider())),
		cel.Variable("event", eventKind.celType),
		cel.Variable("item", itemKind.celType),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(MaxLength),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), literalPatterns{}, noGrowing{}),
	)
}
