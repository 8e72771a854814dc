package agent

import (
	"regexp"
	"strings"
)

// masked stands for words that do not leave the site.
const masked = "\u2026"

// maskText returns of a text only the words that license managers and this
// program use to say what is wrong, and the numbers of errors; all other words
// may be names. What was masked before stays as it is.
func maskText(s string) string {
	var out []string
	for word := range strings.FieldsSeq(s) {
		core := strings.Trim(word, `()[]{}<>"'.,:;!?`)
		switch {
		case core == "" || plainWords[strings.ToLower(core)] || errorNumber.MatchString(core):
			out = append(out, word)
		case len(out) == 0 || out[len(out)-1] != masked:
			out = append(out, masked)
		}
	}
	return strings.Join(out, " ")
}

// errorNumber is how FlexNet and others number errors: "-15", "-15,570",
// "-15,578:10049". A number without its sign may be somebody's.
var errorNumber = regexp.MustCompile(`^-\d{1,3}(,\d{1,4}(:\d{1,5})?)?$`)

// plainWords are the words that may leave. A word is added if it explains an
// error and is nobody's name.
var plainWords = wordSet(`
a above access action add address after again agent ago all already an and another answer any are argument as at available
bad be because been before below between binary bound broken but by
call called cannot certificate change changed check checked checkout child clock closed code command communicate
communications complete concurrent configuration configured connect connected connection contact context control corrupt
could count counted counts create current
daemon damaged data database date days deadline degraded denied did directory disk does domain down due duplicate
each earlier empty encryption end ended entry error exceeded exclude exec exist existing exists exit expected expiration
expired
failed failure fast feature features file files find first floating for format found from full
get given good gone group
had handshake has have heartbeat held hold host hostid hostname
i/o id in include incomplete incompatible incorrect initialize input installed internal invalid inventory is it its
key kind killed known
last later less license licensed licenses licensing limit line lines list listed lists local lock locked log login lost
machine manager many match maximum may memory message minute minutes missing module more must
name names network never new newer no node none not nothing number
of off offline old older on once one only open opened operation option options or other out output over
package page parse part partly password path peer pending permission permitted pool pools port privilege privileges process
processing product products program protocol provider proxy
queue queued quorum
reached reachable read reader reading readings reason recognized record records refused rejected release
remote removed request requested required reserved reset resolve resource response retry returned rights route run running
same seat seats second seconds serve served server servers service session set several shared shut shutdown signal since
small source space specified start started state status stopped such support supported syntax system
table tell tells terminated than that the them then there these they this time timed timeout timestamp to token tokens too
tool total totals triad tried two type
unable unauthorized unavailable understood unexpected unknown unlimited unread unreachable unsupported until up usage use
used user user/host users
valid value vendor version
wait waiting was were what when where which while why will with within without word words write written wrong
yet zero zone
inactive lmgrd lmutil lmstat flexnet rlm dsls sentinel mathlm slurm citrix powershell wmi sdk udadmin
`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
