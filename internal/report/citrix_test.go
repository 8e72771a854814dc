package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/internal/license"
	"headroom/internal/report"
)

func TestCitrixTextsAreReadAsFacts(t *testing.T) {
	for _, c := range []struct{ text, kind, feature, user, host, says string }{
		{
			"headroom-citrix-1 {\"source\":\"wmi-pools\",\"rows\":[{\"PLD\":\"XDT_PLT_CCS\",\"SubscriptionDate\":\"2026.1201\",\"LicenseType\":\"Retail\",\"Count\":\"110\",\"Overdraft\":\"10\",\"InUseCount\":\"7\"}]}\n",
			"pool", "XDT_PLT_CCS (2026.1201 Retail)", "", "", "installed 110, of it overdraft 10, in use 7",
		},
		{"PLD : XDT_PLT_CCS\nCount : 5\nInUseCount : 7\n", "pool", "XDT_PLT_CCS", "", "", "installed 5, of it overdraft unknown, in use 7"},
		{"Usage data is 3 minutes old.\nUsers:\n anna XDT_PLT_UD 2026.1201 (Mon Nov  2 08:15:00 2026)\n", "assigned", "XDT_PLT_UD (2026.1201)", "anna", "", ""},
		{"Usage data is 3 minutes old.\nDevices:\n kiosk XDT_PLT_UD 2026.1201\n", "assigned", "XDT_PLT_UD (2026.1201)", "", "kiosk", ""},
		{"Date,PLD,Total,In use\n2026-10-24,XDT_PLT_UD,9,7\n", "highest of the day", "XDT_PLT_UD", "", "", "installed 9"},
	} {
		var got []report.Fact
		file, err := report.Read(source("x.txt", []byte(c.text)), report.Options{Zone: time.UTC}, func(f report.Fact) error {
			got = append(got, f)
			return nil
		})
		if err != nil || file.Unread != 0 || len(file.Warnings) > 0 || len(got) != 1 {
			t.Errorf("%q: %v, %d unread, warnings %q, facts %+v, want one", c.text, err, file.Unread, file.Warnings, got)
			continue
		}
		f := got[0]
		if f.Kind != c.kind || f.Feature != c.feature || f.User != c.user || f.Host != c.host || !strings.Contains(f.Text, c.says) {
			t.Errorf("%q: %+v, want %+v", c.text, f, c)
		}
	}
}

// A list of users names a part of the pool, and the inventory all of it: they
// are one row.
func TestACitrixServerIsReportedWithItsUsers(t *testing.T) {
	r := make1(t,
		source("users.txt", []byte("Usage data is 3 minutes old.\nUsers:\n anna XDT_PLT_UD 2026.1201 (Mon Nov  2 08:15:00 2026)\n")),
		source("pools.txt", []byte("headroom-citrix-1 {\"source\":\"wmi-pools\",\"rows\":[{\"PLD\":\"XDT_PLT_UD\",\"SubscriptionDate\":\"2026.1201\","+
			"\"LicenseType\":\"Retail\",\"Count\":\"110\",\"Overdraft\":\"10\",\"InUseCount\":\"7\"}]}\n"+
			"headroom-citrix-1 {\"source\":\"sdk-inventory\",\"rows\":[{\"ProductEditionModel\":\"XDT_PLT_UD\",\"SubscriptionDate\":\"2026.1201\","+
			"\"LicenseType\":\"Retail\",\"TotalCount\":\"110\"}]}\n")))
	f := row(t, r, "XDT_PLT_UD", "2026.1201 Retail")
	if f.Installed != license.Of(110) || f.Overdraft != license.Of(10) || f.InUse != license.Of(7) || f.Manager != "citrix" {
		t.Errorf("%s: %v of %v, overdraft %v; want 7 of 110, 10: two sources are never added", f.Manager, f.InUse, f.Installed, f.Overdraft)
	}
	if len(r.Features) != 1 || len(r.Assigned) != 1 || r.Assigned[0].Place != f.Place || r.Assigned[0].Name != "anna" {
		t.Errorf("features %+v, assigned %+v; want anna at the one feature", r.Features, r.Assigned)
	}
	if p := r.Products[0]; p.Name != "Citrix Virtual Apps and Desktops Premium" {
		t.Errorf("product %q", p.Name)
	}
}

func TestAHistoryOfDaysGivesTheHighestWithoutItsMoment(t *testing.T) {
	r := make1(t, source("h.csv", []byte("Date,PLD,Total,In use\n2026-10-24,XDT_PLT_UD,9,7\n2026-10-25,XDT_PLT_UD,9,8\n2026-10-26,XDT_PLT_UD,9,2\n")))
	p := row(t, r, "XDT_PLT_UD", "").Peak
	if p.Value != license.Of(8) || !p.At.IsZero() || p.Basis != license.BasisBetween {
		t.Errorf("peak %v at %v, %s; want 8, between, at an unknown moment", p.Value, p.At, p.Basis)
	}
}

// What lmstat tells of a Citrix License Server are the licenses that its own pools
// have too: they check the sum, and are not added.
func TestLmstatBesideCitrixPoolsIsNotAdded(t *testing.T) {
	status := func(host string, use int) []byte {
		return []byte("lmutil - Copyright (c) 1989-2023 Flexera\nFlexible License Manager status on Mon 11/23/2026 10:00\n\n" +
			"License server status: 27000@" + host + "\n    License file(s) on " + host + ": C:\\x.lic:\n\n" +
			host + ": license server UP (MASTER) v11.19.4\n\nVendor daemon status (on " + host + "):\n\n  CITRIX: UP v11.19.4\n" +
			"Feature usage info:\n\nUsers of XDT_PLT_UD:  (Total of 110 licenses issued;  Total of " + fmt.Sprint(use) + " licenses in use)\n\n")
	}
	pools := source("pools.txt", []byte("headroom-citrix-1 {\"source\":\"wmi-pools\",\"rows\":["+
		"{\"PLD\":\"XDT_PLT_UD\",\"SubscriptionDate\":\"2026.1201\",\"LicenseType\":\"Retail\",\"Count\":\"60\",\"Overdraft\":\"5\",\"InUseCount\":\"4\"},"+
		"{\"PLD\":\"XDT_PLT_UD\",\"SubscriptionDate\":\"2027.1201\",\"LicenseType\":\"Retail\",\"Count\":\"50\",\"Overdraft\":\"5\",\"InUseCount\":\"3\"}]}\n"))
	for _, c := range []struct {
		name      string
		sources   []report.Source
		installed int64
		inUse     int64
		says      string
	}{
		{"agree", []report.Source{pools, source("a.txt", status("ctx01", 7))}, 110, 7, "agree that 7 are in use"},
		{"differ", []report.Source{source("a.txt", status("ctx01", 9)), pools}, 110, 7, "lmstat tells 9 in use, the license server's own pools 7"},
		{"two servers, and nobody knows which", []report.Source{source("a.txt", status("ctx01", 9)), source("b.txt", status("ctx02", 1)), pools}, 330, 17, ""},
	} {
		r := make1(t, c.sources...)
		p := r.Products[0]
		if len(r.Products) != 1 || p.Installed != license.Of(c.installed) || p.InUse != license.Of(c.inUse) {
			t.Errorf("%s: %d products, %v of %v in use; want %d of %d", c.name, len(r.Products), p.InUse, p.Installed, c.inUse, c.installed)
		}
		if said := strings.Join(p.Checks, "; "); !strings.Contains(said, c.says) || (c.says == "") != (said == "") {
			t.Errorf("%s: checks %q, want %q", c.name, said, c.says)
		}
	}
}
