package console

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// A serversPage lists license servers with how they stand.
type serversPage struct {
	Gone      bool // the view "Silent and removed"
	Listed    int
	GoneCount int
	Reporting int
	Total     int
	Rule      []string
	MayErase  bool
	Erasing   template.HTML // since when deleted data are being taken away; empty: nothing is
	Rows      []serverRow
}

// A serverRow is one license server.
type serverRow struct {
	GUID, Name, Hosts       string
	Href                    string
	Place                   string        // where it stands and what it is for
	Strip                   template.HTML // how much is known of it day by day
	Erased                  string        // what was deleted of it; empty: nothing
	Status                  template.HTML
	StatusNote              string
	Reported, ReportedAt    template.HTML
	Reading, ReadingAt      template.HTML
	Reader                  template.HTML
	Failure                 string
	Names                   []string // how the names of its people come, newest first
	Manager, Version        string
	Agent                   string
	Contact                 template.HTML
	Identity, Clock         template.HTML // where something is wrong with that of its agent
	IdentityNote            string
	Sources                 []sourceRow // where it is read by several
	Update                  string      // the address that asks for an update; empty: nobody may
	Acknowledge             string      // the address that takes note that it is silent; empty: there is no need, or nobody may
	Waits                   string      // what is said of an update that was asked for
	StatusSort              int
	ReportedSort, ReadsSort string
}

func (c *Console) getServers(w http.ResponseWriter, r *http.Request, v visit) error {
	all, err := c.Usage.Servers(r.Context(), v.member.Org)
	if err != nil {
		return err
	}
	known, err := c.Usage.KnownDays(r.Context(), v.member.Org)
	if err != nil {
		return err
	}
	p := newServersPage(v.clock, v.thresholds(), all, known, r.URL.Query().Get("view") == "silent", v.member.Role)
	erasing, err := c.Erasure.Erasing(r.Context())
	if err != nil {
		return err
	}
	if !erasing.IsZero() {
		p.Erasing = v.clock.Age(erasing)
	}
	return show(c, w, r, v, look.Shell{Title: "License Servers", Section: "servers"}, c.pages.servers, http.StatusOK, p)
}

// postUpdate asks for an update of a license server.
func (c *Console) postUpdate(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.Registrations.AskUpload(r.Context(), v.actor(), r.PathValue("guid")); err != nil {
		return err
	}
	c.tell(r, look.Good, "An update is asked for. Its agent hears of it at its next contact, within minutes.")
	http.Redirect(w, r, "/servers", http.StatusSeeOther)
	return nil
}

// postAcknowledge takes note that a license server is silent.
func (c *Console) postAcknowledge(w http.ResponseWriter, r *http.Request, v visit) error {
	chosen, err := c.chosenServers(r, v, []string{r.PathValue("guid")})
	if err != nil {
		return err
	}
	if s := chosen[0]; s.Status != usage.Silent {
		return fault.Errorf(fault.Conflict, "%s is not silent: there is nothing to take note of", s.Name)
	}
	if err := c.Registrations.Acknowledge(r.Context(), v.actor(), chosen[0].GUID); err != nil {
		return err
	}
	c.tell(r, look.Good, chosen[0].Name+" is not counted among those that should report until it does.")
	http.Redirect(w, r, "/servers?view=silent", http.StatusSeeOther)
	return nil
}

func newServersPage(clock look.Clock, t usage.Thresholds, all []usage.Server, known map[string]usage.Known, gone bool, role account.Role) serversPage {
	p := serversPage{Gone: gone, Rule: statusRule(t), MayErase: role.May(account.Admin)}
	for _, s := range all {
		away := s.Status == usage.Silent || s.Status == usage.Removed
		if away {
			p.GoneCount++
		} else {
			p.Listed++
		}
		if s.Counts() {
			p.Total++
		}
		if s.Status == usage.Reporting {
			p.Reporting++
		}
		if away == gone {
			row := newServerRow(clock, t, s)
			row.act(clock, s, role)
			row.Strip = knownStrip(clock, known[s.GUID], s.Name)
			p.Rows = append(p.Rows, row)
		}
	}
	return p
}

// act fills in what somebody may do with a license server.
func (row *serverRow) act(clock look.Clock, s usage.Server, role account.Role) {
	if role.May(account.Operator) && s.Status != usage.Removed && !waits(clock, s) {
		row.Update = serverPath(s.GUID) + "/update"
	}
	if role.May(account.Admin) && s.Status == usage.Silent && s.Counts() {
		row.Acknowledge = serverPath(s.GUID) + "/acknowledge"
	}
}

// statusRule says in words how a status comes about.
func statusRule(t usage.Thresholds) []string {
	return []string{
		fmt.Sprintf("Reporting: the hub received a reading within the last %s.", span(t.Reporting)),
		fmt.Sprintf("Not Reporting: the last one is more than %s and up to %s old.", span(t.Reporting), span(t.Listed)),
		fmt.Sprintf("Older ones leave this list for Silent and removed; their history stays, and they still count in \u201cn of m reporting\u201d. "+
			"A license server that never reported is a warning after %s.", span(t.Awaited)),
	}
}

// span writes a threshold: in days where it is whole days and more than one.
func span(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return look.Plural(int(d/(24*time.Hour)), "day", "days")
	}
	return look.Length(d)
}

func newServerRow(clock look.Clock, t usage.Thresholds, s usage.Server) serverRow {
	row := serverRow{
		GUID: s.GUID, Name: s.Name, Hosts: hostsText(s), Href: serverPath(s.GUID), Place: joined(placeOf(s)), Status: statusMark(s), StatusNote: statusNote(clock, t, s), StatusSort: statusRank[s.Status],
		Reported: clock.Age(s.LastReported), ReportedAt: timeUnder(clock, s.LastReported), ReportedSort: sortTime(s.LastReported),
		Reading: clock.Age(s.LastReading), ReadingAt: timeUnder(clock, s.LastReading), ReadsSort: sortTime(s.LastReading),
		Manager: managerWord(s.Manager), Version: s.Version, Agent: agentText(s), Contact: clock.Age(s.LastContact),
		Sources: sourceRows(clock, s.Sources),
		Names:   namesLines(clock, s.Names),
	}
	row.Waits = updateNote(clock, s)
	if !s.Forked.IsZero() {
		row.Identity, row.IdentityNote = look.Status(look.Bad, "Used by two"), "last "+clock.AgeText(s.Forked)
	}
	if s.WrongClock() {
		row.Clock = look.Status(look.Warn, clockError(s))
	}
	if !s.Erased.IsZero() {
		row.Erased = "usage data before " + clock.Text(s.Erased) + " were deleted by " + s.ErasedBy
	}
	switch {
	case !s.FailedAt.IsZero():
		row.Reader, row.Failure = look.Status(look.Bad, "Failing"), s.Failure
	case s.LastReading.IsZero():
		row.Reader = look.None("it has not read anything yet")
	case clock.Now.Sub(s.LastReading) > t.Reporting:
		row.Reader = look.Status(look.Mute, "Not heard of")
	default:
		row.Reader = look.Status(look.Good, "Reading")
	}
	return row
}

// waits says whether an agent is still told of an update that was asked for.
func waits(clock look.Clock, s usage.Server) bool {
	return s.UploadAsked.After(s.LastReported) && clock.Now.Sub(s.UploadAsked) <= registration.UploadWaits
}

// updateNote says what became of an update that was asked for; nothing once it
// came.
func updateNote(clock look.Clock, s usage.Server) string {
	switch {
	case waits(clock, s):
		return "update asked for " + clock.AgeText(s.UploadAsked)
	case s.UploadAsked.After(s.LastReported) && clock.Now.Sub(s.UploadAsked) < 24*time.Hour:
		return "an update was asked for " + clock.AgeText(s.UploadAsked) + "; none came"
	}
	return ""
}

// agentText says which agent reads a license server.
func agentText(s usage.Server) string {
	switch {
	case s.Agent == "":
		return "no agent"
	case strings.EqualFold(s.Agent, s.Name):
		return "its own agent"
	}
	return "agent on " + s.Agent
}

// clockError says how wrong the clock of a license server's agent is.
func clockError(s usage.Server) string {
	if s.Clock < 0 {
		return look.Length(-s.Clock) + " behind"
	}
	return look.Length(s.Clock) + " ahead"
}

// namesLines says how the names of a server's people come, and how they came
// before, newest first. It says nothing where they were always clear.
func namesLines(clock look.Clock, changes []usage.NamesChange) []string {
	var lines []string
	for i, n := range changes {
		mode := n.Mode
		if n.Key != "" {
			mode += " (key " + n.Key + ")"
		}
		line := "names: " + mode + " since " + clock.Text(n.Since)
		if i < len(changes)-1 {
			line = "before: " + mode + ", from " + clock.Text(n.Since)
		}
		lines = append(lines, line)
	}
	slices.Reverse(lines)
	return lines
}

// timeUnder is the instant below an age; nothing where there is none.
func timeUnder(clock look.Clock, t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	return clock.Time(t)
}

func hostsText(s usage.Server) string {
	if len(s.Hosts) == 1 && strings.EqualFold(s.Hosts[0], s.Name) {
		return ""
	}
	return joined(s.Hosts)
}

var statusTones = map[usage.Status]look.Tone{
	usage.Reporting: look.Good, usage.NotReporting: look.Warn, usage.Awaiting: look.Mute, usage.Silent: look.Bad, usage.Removed: look.Mute,
}

// statusRank sorts what needs somebody first.
var statusRank = map[usage.Status]int{
	usage.Silent: 1, usage.NotReporting: 2, usage.Awaiting: 3, usage.Reporting: 4, usage.Removed: 5,
}

// statusWord is a status as it is written on pages.
func statusWord(s usage.Server) string {
	if s.Status == usage.NotReporting {
		return "Not Reporting"
	}
	return firstUpper(string(s.Status))
}

func statusMark(s usage.Server) template.HTML {
	tone := statusTones[s.Status]
	if s.Status == usage.Awaiting && s.Overdue {
		tone = look.Warn
	}
	return look.Status(tone, statusWord(s))
}

// statusNote says what else there is to say of a status.
func statusNote(clock look.Clock, t usage.Thresholds, s usage.Server) string {
	switch {
	case s.Status == usage.Awaiting && s.Overdue:
		return "registered " + clock.AgeText(s.Registered) + "; the first upload was due within " + span(t.Awaited)
	case s.Status == usage.Awaiting:
		return "registered " + clock.AgeText(s.Registered)
	case s.Status == usage.Silent && !s.Counts():
		return "taken note of " + clock.AgeText(s.Acknowledged)
	}
	return ""
}

// managerWord is a license manager's name as people write it.
func managerWord(m string) string {
	words := map[string]string{
		"flexnet": "FlexNet", "citrix": "Citrix", "rlm": "RLM", "lmx": "LM-X", "dsls": "DSLS", "sentinel": "Sentinel",
		"mathlm": "MathLM", "lsdyna": "LS-DYNA", "olicense": "OLicense", "slurm": "Slurm", "keygen-relay": "Keygen Relay",
	}
	if w, ok := words[m]; ok {
		return w
	}
	return m
}
