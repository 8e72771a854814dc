package console

import (
	"html/template"

	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// A sourceRow is how one of the sources of a license server stands.
type sourceRow struct {
	Name  string
	State template.HTML
	Note  string
}

// sourceWords are the names of sources as people read them.
var sourceWords = map[string]string{
	"wmi-pools": "Pools from WMI", "wmi-licenses": "License lines from WMI", "sdk-info": "Version from the SDK",
	"sdk-inventory": "Inventory from the SDK", "sdk-usage": "Users from the SDK", "sdk-las": "License Activation Service",
	"sdk-history": "History from the SDK", "udadmin": "Users from udadmin", "license-files": "License files",
}

func sourceRows(clock look.Clock, sources []usage.Source) []sourceRow {
	var out []sourceRow
	for _, s := range sources {
		row := sourceRow{Name: s.Name, Note: s.Remark}
		if w, ok := sourceWords[s.Name]; ok {
			row.Name = w
		}
		switch {
		case s.Failure != "":
			row.State, row.Note = look.Status(look.Bad, "Failing"), s.Failure
		case s.Absent:
			row.State = look.Status(look.Mute, "Not there")
		default:
			row.State = look.Status(look.Good, "Read") + " " + clock.Age(s.Asked.Add(-s.Age))
		}
		out = append(out, row)
	}
	return out
}
