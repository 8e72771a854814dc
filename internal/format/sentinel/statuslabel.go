package sentinel

import (
	"regexp"
	"slices"
	"strings"
)

// A label says what a line of lsmon is about.
type label uint8

const (
	labelOther label = iota // nothing that is kept
	labelFeature
	labelVersion
	labelMaximum    // of users at one time
	labelUnreserved // tokens in use that anybody can have
	labelReserved   // tokens in use that are set aside for a group
	labelCommuter   // tokens in use that are taken off line
	labelCommuting  // whether tokens can be taken off line
	labelQueue      // tokens that clients wait for
	labelQueueNeed  // the same in other versions
	labelStart
	labelExpiration
	labelLicenseStatus
	labelLicenseType
	labelUser
	labelHost
	labelDisplay
	labelStatus
	labelOffLine   // whether a client took its token off line
	labelTokens    // of a client
	labelRequested // tokens that a client waits for
)

// A labelRule names a label by words that must stand in it. Versions differ in
// more than one of them: SentinelLM says "key" for a token and "max".
type labelRule struct {
	label label
	words [][]string // one of each
	not   []string   // none of these
}

var (
	tokenWords = []string{"token", "tokens", "key", "keys"}
	userWords  = []string{"user", "users"}
	team       = []string{"team", "teams", "capacity"} // licenses for teams have counts of their own
)

// labelRules are tried in this order.
var labelRules = []labelRule{
	{labelFeature, [][]string{{"feature"}, {"name"}}, nil},
	{labelVersion, [][]string{{"feature"}, {"version"}}, nil},
	{labelMaximum, [][]string{{"max", "maximum"}, {"concurrent"}, userWords}, team},
	{labelUnreserved, [][]string{{"unreserved"}, tokenWords, {"in"}, {"use"}}, team},
	{labelReserved, [][]string{{"reserved"}, tokenWords, {"in"}, {"use"}}, team},
	{labelCommuter, [][]string{{"commuter"}, tokenWords, {"in"}, {"use"}}, team},
	{labelCommuting, [][]string{{"commuter"}, {"license", "licenses"}, {"allowed"}}, nil},
	{labelQueue, [][]string{tokenWords, {"in"}, {"queue"}}, team},
	{labelQueueNeed, [][]string{tokenWords, {"required"}, {"queue"}}, nil},
	{labelStart, [][]string{{"license"}, {"start"}, {"date"}}, nil},
	{labelExpiration, [][]string{{"expiration"}, {"date"}}, nil},
	{labelLicenseStatus, [][]string{{"license"}, {"status"}}, []string{"elan"}},
	{labelLicenseType, [][]string{{"license"}, {"type"}}, nil},
	{labelUser, [][]string{{"user"}, {"name"}}, nil},
	{labelHost, [][]string{{"host"}, {"name"}}, nil},
	{labelDisplay, [][]string{{"display"}, {"name"}}, nil},
	{labelOffLine, [][]string{{"is"}, {"commuter"}, tokenWords}, nil},
	{labelTokens, [][]string{{"number"}, tokenWords, {"used"}}, nil},
	{labelRequested, [][]string{{"no", "number"}, tokenWords, {"requested"}}, nil},
	{labelStatus, [][]string{{"status"}}, []string{"server", "trial", "current"}},
}

// labelOf finds what a key is about by its words.
func labelOf(key string) label {
	words := strings.FieldsFunc(strings.ToLower(key), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	has := func(any []string) bool {
		return slices.ContainsFunc(any, func(w string) bool { return slices.Contains(words, w) })
	}
	for _, rule := range labelRules {
		all := !slices.ContainsFunc(rule.words, func(any []string) bool { return !has(any) })
		if all && !has(rule.not) {
			return rule.label
		}
	}
	return labelOther
}

// A field is a key with its value.
type field struct {
	label label
	value string
}

// maxKey is longer than any key.
const maxKey = 60

// secondKey finds the second of two fields that old versions print in one line.
var secondKey = regexp.MustCompile(`(?i)\s(feature version|available (?:un)?reserved)\s*:`)

// fields reads the fields of a line, of which the marker "|-" is taken off.
func fields(t string) []field {
	key, value, ok := strings.Cut(t, ":")
	key = strings.TrimSpace(key)
	if !ok || key == "" || len(key) > maxKey || strings.ContainsAny(key, `"[]`) {
		return nil
	}
	f := field{labelOf(key), value}
	var more []field
	if f.label == labelFeature || f.label == labelUnreserved || f.label == labelReserved {
		if all := secondKey.FindAllStringIndex(value, -1); all != nil {
			at := all[len(all)-1][0]
			f.value, more = value[:at], fields(value[at:])
		}
	}
	f.value = unquote(f.value)
	return append([]field{f}, more...)
}

// unquote takes blanks off a value, and quotes.
func unquote(t string) string {
	t = strings.TrimSpace(t)
	if strings.HasPrefix(t, `"`) {
		if end := strings.LastIndexByte(t, '"'); end > 0 {
			return t[1:end]
		}
	}
	return t
}
