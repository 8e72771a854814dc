// Package format tells the formats of license managers apart by their first
// bytes. Reading them is the business of the packages below it.
package format

import (
	"bytes"
	"regexp"
	"slices"
)

// A Format is a kind of text that a license manager prints or keeps.
type Format string

// The formats that are read. Unknown is none of them.
const (
	Unknown       Format = "unknown"
	FlexNetStatus Format = "flexnet-status" // lmutil lmstat -a, -f, -s
	FlexNetTerms  Format = "flexnet-terms"  // lmutil lmstat -i
	FlexNetLog    Format = "flexnet-log"    // debug log of lmgrd and its daemons
	LicenseFile   Format = "license-file"   // FlexNet license file

	DSLSStatus     Format = "dsls-status"     // a session of DSLicSrv -admin: usage as CSV or text, table of licenses
	MathLMStatus   Format = "mathlm-status"   // monitorlm, as text or with our template
	MathLMLog      Format = "mathlm-log"      // log of mathlm
	LSDynaStatus   Format = "lsdyna-status"   // lstc_qrun -r
	OLicenseStatus Format = "olicense-status" // olixtool
	RLMStatus      Format = "rlm-status"      // rlmutil rlmstat -a
	RLMLog         Format = "rlm-log"         // debug log of vendors' servers, and of rlm itself
	RLMReportLog   Format = "rlm-report-log"  // report log of a vendor's server
	LMXStatus      Format = "lmx-status"      // lmxendutil -licstat, -licstatxml
	SentinelStatus Format = "sentinel-status" // lsmon
	SentinelLog    Format = "sentinel-log"    // usage log of Sentinel RMS
	SlurmStatus    Format = "slurm-status"    // scontrol show lic
	RelayStatus    Format = "relay-status"    // relay ls --plain
	GenericStatus  Format = "generic-status"  // our own JSON
	CitrixAnswers  Format = "citrix-answers"  // what our PowerShell scripts print
	CitrixPrinted  Format = "citrix-printed"  // objects of WMI and the licensing SDK, printed by PowerShell, wmic or Checkmk
	CitrixUsers    Format = "citrix-users"    // udadmin -list
	CitrixHistory  Format = "citrix-history"  // Historical Use, as CSV
)

// All lists the formats that can be asked for by name.
var All = []Format{
	FlexNetStatus, FlexNetTerms, FlexNetLog, LicenseFile,
	DSLSStatus, MathLMStatus, MathLMLog, LSDynaStatus, OLicenseStatus,
	RLMStatus, RLMLog, RLMReportLog,
	LMXStatus, SentinelStatus, SentinelLog,
	SlurmStatus, RelayStatus, GenericStatus,
	CitrixAnswers, CitrixPrinted, CitrixUsers, CitrixHistory,
}

// HeadBytes is how much of an input Detect wants to see.
const HeadBytes = 64 << 10

// Parse returns the format of that name.
func Parse(name string) (Format, bool) {
	f := Format(name)
	return f, slices.Contains(All, f)
}

// signs are what gives a format away, in the order in which they are tried: our
// own JSON may have texts of any other, a log may quote a license file, lmstat
// -a -i prints the terms behind the usage, terms alone have the banner of a
// status, and "Server name: x" looks like a line of a license file.
var signs = []struct {
	format Format
	sign   *regexp.Regexp
}{
	{GenericStatus, regexp.MustCompile(`"headroom_usage"\s*:`)},
	{RLMReportLog, regexp.MustCompile(`(?m)^RLM Report Log Format \d`)},
	{RLMLog, regexp.MustCompile(`(?m)^\d{1,2}/\d{1,2} \d{1,2}:\d\d \([^)\s]+\)`)},
	{RLMStatus, regexp.MustCompile(`(?m)^\s*(rlm(util|stat) v\d|rlm status on |\S+ (ISV server|license pool|license usage) status on |Error connecting to "[^"\r\n]+" server)`)},
	{FlexNetLog, regexp.MustCompile(`(?m)^[ \d]?\d:\d\d:\d\d \([^)\s]+\) `)},
	{LMXStatus, regexp.MustCompile(`LM-X End-user Utility|(?i:\blicense server on )\d+@|<(LM-X|LICENSE_PATH)\b|There are no license server\(s\) available|(?m:^\s*\d+ of \S+ license\(s\) used)`)},
	{SentinelStatus, regexp.MustCompile(`(?m)^\s*(\|- Feature (Information|name)|\[Contacting [^\r\n]*server on host "|Sentinel[^\r\n]*Application Monitor\s*$)`)},
	{SentinelLog, regexp.MustCompile(`(?m)^(\d+ \d+ \S+|# *(Startup|Shutdown) [^\r\n]*) \w{3} \w{3} [ \d]?\d \d\d:\d\d:\d\d \d{4}\s+\d+ `)},
	{FlexNetStatus, regexp.MustCompile(`(?m)^\s*Users of [^\r\n]+:\s`)},
	{FlexNetTerms, regexp.MustCompile(`(?mi)^\s*Feature\s+Version\s+#licenses\s+`)},
	{DSLSStatus, regexp.MustCompile(`(?m)^(admin >\s*)*Editor,EditorId,Feature,|^\s*License Administration Tool Version |^admin >|\smaxReleaseNumber\s*:`)},
	{MathLMStatus, regexp.MustCompile(`(?m)^headroom\|mathlm\||^\s*MathLM (Version|Server) |^\s*License Usage Summary:`)},
	{MathLMLog, regexp.MustCompile(`(?m)^\S+ - [^\[\r\n]*\[\d\d?/\w{3}/\d{4}:\d\d:\d\d:\d\d[^\]\r\n]*\] "[^\r\n]*" "[^\r\n]*" -\r?$`)},
	{LSDynaStatus, regexp.MustCompile(`(?m)^\s*PROGRAM\s+EXPIRATION\s+CPUS\s+USED\s|^\s*LICENSE GROUP\s+\d|^Using (user specified|default) server \S*@`)},
	{OLicenseStatus, regexp.MustCompile(`(?m)^\s*olixtool \d|^\s*OlComm \d|\sFloatsLockedBy\b|^\s*Name;\s*LicenseType;\s*FloatCount;`)},
	{FlexNetStatus, regexp.MustCompile(`(?m)^\s*(License server status:|Flexible License Manager status on |lm(util|stat)( -|\s+v?\d|.*Copyright)|[^\r\n]*\(-\d+,\d+)|: license server UP`)},
	{SlurmStatus, regexp.MustCompile(`(?m)^LicenseName=\S+\s+Total=`)},
	{RelayStatus, regexp.MustCompile(`(?m)^(\| )?id\s.*\bclaims\s+(\| )?node_id\s`)},
	{CitrixAnswers, regexp.MustCompile(`(?m)^headroom-citrix-1 \{`)},
	{CitrixUsers, regexp.MustCompile(`(?mi)^\s*Usage data is \d+ minutes? old`)},
	{CitrixPrinted, regexp.MustCompile(`(?m)^<<<citrix_licenses|^\s*(LicenseProductName|ProductEditionModel|PLD|SLVersion|LSVersion|RetentionPeriod)\s+:|^\s*Product\s+: [A-Z0-9]+_[A-Z0-9_]+\s*$|^PEM\s+SADate\s|^FeatureName\s+ProductNameandEdition\s|^Count\s.*\sInUseCount\s.*\sPLD\s`)},
	{CitrixHistory, regexp.MustCompile(`(?mi)^"?(Date|Datum|Fecha|Day)"?[,;\t].*(in ?use|used|usage|verwend|genutzt|utilis|en uso)`)},
	{LicenseFile, regexp.MustCompile(`(?mi)^\s*(SERVER|VENDOR|DAEMON|INCREMENT|FEATURE|PACKAGE|UPGRADE)\s+\S+`)},
}

// Detect says what head, the first HeadBytes of an input, is the beginning of.
// UTF-16 is recognised by its ASCII letters.
func Detect(head []byte) Format {
	if len(head) > HeadBytes {
		head = head[:HeadBytes]
	}
	if bytes.HasPrefix(head, []byte{0xFF, 0xFE}) || bytes.HasPrefix(head, []byte{0xFE, 0xFF}) {
		head = bytes.ReplaceAll(head[2:], []byte{0}, nil)
	}
	for _, s := range signs {
		if s.sign.Match(head) {
			return s.format
		}
	}
	return Unknown
}
