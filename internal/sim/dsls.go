package sim

import (
	"fmt"
	"strings"
	"time"

	"headroom/internal/license"
)

// dslsColumns is the header of the list of usage.
const dslsColumns = "Editor,EditorId,Feature,Model,Commercial Type,Max Release Number,Max Release Date,Pricing Structure,Max Casual Duration," +
	"Expiration Date,Customer ID,Count,Inuse,Tokens,Casual Usage (mn),Host,User,Internal ID,Active Process,Client Code Version,Session ID," +
	"Granted Since,Last Used At,Granted At,Queue Position,"

// dslicsrv prints what DSLicSrv -admin does in a session that asks for the
// usage of licenses as CSV, in the server's own zone.
func (s *Server) dslicsrv(t time.Time, args []string) (string, error) {
	if len(args) != 3 || args[0] != "-admin" || args[1] != "-run" || !strings.Contains(args[2], "getLicenseUsage -csv") {
		return "", wrongArgs("DSLicSrv", args)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "License Administration Tool Version %s Built on May 14, 2024, 5:02:11 PM.\n", s.Version)
	if s.Down(t) {
		fmt.Fprintf(&b, "admin >Cannot connect to server %s on port %d\n", s.Name, s.Port)
		return b.String(), nil
	}
	fmt.Fprintf(&b, "admin >\tSoftware version: %s\n\tBuild date: May 14, 2024, 5:02:11 PM\n\tStandalone mode\n\tReady: yes\n", s.Version)
	fmt.Fprintf(&b, "\tServer name: %s   Server id: HRM-4136161EA1B7C2D9\n", s.Name)
	fmt.Fprintln(&b, dslsColumns)
	for i := range s.Features {
		s.dslsFeature(&b, &s.Features[i], t)
	}
	return b.String(), nil
}

// dslsFeature prints a row for each user of a feature, or a short one if there
// is none.
func (s *Server) dslsFeature(b *strings.Builder, f *Feature, t time.Time) {
	model := "ConcurrentUser"
	if f.Each > 1 {
		model = "Token"
	}
	// Licenses end at 23:59 UTC.
	ends := f.Expiry.Add(23*time.Hour + 59*time.Minute).In(s.Zone).Format(time.DateTime)
	if f.Expiry.IsZero() {
		ends = ""
	}
	license := fmt.Sprintf("%s,5E756A80,%s,%s,STD,%s,%s,YLC,0,%s,200000000012345,%d,%d,",
		s.Daemon, f.Name, model, f.Version, ends, ends, f.purchase(t).Installed, s.use(f, t))
	all := s.Checkouts(f, t)
	if len(all) == 0 {
		fmt.Fprintln(b, license)
	}
	open := 0
	for _, c := range all {
		b.WriteString(license)
		open = s.dslsUser(b, f, c, t, open)
	}
}

// dslsUser prints the part of a row that is the user's. before is how many had
// a license before them.
func (s *Server) dslsUser(b *strings.Builder, f *Feature, c Checkout, t time.Time, before int) (open int) {
	tokens := ""
	if f.Each > 1 {
		tokens = fmt.Sprint(c.Licenses)
	}
	fmt.Fprintf(b, "%s,,%s (%x.0)/10.30.%d.%d,%s,%s,", tokens, c.Host, 0x226+c.Number, c.Number/250, 1+c.Number%250, c.User, f.Name)
	if c.Kind == license.HolderQueued {
		fmt.Fprintf(b, ",,,,,,%d,\n", 1+c.Number-before)
		return before
	}
	since := c.Since.In(s.Zone).Format(time.DateTime)
	fmt.Fprintf(b, "/opt/ds/bin/%s ( %d),%s,02DBE%02X,%s,%s,%s,,\n",
		strings.ToLower(f.Name), 4711+7*c.Number, s.Version, c.Number, since, t.In(s.Zone).Truncate(time.Minute).Format(time.DateTime), since)
	return before + 1
}
