package mathlm

import (
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// Template is a file for monitorlm's option -template. With it, monitorlm
// prints lines of fields between bars, a character that user and host names do
// not have on the systems that it runs on; a user, who may be called anything,
// comes last. The tags are those that Wolfram documents or that others use:
// per program the processes that are out and authorized, over all license
// classes, and a line for each process. ParseStatus reads the output.
//
// There is no date in it, because the tags for dates differ between versions:
// whoever runs monitorlm knows when that was (facts.Options.At).
const Template = `# What Headroom reads: run monitorlm SERVER -template THIS_FILE
%VAR_MPROCESS = "Mathematica" "MathKernel" "SubMathematica" "SubMathKernel"
%REP_GENERAL_HOLDER_LINE = "holder|%VAR_MPROCESS|%PROC_FQDN|%PROC_DURATION|%PROC_USER\n"

%TEXT
` + templateStart + `
server|%CONST_SERVER_VERSION
pool|Mathematica|%CONST_TOTAL_FE_OUT|%CONST_TOTAL_FE_AUTHORIZED
pool|MathKernel|%CONST_TOTAL_KE_OUT|%CONST_TOTAL_KE_AUTHORIZED
pool|SubMathematica|%CONST_TOTAL_SUB_FE_OUT|%CONST_TOTAL_SUB_FE_AUTHORIZED
pool|SubMathKernel|%CONST_TOTAL_SUB_KE_OUT|%CONST_TOTAL_SUB_KE_AUTHORIZED
%REP_GENERAL_HOLDER_LINE
` + templateEnd + `
`

const (
	templateStart = "headroom|mathlm|1"
	templateEnd   = "end|headroom|mathlm"
)

// readTemplated reads a line that our template made. A tag that monitorlm does
// not know stays as it is, so that its value is unknown.
func (p *statusParser) readTemplated(t string) bool {
	if t == templateEnd {
		p.ended = true
		return true
	}
	kind, rest, _ := strings.Cut(t, "|")
	switch kind {
	case "server":
		if !strings.HasPrefix(rest, "%") {
			p.server.Version = strings.TrimSpace(rest)
		}
		return true
	case "pool":
		return p.readPool(strings.Split(rest, "|"))
	case "holder":
		return p.readProcess(strings.SplitN(rest, "|", 4))
	}
	return false
}

// readPool reads PROGRAM, OUT, AUTHORIZED. A program of which none is
// authorized is none of the site's pools.
func (p *statusParser) readPool(f []string) bool {
	if len(f) != 3 || programOf(f[0]) == "" {
		return false
	}
	used, ok1 := text.ParseCount(strings.TrimSpace(f[1]))
	authorized, ok2 := text.ParseCount(strings.TrimSpace(f[2]))
	r := license.Reading{Pool: license.Pool{Feature: programOf(f[0])}}
	switch {
	case !ok1 || !ok2:
		r.Reason = facts.Shorten("monitorlm printed "+f[1]+" of "+f[2], facts.MaxText)
	case used == 0 && authorized == 0:
		return true
	default:
		r.State, r.Installed = license.StateOf(authorized)
		r.InUse = license.Of(used)
	}
	p.addPool(r)
	return true
}

// readProcess reads PROGRAM, HOST, DURATION, USER.
func (p *statusParser) readProcess(f []string) bool {
	if len(f) != 4 || strings.HasPrefix(f[0], "%") || programOf(f[0]) == "" {
		return false
	}
	ran, ok := readDuration(strings.TrimSpace(f[2]))
	user := strings.TrimSpace(f[3])
	if !ok || user == "" || strings.HasPrefix(user, "%") {
		return false
	}
	p.addHolder(license.Holder{Pool: license.Pool{Feature: programOf(f[0])}, User: user, Host: strings.TrimSpace(f[1])}, ran)
	return true
}

// programOf returns a program's name as the text of monitorlm has it:
// "Sub Mathematica" for "SubMathematica".
func programOf(s string) string {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "SubMath"); ok {
		return "Sub Math" + rest
	}
	return s
}
