package report

import (
	"fmt"

	"headroom/internal/format"
	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

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
			c.serves(server, v.Name)
		}
		for _, e := range f.Entitlements() {
			r := c.row(server, e.Vendor, e.Name)
			r.State, r.Installed = e.State, added(r.Installed, e.Count)
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
			r := c.row("", t.Vendor, t.Feature)
			r.Installed = added(r.Installed, t.Count)
			if r.State == license.StateUnknown || t.State == license.StateCounted {
				r.State = t.State
			}
		}
	}
	return nil
}
