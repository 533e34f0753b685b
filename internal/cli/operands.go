package cli

import (
	"fmt"
	"strings"
)

// checkOperands compares the number of operands with what a command's ArgsUsage says: words in brackets may be left out, dots at the end stand for
// any number, and a bar parts alternatives.
//
//	NAME VERSION      two      [WORD]               none or one
//	REF...            one up   CONTEXT|NAME VERSION one or two
func checkOperands(command, pattern string, operands []string) error {
	var want []string
	for alternative := range strings.SplitSeq(pattern, "|") {
		least, most := operandCount(alternative)
		if len(operands) >= least && (most < 0 || len(operands) <= most) {
			return nil
		}
		want = append(want, strings.TrimSpace(alternative))
	}
	f := usage("%s was given %s", command, quoted(operands)).Advise("the form is: %s %s", command, strings.Join(want, " or "))
	if pattern == "" {
		return f.Advise("%s takes no names", command)
	}
	return f
}

// operandCount is the least and the most operands; the most is negative when there is no bound.
func operandCount(pattern string) (least, most int) {
	for word := range strings.FieldsSeq(pattern) {
		if !strings.HasPrefix(word, "[") {
			least++
		}
		if strings.HasSuffix(strings.TrimSuffix(word, "]"), "...") {
			return least, -1
		}
		most++
	}
	return least, most
}

// quoted lists at most a few operands.
func quoted(operands []string) string {
	const shown = 4
	if len(operands) == 0 {
		return "no names"
	}
	var words []string
	for _, o := range operands[:min(len(operands), shown)] {
		words = append(words, fmt.Sprintf("%.60q", o))
	}
	if len(operands) > shown {
		words = append(words, fmt.Sprintf("and %d more", len(operands)-shown))
	}
	return strings.Join(words, " ")
}
