package citrix_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

func users(t testing.TB, text string, zone *time.Location) citrix.Users {
	t.Helper()
	u, err := citrix.ParseUsers(strings.NewReader(text), facts.Options{Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

const usersText = `Usage data is 12 minutes old. Next update in 3 minutes.
Users:
 anna XDT_PLT_UD 2026.1201 (Mon Nov  2 08:15:00 2026)
  Jane van der Berg XDT_ENT_UD 2025.1201 (Tue Feb 10 23:59:59 2026)
 anna MPS_PLT_UD 2026.1201
Devices:
 kiosk-07 XDT_PLT_UD 2026.1201 (Wed Nov 25 06:00:01 2026)
`

func TestUsersAndDevicesComeWithTheirStamps(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for _, text := range []string{usersText, strings.ReplaceAll(usersText, "\n", "\r\n"), "udadmin.exe -list -a -times\n\n" + strings.ReplaceAll(usersText, "\n ", "\n")} {
		u := users(t, text, zone)
		assigned := func(kind license.AssigneeKind, name, feature, date string, last time.Time) license.Assignment {
			return license.Assignment{Pool: license.Pool{Feature: feature, Variant: date}, Daemon: citrix.Daemon, Kind: kind, Name: name, Last: last}
		}
		want := []license.Assignment{
			assigned(license.AssignedUser, "anna", "XDT_PLT_UD", "2026.1201", time.Date(2026, 11, 2, 7, 15, 0, 0, time.UTC)),
			assigned(license.AssignedUser, "Jane van der Berg", "XDT_ENT_UD", "2025.1201", time.Date(2026, 2, 10, 22, 59, 59, 0, time.UTC)),
			assigned(license.AssignedUser, "anna", "MPS_PLT_UD", "2026.1201", time.Time{}),
			assigned(license.AssignedDevice, "kiosk-07", "XDT_PLT_UD", "2026.1201", time.Date(2026, 11, 25, 5, 0, 1, 0, time.UTC)),
		}
		if d := cmp.Diff(want, u.Assigned); d != "" {
			t.Errorf("assigned (-want +got):\n%s", d)
		}
		if u.Age != 12*time.Minute || u.Next != 3*time.Minute || u.Error != "" || u.Unread.Total != 0 || !citrix.Truncated(u.Assigned) {
			t.Errorf("age %v, next %v, error %q, unread %+v, truncated %v", u.Age, u.Next, u.Error, u.Unread, citrix.Truncated(u.Assigned))
		}
	}
}

func TestNamesWithDomainsAreNotTruncated(t *testing.T) {
	for name, want := range map[string]bool{"abc": true, "abc@eng.com": false, `CORP\abc`: false} {
		if got := citrix.Truncated(users(t, "Users:\n "+name+" XDT_PLT_UD 2026.1201\n", nil).Assigned); got != want {
			t.Errorf("%s: truncated %v, want %v", name, got, want)
		}
	}
	if citrix.Truncated(users(t, "Devices:\n kiosk XDT_PLT_UD 2026.1201\n", nil).Assigned) {
		t.Error("without users nothing is known of their names")
	}
}

func TestAListWithoutNamesIsAList(t *testing.T) {
	if u := users(t, "Usage data is 1 minute old. Next update in 14 minutes.\nUsers:\nDevices:\n", nil); !u.Told || u.Error != "" || len(u.Assigned) != 0 || u.Age != time.Minute {
		t.Errorf("users %+v, want an empty list that was told", u)
	}
}

func TestWhatIsNoListOfUsersIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "empty",
		"Access is denied.\n":                   "Access is denied.",
		"\n\n":                                  "no list",
		" anna XDT_PLT_UD 2026.1201\n":          "anna", // nobody says whether it is a user
		"Error: cannot connect to the server\n": "cannot connect",
	} {
		if u := users(t, text, nil); u.Told || !strings.Contains(u.Error, want) || len(u.Assigned) != 0 {
			t.Errorf("%q: %+v, want an error with %q", text, u, want)
		}
	}
}

func TestAnOddRowCostsNotTheRest(t *testing.T) {
	u := users(t, "Users:\n anna XDT_PLT_UD 2026.1201 (Mon Foo 2 08:15:00 2026)\n ?\n bob XDT_PLT_UD 2026.1201 (Tue Feb 30 08:15:00 2026)\n cy XDT_PLT_UD 2026.1201\n", nil)
	if len(u.Assigned) != 3 || u.Unread.Total != 3 || !u.Assigned[0].Last.IsZero() || !u.Assigned[1].Last.IsZero() {
		t.Errorf("%+v, want three rows without stamps, and three lines told of", u)
	}
}
