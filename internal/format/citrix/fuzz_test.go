package citrix_test

import (
	"bytes"
	"testing"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// checkReadings looks at what every list of readings must be, whatever the
// input: one reading for each pool, and no numbers that cannot be.
func checkReadings(t *testing.T, all []license.Reading) {
	t.Helper()
	seen := map[license.Pool]bool{}
	for _, r := range all {
		if seen[r.Pool] || r.Pool.Feature == "" {
			t.Fatalf("reading of %q, which stands twice or has no name", r.Pool)
		}
		seen[r.Pool] = true
		if r.Installed.N < 0 || r.InUse.N < 0 || r.Overdraft.N < 0 || r.State == license.StateUnknown && (r.Installed.Known || r.InUse.Known) {
			t.Fatalf("reading %+v", r)
		}
	}
}

func checkAnswer(t *testing.T, a citrix.Answer) {
	t.Helper()
	if (a.Error != "" || a.Absent) && len(a.Pools)+len(a.Assigned)+len(a.Past) > 0 {
		t.Fatalf("an answer with an error tells something: %+v", a)
	}
	checkReadings(t, citrix.Readings(a.Pools))
	checkAssigned(t, a.Assigned)
	last := time.Time{}
	for _, s := range citrix.Snapshots(a.Past) {
		if !s.At.After(last) || s.Complete {
			t.Fatalf("snapshot of %v after that of %v, complete %v", s.At, last, s.Complete)
		}
		last = s.At
		checkReadings(t, s.Readings)
	}
	citrix.Twins(citrix.Readings(a.Pools), a.Grants, catalog.Twin)
}

func checkAssigned(t *testing.T, all []license.Assignment) {
	t.Helper()
	for _, a := range all {
		if a.Name == "" || a.Pool.Feature == "" || a.Kind != license.AssignedUser && a.Kind != license.AssignedDevice {
			t.Fatalf("assignment %+v", a)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(citrix.Prefix + `{"source":"wmi-pools","at":"2026-11-26T04:10:00Z","rows":[` + poolRow + `]}`))
	f.Add([]byte(citrix.Prefix + `{"source":"sdk-las","rows":{"value":[{"LicenseProductName":"XDT","Quantity":4}],"Count":1}}` + "\nx\n" + citrix.Prefix + `{"source":"a","absent":true}`))
	f.Add([]byte(citrix.Prefix + `{"source":"sdk-history","about":{"LSVersion":"v1"},"rows":[{"ProductEditionModel":"A","at":[1],"count":[2]}]}`))
	f.Add([]byte(citrix.Prefix + `{"source":"sdk-usage","rows":[{"PEM":"A_UD","SADate":"2026.1201","LicenseModelType":"User","Name":"x"}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		all, _, err := citrix.ParseAnswers(bytes.NewReader(in), facts.Options{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		for _, a := range all {
			checkAnswer(t, a)
		}
	})
}

func FuzzPrinted(f *testing.F) {
	f.Add([]byte("PLD : XDT_PLT_UD\nCount : 5\nInUseCount : 3\nSubscriptionDate : 2026.1201\n\nPEM        SADate    LicenseModelType Name\n---        ------    ---------------- ----\nXDT_PLT_UD 2015.1201 Device           d 1\n"))
	f.Add([]byte("<<<citrix_licenses>>>\nPVS_STD_CCS\t80\t90\n"))
	f.Add([]byte("Count InUseCount PLD \n5     1          X\n"))
	f.Add([]byte("ProductEditionModel : A\nTotalLicensesIncludingOverDraft : 1\n\nDatetime              Count\n--------              -----\n2/13/2015 6:01:40 AM      0\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		a, err := citrix.ParsePrinted(bytes.NewReader(in), facts.Options{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		if a.Unread.Total > a.Lines {
			t.Fatalf("%d unread of %d lines", a.Unread.Total, a.Lines)
		}
		checkAnswer(t, a)
	})
}

func FuzzUsers(f *testing.F) {
	f.Add([]byte(usersText))
	f.Add([]byte("Users:\n a b XDT_PLT_UD 2026.1201 (Mon Nov  2 08:15:00 2026\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		u, err := citrix.ParseUsers(bytes.NewReader(in), facts.Options{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		if u.Told == (u.Error != "") || u.Age < 0 || u.Next < 0 || !u.Told && len(u.Assigned) > 0 || u.Unread.Total > u.Lines {
			t.Fatalf("%+v", u)
		}
		checkAssigned(t, u.Assigned)
	})
}

func FuzzHistory(f *testing.F) {
	f.Add([]byte("Date,PLD,In use,Total\n1/2/2026,A,5,\"1,000\"\n"), "")
	f.Add([]byte("Datum;Verwendet\n1.2.2026 08:00;5\n"), "B")
	f.Add([]byte("#TYPE x\n\"Date\",\"Time\",\"InUse\"\n\"9/5/2017\",\"9:20:00 PM\",\"503\"\n"), "C")
	f.Fuzz(func(t *testing.T, in []byte, feature string) {
		h, err := citrix.ParseHistory(bytes.NewReader(in), feature, facts.Options{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		if (h.Error == "") == (len(h.Past) == 0) {
			t.Fatalf("error %q with %d rows", h.Error, len(h.Past))
		}
		for _, p := range h.Past {
			if !p.InUse.Known || p.InUse.N < 0 || p.From.IsZero() || !p.To.IsZero() && !p.To.After(p.From) || p.Pool.Feature == "" {
				t.Fatalf("row %+v", p)
			}
		}
	})
}

func FuzzGrants(f *testing.F) {
	f.Add([]byte(twinFile))
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := flexnet.ParseLicenseFile(bytes.NewReader(in), "")
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		for _, g := range citrix.Grants(file) {
			if g.Feature == "" || g.Count.N < 0 || g.Lease < 0 {
				t.Fatalf("grant %+v", g)
			}
		}
	})
}
