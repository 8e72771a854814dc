package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/license"
)

// A Citrix License Server makes its tables anew every quarter of an hour.
const citrixRefresh = 15 * time.Minute

// powershell prints what the agents' script does about a Citrix License Server:
// an answer for each source that it is asked for. The licensing SDK is
// installed; it answers for the server's version, and its sampling was switched
// on a moment ago, so that it tells no past.
func (s *Server) powershell(t time.Time, args []string) (string, error) {
	i := slices.Index(args, "-Ask")
	if i < 0 || i+1 == len(args) {
		return "", wrongArgs("powershell", args)
	}
	var b strings.Builder
	for source := range strings.SplitSeq(args[i+1], ",") {
		answer := map[string]any{"source": source, "language": "FullLanguage", "at": t.UTC().Format(time.RFC3339)}
		if s.Down(t) {
			answer["error"], answer["error_id"] = "The RPC server is unavailable.", "HRESULT 0x800706ba,GetCimInstance"
		} else if rows, there := s.citrixRows(source, t); there {
			answer["rows"] = rows
			if source == "sdk-history" {
				answer["about"] = map[string]string{"LSVersion": s.Version, "EarliestDateOfSample": t.UTC().Format(time.RFC3339)}
			}
		} else {
			answer["absent"] = true
		}
		line, err := json.Marshal(answer)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "headroom-citrix-1 %s\n", line)
	}
	return b.String(), nil
}

// citrixRows is what a source lists; there says whether it exists.
func (s *Server) citrixRows(source string, t time.Time) (rows []map[string]string, there bool) {
	rows = []map[string]string{}
	switch source {
	case "wmi-pools":
		for i := range s.Features {
			f := &s.Features[i]
			date, kind, _ := strings.Cut(f.Variant, " ")
			p := f.purchase(t)
			rows = append(rows, map[string]string{
				"PLD": f.Name, "Count": fmt.Sprint(p.Installed), "Overdraft": fmt.Sprint(p.Overdraft), "InUseCount": fmt.Sprint(s.use(f, t)),
				"PooledAvailable": fmt.Sprint(p.Installed - s.use(f, t)), "SubscriptionDate": date, "LicenseType": kind,
			})
		}
	case "wmi-licenses":
		for i := range s.Features {
			f := &s.Features[i]
			date, kind, _ := strings.Cut(f.Variant, " ")
			p := f.purchase(t)
			rows = append(rows, map[string]string{
				"PLD": f.Name, "SerialNumber": s.serial(i), "Count": fmt.Sprint(p.Installed - p.Overdraft), "SubscriptionDate": date, "LicenseType": kind,
			})
		}
	case "sdk-info":
		rows = append(rows, map[string]string{"SLVersion": "v" + s.Version + " i86_n3", "HostName": s.Name})
	case "sdk-sampling":
		rows = append(rows, map[string]string{"Enabled": "True", "PollingInterval": "15", "RetentionPeriod": "180"})
	case "sdk-history":
	default:
		return nil, false
	}
	return rows, true
}

// serial is the serial number of a purchase.
func (s *Server) serial(feature int) string {
	return fmt.Sprintf("LA-%010d-%05d:%d", s.Features[feature].seed%1e10, 10000+feature, s.Port)
}

// citrixTerms is what Citrix adds to a line of a license file.
func (s *Server) citrixTerms(feature int) string {
	f := &s.Features[feature]
	_, kind, _ := strings.Cut(f.Variant, " ")
	lease := ""
	if f.Shape == Assigned {
		lease = ";LP=90"
	}
	return fmt.Sprintf(" \\\n\tVENDOR_STRING=;LT=%s;GP=720;SA=1;ODP=10%s \\\n\tDUP_GROUP=V ISSUED=15-jan-2024 NOTICE=\"Northwind Engineering\" SN=%s",
		kind, lease, s.serial(feature))
}

// udadmin prints what udadmin -list -a -times does, in the server's own zone:
// to whom licenses are assigned, and when each asked for a license last. Its
// tables are those of the last quarter of an hour.
func (s *Server) udadmin(t time.Time, args []string) (string, error) {
	if !slices.Equal(args, []string{"-list", "-a", "-times"}) {
		return "", wrongArgs("udadmin", args)
	}
	if s.Down(t) {
		return "Failed to connect to the license server.\n", nil
	}
	made := t.Truncate(citrixRefresh)
	old := int(t.Sub(made) / time.Minute)
	var users, devices strings.Builder
	for i := range s.Features {
		f := &s.Features[i]
		date, _, _ := strings.Cut(f.Variant, " ")
		for _, a := range s.Assignments(f, made) {
			to := &users
			if a.Kind == license.AssignedDevice {
				to = &devices
			}
			fmt.Fprintf(to, " %s %s %s (%s)\n", a.Name, f.Name, date, a.Last.In(s.Zone).Format(time.ANSIC))
		}
	}
	return fmt.Sprintf("\nUsage data is %d minutes old. Next update in %d minutes.\nUsers:\n%sDevices:\n%s", old, 15-old, users.String(), devices.String()), nil
}
