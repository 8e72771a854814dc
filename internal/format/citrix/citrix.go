// Package citrix reads what tells of Citrix License Servers: the answers of
// our own PowerShell scripts (WMI and the licensing SDK), the same objects as
// PowerShell and wmic print them, udadmin's list of users and devices, the CSV
// of Historical Use, and what Citrix adds to FlexNet's license files.
//
// A pool is (feature, Subscription Advantage date, license type): pools of one
// product that differ in them stay apart, and are added per product by whoever
// asks for it. Counts are the source's: installed includes overdraft, as the
// server tells it, and nothing is computed from percentages.
//
// How Citrix's own answer for the License Activation Service looks was never
// seen: it is read by several names for each property, as it is, and marked.
package citrix

import (
	"fmt"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// Daemon is the vendor daemon of a Citrix License Server.
const Daemon = "CITRIX"

// maxText bounds one input.
const maxText = 32 << 20

var errTooMuch = fmt.Errorf("the text has more than %d MiB", maxText>>20)

// maxFacts bounds how many facts are kept of one input.
const maxFacts = 1_000_000

// An Answer is what one source told, in whatever form.
type Answer struct {
	Source   string    // what was asked; empty where the form does not tell
	At       time.Time // when it was asked, by the clock of the machine that asked; zero if not told
	Language string    // PowerShell's language mode; empty if not told

	Error   string // why there is no answer; the rest is then empty
	ErrorID string // PowerShell's name of the error, the same in every language
	Absent  bool   // the source is not there, and will not be: no snap-in, no such class

	Server   license.Server // host and version, as far as told
	Pools    []Pool
	Grants   []Grant
	Assigned []license.Assignment
	Past     []Past
	Earliest time.Time // of all usage samples that the server has; zero if not told
	Sampling Sampling
	Features []Name // names of features
	Types    []Name // names of license types
	Other    int    // objects that tell nothing about licenses
	Lines    int
	Unread   facts.UnreadLines

	past *Pool // whose samples come next, in printed text
}

// A Name is what the license server calls a feature or a license type.
type Name struct {
	Code  string
	Name  string
	Model string // of a feature
}

// Sampling is how the license server records its own usage.
type Sampling struct {
	Told      bool
	Enabled   bool
	Every     time.Duration // 0 if not told
	Retention time.Duration // 0 if not told
}

// room reports whether another fact may be kept.
func (a *Answer) room() bool {
	return len(a.Pools)+len(a.Grants)+len(a.Assigned)+len(a.Past)+len(a.Features)+len(a.Types) < maxFacts
}
