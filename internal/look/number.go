package look

import (
	"html/template"
	"math"
	"strconv"
	"strings"

	"headroom/internal/license"
)

const (
	thin  = "\u202f" // narrow no-break space: groups digits, keeps a unit with its number
	minus = "\u2212" // the minus sign, as wide as a digit
	dash  = "\u2014" // stands where there is nothing to say
)

// Number writes n with its digits in groups of three.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = minus, digits[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(thin)
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Decimal writes x with one digit after the point, and a dash where it is not
// a number.
func Decimal(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return dash
	}
	tenths := int64(math.Round(x * 10))
	sign := ""
	if tenths < 0 {
		sign, tenths = minus, -tenths
	}
	return sign + Number(tenths/10) + "." + strconv.FormatInt(tenths%10, 10)
}

// Percent writes a percentage with one digit after the point. What is not
// nothing is never shown as 0.0, and what is not all never as 100.0.
func Percent(p float64) string {
	switch {
	case p > 0 && p < 0.05:
		return "under 0.1" + thin + "%"
	case p < 100 && p >= 99.95:
		return "over 99.9" + thin + "%"
	}
	return Decimal(p) + thin + "%"
}

// Count writes a count; one that is not known is the word "unknown", with why
// as its title.
func Count(c license.Count, why string) template.HTML {
	if c.Known {
		return template.HTML(Number(c.N))
	}
	return Unknown(why)
}

// Unknown writes the word "unknown", with why as its title where it is known.
func Unknown(why string) template.HTML {
	if why == "" {
		why = "No license server has told this."
	}
	return template.HTML(`<span class="unknown" title="` + template.HTMLEscapeString(why) + `">unknown</span>`)
}

// None writes a dash for what does not apply, with why as its title.
func None(why string) template.HTML {
	why = template.HTMLEscapeString(why)
	return template.HTML(`<span class="none" title="` + why + `"><span aria-hidden="true">` + dash +
		`</span><span class="hidden">` + why + `</span></span>`)
}

// Plural writes a number with the noun that fits it: "1 server", "4 servers".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(int64(n)) + " " + many
}
