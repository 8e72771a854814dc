package report

import (
	"fmt"

	"headroom/internal/format"
	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// flexnetName is how FlexNet stands in a license.Server.
const flexnetName = "flexnet"

// licenses reads license files and lmstat -i: what was granted. A status,
// which says what the license server makes of it, is read later and wins.
func (c *collector) licenses(inputs []*input) error {
	for _, in := range of(inputs, format.LicenseFile) {
		f, err := flexnet.ParseLicenseFile(in.reader(), c.options.CodePage)
		if err != nil {
			return fmt.Errorf("%s: %w", in.Path, err)
		}
		in.file.Lines, in.file.Unread = f.Lines, f.UnreadTotal
		server := ""
		if len(f.Servers) > 0 {
			server = f.Servers[0].Host
		}
		for _, v := range f.Vendors {
			c.serves(flexnetName, server, v.Name)
		}
		for _, e := range f.Entitlements() {
			r := c.row(Place{Server: server, Manager: flexnetName, Daemon: e.Vendor, Feature: e.Name})
			r.State, r.Installed = e.State, added(r.Installed, e.Count)
			for _, i := range e.Entries {
				c.grants(r, facts.Term{
					State: f.Entries[i].State, Count: f.Entries[i].Count, Version: f.Entries[i].Version, Text: f.Entries[i].Expiry,
				})
			}
		}
	}
	for _, in := range of(inputs, format.FlexNetTerms) {
		terms, err := flexnet.ParseTerms(in.reader(), c.options.CodePage)
		if err != nil {
			return fmt.Errorf("%s: %w", in.Path, err)
		}
		in.file.Lines, in.file.Unread = terms.Lines, terms.UnreadTotal
		if terms.Error != "" {
			in.warn("%s", terms.Error)
		}
		for _, t := range terms.Rows {
			r := c.row(Place{Manager: flexnetName, Daemon: t.Vendor, Feature: t.Feature})
			c.grants(r, facts.Term{State: t.State, Count: t.Count, Version: t.Version, Text: t.Expires})
			r.Installed = added(r.Installed, t.Count)
			if r.State == license.StateUnknown || t.State == license.StateCounted {
				r.State = t.State
			}
		}
	}
	return nil
}

// grants notes a license of a license file, with the expiry that its text tells.
func (c *collector) grants(r *row, t facts.Term) {
	if e, err := flexnet.ParseExpiry(t.Text); err == nil && e.Permanent {
		t.Permanent = true
	} else if err == nil {
		t.Expiry = e.Day
	}
	c.terms = append(c.terms, newTerm(r.Place, t))
}
