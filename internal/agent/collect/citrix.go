package collect

import (
	"bytes"
	"context"
	_ "embed" // for the script
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// citrixScript asks WMI and the licensing SDK. It is part of the program, so
// that nobody can put another in its place.
//
//go:embed citrix.ps1
var citrixScript []byte

// The sources of a Citrix License Server that are not asked by the script.
const (
	sourceUdadmin = "udadmin"
	sourceFiles   = "license-files"
)

// leaseDefault is for how long a user/device license stays assigned after its
// last use, unless a license file tells it.
const leaseDefault = 90 * 24 * time.Hour

// A Citrix reads a Citrix License Server by all sources that answer, one after
// the other. Pools come from WMI, else from the licensing SDK, with what only
// the License Activation Service has; users and devices from udadmin, else
// from the SDK. A source that fails costs nothing but what it would have told,
// and Result.Sources says how each stands.
type Citrix struct {
	PowerShell   string // absolute path of powershell.exe
	AdminAddress string // of the license server's Web Services for Licensing; empty: this machine is the license server
	CertHash     string // of the certificate that it must show; empty: the one that it shows
	Udadmin      string // absolute path; empty: not asked
	Licenses     string // folder of license files; empty: not read
	LASTwice     bool   // the License Activation Service reports twice what was bought: half of it counts
	Host         string // of the license server, where it does not say so itself
	Temp         string // an existing folder that only this account may write to
	Resume       string // see Result.Resume; "" begins with the license server's own past
	Zone         *time.Location
	CodePage     string
	Timeout      time.Duration // of each run of a tool; 0: DefaultTimeout
	Now          func() time.Time

	told license.Server // what the license server said of itself last
	past bool           // the next reading is one of the past
}

// Read asks all sources once, or, right after that, for a part of the past
// that has not been read yet.
func (r *Citrix) Read(ctx context.Context) (Result, error) {
	if r.past {
		r.past = false
		return r.readPast(ctx)
	}
	now := r.Now().Truncate(time.Second)
	q := citrixReading{Citrix: r, now: now, answers: map[string]citrix.Answer{}}
	if r.AdminAddress == "" {
		q.ask(ctx, citrix.SourcePools, citrix.SourceLicenses)
	}
	sdk := []string{citrix.SourceInfo, citrix.SourceInventory, citrix.SourceLAS}
	if r.Udadmin == "" {
		sdk = append(sdk, citrix.SourceUsage)
	}
	q.ask(ctx, sdk...)
	q.askUdadmin(ctx)
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	q.readFiles()
	res := q.result()
	r.past = res.HasSnapshot() && r.Resume != pastDone
	res.More = r.past
	return res, nil
}

// A citrixReading is one reading under way.
type citrixReading struct {
	*Citrix
	now     time.Time
	answers map[string]citrix.Answer
	users   *citrix.Users // nil where udadmin did not answer
	grants  []citrix.Grant
	states  []SourceState
}

// ask asks sources of the script, in one run of PowerShell, and notes how each
// stands.
func (q *citrixReading) ask(ctx context.Context, sources ...string) {
	answers, err := q.run(ctx, sources, "")
	for _, source := range sources {
		i := slices.IndexFunc(answers, func(a citrix.Answer) bool { return a.Source == source })
		if i < 0 {
			if err == nil {
				err = errors.New("PowerShell ended without an answer")
			}
			q.states = append(q.states, SourceState{Name: source, At: q.now, Failure: oneLine(err.Error())})
			continue
		}
		q.answers[source] = answers[i]
		q.states = append(q.states, stateOf(answers[i], q.now))
	}
}

// stateOf says how a source stands that has answered.
func stateOf(a citrix.Answer, now time.Time) SourceState {
	s := SourceState{Name: a.Source, At: now, Absent: a.Absent}
	switch {
	case a.Error != "":
		s.Failure = constrained(a.Language, a.Error)
	case a.Absent:
	case a.Unread.Total > 0:
		s.Remark = fmt.Sprintf("%d rows were not understood, such as %s", a.Unread.Total, facts.Shorten(a.Unread.First[0].Text, 100))
	case a.Source == citrix.SourceLAS && len(a.Pools) > 0:
		s.Remark = "quantities as reported; how this source answers was never verified"
	}
	return s
}

// run runs the script. The error says why not all of the sources answered.
func (r *Citrix) run(ctx context.Context, sources []string, span string) (answers []citrix.Answer, err error) {
	dir, err := os.MkdirTemp(r.Temp, "citrix-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	script := filepath.Join(dir, "citrix.ps1")
	if err := os.WriteFile(script, citrixScript, 0o600); err != nil {
		return nil, err
	}
	args := []string{"-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", script, "-Ask", strings.Join(sources, ",")}
	if r.AdminAddress != "" {
		args = append(args, "-AdminAddress", r.AdminAddress)
	}
	if r.CertHash != "" {
		args = append(args, "-CertHash", r.CertHash)
	}
	if from, to, ok := strings.Cut(span, "/"); ok {
		args = append(args, "-From", from, "-To", to)
	}
	c := Command{Path: r.PowerShell, Args: args, Env: []string{"TEMP=" + dir, "TMP=" + dir}, Timeout: r.Timeout}
	out, err := c.Run(ctx)
	if err != nil {
		return nil, err
	}
	answers, noise, err := citrix.ParseAnswers(bytes.NewReader(out.Text), facts.Options{CodePage: r.CodePage})
	if err == nil && len(answers) < len(sources) {
		err = errors.New(talk(noise))
	}
	return answers, err
}

// talk says in a sentence what PowerShell said instead of an answer.
func talk(noise facts.UnreadLines) string {
	var all []string
	for _, u := range noise.First {
		all = append(all, u.Text)
	}
	said := oneLine(strings.Join(all, " "))
	switch {
	case said == "":
		return "PowerShell printed no answer"
	case strings.Contains(said, "ConstrainedLanguage"):
		return constrained("ConstrainedLanguage", facts.Shorten(said, 300))
	case strings.Contains(said, "PSSecurityException"), strings.Contains(said, "UnauthorizedAccess"):
		return "PowerShell's execution policy, which a group policy sets, keeps the agent's script from running: " + facts.Shorten(said, 300)
	}
	return "PowerShell printed no answer, but: " + facts.Shorten(said, 300)
}

// constrained adds to an error that PowerShell is constrained, if it is: then
// that is what has to be changed.
func constrained(language, reason string) string {
	if language == "" || language == "FullLanguage" {
		return reason
	}
	return "PowerShell is constrained on this machine (" + language + ", set by AppLocker or App Control), and refuses: " + reason
}

// askUdadmin runs udadmin with arguments that can only list.
func (q *citrixReading) askUdadmin(ctx context.Context) {
	if q.Udadmin == "" {
		return
	}
	s := SourceState{Name: sourceUdadmin, At: q.now}
	out, err := Command{Path: q.Udadmin, Args: []string{"-list", "-a", "-times"}, Timeout: q.Timeout}.Run(ctx)
	var u citrix.Users
	if err == nil {
		zone := q.Zone
		if zone == nil {
			zone = time.Local
		}
		u, err = citrix.ParseUsers(bytes.NewReader(out.Text), facts.Options{Zone: zone, CodePage: q.CodePage})
	}
	switch {
	case err != nil:
		s.Failure = oneLine(err.Error())
	case u.Error != "":
		s.Failure = oneLine(u.Error)
	default:
		q.users, s.Age = &u, u.Age
		if u.Unread.Total > 0 {
			s.Remark = fmt.Sprintf("%d lines were not understood, such as %q", u.Unread.Total, facts.Shorten(u.Unread.First[0].Text, 100))
		}
	}
	q.states = append(q.states, s)
}

// readFiles reads the license files. Without them WMI may tell what they grant.
func (q *citrixReading) readFiles() {
	if q.Licenses == "" {
		q.grants = q.answers[citrix.SourceLicenses].Grants
		return
	}
	s := SourceState{Name: sourceFiles, At: q.now}
	var err error
	if q.grants, err = readGrants(q.Licenses, q.CodePage); err != nil {
		s.Failure = oneLine(err.Error())
	}
	q.states = append(q.states, s)
}

// readGrants reads all license files of a folder, or says which cannot be read:
// half of them prove nothing.
func readGrants(folder, codePage string) ([]citrix.Grant, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []citrix.Grant
	for _, e := range entries {
		if e.IsDir() || !strings.EqualFold(filepath.Ext(e.Name()), ".lic") {
			continue
		}
		f, err := readLicenseFile(filepath.Join(folder, e.Name()), codePage)
		if err != nil {
			return nil, err
		}
		all = append(all, citrix.Grants(f)...)
	}
	return all, nil
}

// result puts together what the sources told.
func (q *citrixReading) result() Result {
	res := Result{At: q.now, Own: true, Server: q.server()}
	pools, complete, failure := q.pools()
	if len(pools) == 0 {
		res.Failure = failure
	} else {
		res.Snapshot = license.Snapshot{At: q.now, Complete: complete, Readings: citrix.Readings(pools)}
		res.Unlisted = true
		res.Shared = q.shared(res.Snapshot.Readings)
	}
	res.Assignments = q.assignments(res.Snapshot.Readings)
	res.Sources = q.states
	return res
}

// server is what the license server says of itself, else what was configured.
func (q *citrixReading) server() license.Server {
	s := q.answers[citrix.SourceInfo].Server
	if s.Version == "" {
		s.Version = q.told.Version
	}
	if len(s.Hosts) == 0 {
		s.Hosts = q.told.Hosts
	}
	if len(s.Hosts) == 0 && q.Host != "" {
		s.Hosts = []string{q.Host}
	}
	s.Manager = "citrix"
	q.told = s
	return s
}

// pools returns the rows that count, whether they are all that there is, and,
// if there are none, why. Two sources are never added for one feature: what
// the License Activation Service has counts where no other source names it.
func (q *citrixReading) pools() (pools []citrix.Pool, complete bool, failure string) {
	wmi, inventory, las := q.answers[citrix.SourcePools], q.answers[citrix.SourceInventory], q.answers[citrix.SourceLAS]
	base := wmi
	complete = q.settled(citrix.SourcePools) && q.settled(citrix.SourceLAS)
	if len(wmi.Pools) == 0 {
		base = inventory
		complete = complete && q.settled(citrix.SourceInventory)
	}
	named := map[string]bool{}
	for _, p := range base.Pools {
		named[p.Feature] = true
	}
	pools = slices.Clone(base.Pools)
	for _, p := range q.halved(las.Pools) {
		if !named[p.Feature] {
			pools = append(pools, p)
		}
	}
	if len(pools) == 0 {
		return nil, false, q.whyNone()
	}
	return pools, complete, ""
}

// settled reports whether nothing more can come from a source: it was not to be
// asked, it is not there, or it told all that it has.
func (q *citrixReading) settled(source string) bool {
	i := slices.IndexFunc(q.states, func(s SourceState) bool { return s.Name == source })
	return i < 0 || q.states[i].Failure == "" && q.answers[source].Unread.Total == 0
}

// halved returns what the License Activation Service reports, by half where
// the setting says that it reports twice what was bought.
func (q *citrixReading) halved(pools []citrix.Pool) []citrix.Pool {
	if !q.LASTwice {
		return pools
	}
	pools = slices.Clone(pools)
	reported, counted := int64(0), int64(0)
	for i := range pools {
		p := &pools[i]
		reported += p.Installed.N
		if p.Installed.Known && p.Installed.N%2 == 0 {
			p.Installed.N /= 2
		}
		counted += p.Installed.N
	}
	q.remark(citrix.SourceLAS, fmt.Sprintf("%d licenses are reported, and %d counted: the setting says that they are reported twice", reported, counted))
	return pools
}

// remark adds to what is said of a source.
func (q *citrixReading) remark(source, text string) {
	for i := range q.states {
		if s := &q.states[i]; s.Name == source && s.Remark != "" {
			s.Remark += "; " + text
		} else if s.Name == source {
			s.Remark = text
		}
	}
}

// whyNone says why there is no pool: an empty list is no list of zeros.
func (q *citrixReading) whyNone() string {
	var why []string
	for _, s := range q.states {
		switch s.Name {
		case citrix.SourcePools, citrix.SourceInventory, citrix.SourceLAS:
		default:
			continue
		}
		switch {
		case s.Failure != "":
			why = append(why, s.Name+": "+s.Failure)
		case s.Absent:
			why = append(why, s.Name+": not there")
		default:
			why = append(why, s.Name+": lists nothing")
		}
	}
	return oneLine(strings.Join(why, "; "))
}

// shared finds pools that license files prove to be one purchase with another,
// and takes installed from the reading of the legacy feature: it is told with
// the current one.
func (q *citrixReading) shared(readings []license.Reading) map[license.Pool]string {
	all := map[license.Pool]string{}
	for legacy, current := range citrix.Twins(readings, q.grants, catalog.Twin) {
		all[legacy] = current.Feature
	}
	for i := range readings {
		if r := &readings[i]; all[r.Pool] != "" {
			r.Installed, r.Overdraft = license.Count{}, license.Count{}
		}
	}
	return all
}

// assignments returns to whom licenses are assigned; nil where no source told.
func (q *citrixReading) assignments(readings []license.Reading) *license.Assignments {
	a := license.Assignments{LastIs: license.LastRequest, Lease: leaseDefault}
	sdk, asked := q.answers[citrix.SourceUsage]
	source := sourceUdadmin
	switch {
	case q.users != nil:
		a.At, a.List, a.Complete = q.now.Add(-q.users.Age), slices.Clone(q.users.Assigned), q.users.Unread.Total == 0
	case asked && sdk.Error == "" && !sdk.Absent:
		a.At, a.List, a.Complete, source = q.now, slices.Clone(sdk.Assigned), sdk.Unread.Total == 0, citrix.SourceUsage
	default:
		return nil
	}
	if lease := citrix.Lease(q.grants); lease > 0 {
		a.Lease = lease
	}
	a.Truncated = citrix.Truncated(a.List)
	for i := range a.List {
		a.List[i].Pool = poolOf(a.List[i].Pool, readings)
	}
	if text := differs(a.List, readings); text != "" {
		q.remark(source, text)
	}
	return &a
}

// poolOf returns the pool of which a source names only feature and date: the
// only one that has both, else the name itself.
func poolOf(p license.Pool, readings []license.Reading) license.Pool {
	found, n := p, 0
	for _, r := range readings {
		if r.Pool.Feature == p.Feature && (r.Pool.Variant == p.Variant || strings.HasPrefix(r.Pool.Variant, p.Variant+" ")) {
			found = r.Pool
			n++
		}
	}
	if n == 1 {
		return found
	}
	return p
}

// differs says where the number of assignments is not what is in use, for the
// first feature of which that is so.
func differs(list []license.Assignment, readings []license.Reading) string {
	assigned, inUse := map[string]int64{}, map[string]license.Count{}
	for _, a := range list {
		assigned[a.Pool.Feature]++
	}
	for _, r := range readings {
		sum, seen := inUse[r.Pool.Feature]
		if !seen {
			sum = license.Of(0)
		}
		inUse[r.Pool.Feature] = sum.Plus(r.InUse)
	}
	for _, r := range readings {
		f := r.Pool.Feature
		if n := assigned[f]; n > 0 && inUse[f].Known && inUse[f].N != n {
			return fmt.Sprintf("%s: %d are assigned, and the license server says %d in use", f, n, inUse[f].N)
		}
	}
	return ""
}
