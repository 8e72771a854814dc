package citrix

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// Users is what udadmin -list says: to whom user/device licenses are assigned.
type Users struct {
	Assigned []license.Assignment // without a license type: udadmin tells none
	Told     bool                 // the list was printed, even if it is empty
	Age      time.Duration        // of the data when it was printed
	Next     time.Duration        // until they are made anew; 0 if not told
	Error    string               // why there is no list, in udadmin's words
	Lines    int
	Unread   facts.UnreadLines
}

// Truncated reports whether there are names of users, and none with a domain.
func Truncated(assigned []license.Assignment) bool {
	users := 0
	for _, a := range assigned {
		if a.Kind != license.AssignedUser {
			continue
		}
		if strings.ContainsAny(a.Name, `@\`) {
			return false
		}
		users++
	}
	return users > 0
}

// Lines of udadmin. A row is read from the right: names may have blanks.
var (
	udAge  = regexp.MustCompile(`(?i)usage data is (\d+) minutes? old\.?(?:\s*next update in (\d+) minutes?)?`)
	udEcho = regexp.MustCompile(`(?i)^[a-z]:\\.*>|^\S*udadmin(\.exe)?\s+-`)
	udRow  = regexp.MustCompile(`^(.+?)\s+([A-Za-z0-9_]+)\s+(\d{4}\.\d{4})(?:\s+\((.*?)\)?)?$`)
	udTime = regexp.MustCompile(`^([A-Za-z]{3})\s+([A-Za-z]{3})\s+(\d{1,2})\s+(\d{1,2}:\d{2}:\d{2})\s+(\d{4})$`)
)

// maxMinutes bounds an age; real ones are up to 15 minutes.
const maxMinutes = 10 * 365 * 24 * 60

// ParseUsers reads the output of udadmin -list, with or without -a and -times.
// Its stamps are times of license requests in the zone of the license server.
// A row whose stamp cannot be read is kept without it, and its line is unread.
// The error is the reader's, or names a code page that does not exist.
func ParseUsers(r io.Reader, o facts.Options) (Users, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return Users{}, err
	}
	p := usersParser{zone: o.Zone}
	for lines.Next() {
		p.next(strings.TrimSpace(lines.Text()), lines.Number())
	}
	u := p.users
	u.Lines = lines.Number()
	switch {
	case u.Told:
		u.Error = ""
	case u.Lines == 0:
		u.Error = "the output is empty"
	case u.Error == "":
		u.Error = "the output has no list of users or devices"
	}
	return u, lines.Err()
}

type usersParser struct {
	users Users
	zone  *time.Location
	kind  license.AssigneeKind // of the block at hand; empty before the first
}

func (p *usersParser) next(s string, number int) {
	age := udAge.FindStringSubmatch(s)
	switch {
	case s == "", udEcho.MatchString(s):
	case age != nil:
		p.users.Age, p.users.Next, p.users.Told = minutes(age[1]), minutes(age[2]), true
	case strings.EqualFold(s, "Users:"):
		p.kind, p.users.Told = license.AssignedUser, true
	case strings.EqualFold(s, "Devices:"):
		p.kind, p.users.Told = license.AssignedDevice, true
	default:
		p.row(s, number)
	}
}

func minutes(s string) time.Duration {
	n, _ := strconv.Atoi(s) // digits, or not there
	return time.Duration(min(n, maxMinutes)) * time.Minute
}

func (p *usersParser) row(s string, number int) {
	m := udRow.FindStringSubmatch(s)
	if m == nil || p.kind == "" || len(p.users.Assigned) >= maxFacts {
		p.users.Unread.Add(number, s)
		if p.users.Error == "" {
			p.users.Error = facts.Shorten(s, facts.MaxText)
		}
		return
	}
	a := license.Assignment{Pool: Pool{Feature: m[2], SADate: m[3]}.Key(), Daemon: Daemon, Kind: p.kind, Name: m[1]}
	if m[4] != "" {
		var ok bool
		if a.Last, ok = p.stamp(m[4]); !ok {
			p.users.Unread.Add(number, s)
		}
	}
	p.users.Assigned = append(p.users.Assigned, a)
}

// stamp reads "Thu Sep 14 13:41:07 2017".
func (p *usersParser) stamp(s string) (time.Time, bool) {
	m := udTime.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	month, ok1 := text.Month(m[2])
	clock, ok2 := text.ParseClock(m[4])
	d, ok3 := calendar(m[5], strconv.Itoa(int(month)), m[3])
	if !ok1 || !ok2 || !ok3 {
		return time.Time{}, false
	}
	zone := p.zone
	if zone == nil {
		zone = time.UTC
	}
	return d.At(clock, zone).UTC(), true
}
