package console

import (
	"math"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/look"
)

// sampleServers are license servers in every state.
func sampleServers(now time.Time) []usage.Server {
	server := func(id int64, name string, status usage.Status, reported time.Duration) usage.Server {
		s := usage.Server{
			ID: id, GUID: "00000000-0000-4000-8000-00000000000" + string(rune('0'+id)), Name: name,
			Hosts: []string{name + ".corp.example"}, Manager: "citrix", Version: "11.17.2.0 build 51000", Agent: name,
			Registered: now.Add(-400 * 24 * time.Hour), Status: status,
		}
		if reported > 0 {
			s.LastReported, s.LastContact, s.LastReading = now.Add(-reported), now.Add(-2*time.Minute), now.Add(-reported-4*time.Minute)
		}
		return s
	}
	all := []usage.Server{
		server(1, "ctx-lic-ber-01", usage.Reporting, 41*time.Minute),
		server(2, "ctx-lic-lon-01", usage.Reporting, 6*time.Hour),
		server(3, "ctx-lic-nyc-01", usage.NotReporting, 5*24*time.Hour),
		server(4, "flex-cad-muc-01", usage.Reporting, 12*time.Minute),
		server(5, "flex-cad-new", usage.Awaiting, 0),
		server(6, "old-lic-par", usage.Silent, 44*24*time.Hour),
		server(7, "retired-lic", usage.Removed, 200*24*time.Hour),
	}
	all[1].FailedAt, all[1].Failure = now.Add(-10*time.Minute), "Cannot connect to license server system. (-15,578:10049)"
	all[0].Sources = []usage.Source{
		{Name: "wmi-pools", Asked: now.Add(-45 * time.Minute)},
		{Name: "udadmin", Asked: now.Add(-45 * time.Minute), Age: 12 * time.Minute, Remark: "one line was not understood"},
		{Name: "sdk-inventory", Asked: now.Add(-45 * time.Minute), Failure: "The user is not authorized."},
		{Name: "sdk-las", Asked: now.Add(-45 * time.Minute), Absent: true},
	}
	all[3].Manager, all[3].Version, all[3].Hosts = "flexnet", "11.19.6", []string{"muc-a.corp.example", "muc-b.corp.example", "muc-c.corp.example"}
	all[3].Names = []usage.NamesChange{
		{Since: now.Add(-90 * 24 * time.Hour), Mode: "none"},
		{Since: now.Add(-20 * 24 * time.Hour), Mode: "pseudonyms", Key: "3f2a91c0"},
	}
	all[2].Forked, all[3].Clock = now.Add(-50*time.Hour), 2*time.Hour+4*time.Second
	all[4].Registered, all[4].Overdue, all[4].Manager, all[4].Version = now.Add(-30*time.Hour), true, "flexnet", ""
	return all
}

// A sampleShape is the use of a made-up product.
type sampleShape struct {
	installed, overdraft int64
	base, swing          float64
	known                int // days of history
	read                 int // the last of them, with readings; before them a file told only the highest use of times. 0: all
}

// buckets makes days that end with today: working days and weekends, a day
// that nobody knows, licenses added halfway.
func (s sampleShape) buckets(clock look.Clock, days int) []insight.Bucket {
	from := insight.DayStart(clock.Now.In(clock.Zone).AddDate(0, 0, 1-days), clock.Zone)
	var all []insight.Bucket
	for i, span := range insight.Days(from, clock.Now, clock.Zone) {
		b := insight.Bucket{Span: span, Mean: math.NaN()}
		day := time.Unix(span.From, 0).In(clock.Zone)
		length := span.To - span.From
		n := day.YearDay()
		switch {
		case i < days-s.known:
		case n%97 == 40 || n%97 == 41:
			b.Peak.Coverage = insight.Coverage{Unknown: length}
		default:
			level := s.base + s.swing*math.Sin(float64(n)/9) + s.swing*math.Abs(math.Sin(float64(n*n)))
			if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
				level *= 0.32
			}
			if s.installed > 0 {
				b.Installed, b.Overdraft = license.Of(s.installed+s.overdraft), license.Of(s.overdraft)
			}
			if i < days/2 && s.installed > 100 {
				b.Installed = license.Of(s.installed*9/10 + s.overdraft)
			}
			b.Mean, b.P95 = level*0.58, license.Of(int64(level*0.94))
			b.Peak = insight.Peak{
				Known: true, Value: int64(level), Low: int64(level), At: span.From + min(length-1, 10*3600+int64(n*61)), Installed: b.Installed,
				Basis: license.BasisSampled, Coverage: insight.Coverage{Known: length * int64(95+n%6) / 100, Unknown: length * int64(5-n%6) / 100},
			}
			if s.read > 0 && i < days-s.read {
				b.Peak.Basis, b.Peak.Low = license.BasisBetween, int64(level/5)
			}
		}
		all = append(all, b)
	}
	return all
}

// highestOf returns the peak of buckets.
func highestOf(buckets []insight.Bucket) insight.Peak {
	var peak insight.Peak
	var known insight.Coverage
	for _, b := range buckets {
		known = insight.Coverage{Known: known.Known + b.Peak.Coverage.Known, Unknown: known.Unknown + b.Peak.Coverage.Unknown}
		if b.Peak.Known && (!peak.Known || b.Peak.Value > peak.Value) {
			peak = b.Peak
		}
	}
	peak.Coverage = known
	return peak
}

func samplePeaks(clock look.Clock, s sampleShape) usage.Peaks {
	year := s.buckets(clock, 400)
	p := usage.Peaks{Last7: highestOf(year[len(year)-8:]), Month: highestOf(year[len(year)-24:]), All: highestOf(year)}
	p.Last7.Unlimited, p.Month.Unlimited, p.All.Unlimited = s.installed == 0, s.installed == 0, s.installed == 0
	if s.known > 0 {
		p.Since = clock.Now.AddDate(0, 0, -s.known)
	}
	if s.read == 0 {
		p.All.Basis = license.BasisExact
	}
	p.Month.Partial = s.overdraft > 0
	return p
}

// sampleOverview is an estate with a card of every risk and model.
func sampleOverview(clock look.Clock) usage.Overview {
	servers := sampleServers(clock.Now)
	card := func(p catalog.Product, risk usage.Risk, s sampleShape, n usage.Now, tightest string) usage.Card {
		n.Oldest, n.Counted = clock.Now.Add(-6*time.Hour), 3
		return usage.Card{Product: p, Now: n, Risk: risk, Tightest: tightest, Peaks: samplePeaks(clock, s), Spark: s.buckets(clock, 90), Servers: 3}
	}
	of := license.Of
	cards := []usage.Card{
		card(catalog.Product{Key: "xdt-plt-ccs", Name: "Citrix Virtual Apps and Desktops Premium", Model: catalog.Concurrent, OldName: "XenDesktop Platinum"},
			usage.RiskOver, sampleShape{1200, 120, 1050, 130, 400, 20},
			usage.Now{InUse: of(1214), Installed: of(1320), Overdraft: of(120), Over: of(26), Borrowed: of(0)}, "ctx-lic-ber-01"),
		card(catalog.Product{Key: "cad", Name: "CADMODEL_PRO", Model: catalog.Concurrent, Daemon: "cadvend"},
			usage.RiskTight, sampleShape{85, 0, 58, 14, 400, 0},
			usage.Now{InUse: of(79), Installed: of(85), Reserved: of(6), Borrowed: of(4), Queued: of(2)}, "flex-cad-muc-01"),
		card(catalog.Product{Key: "mesh", Name: "MESHSOLVE", Model: catalog.Unknown, Daemon: "meshd"},
			usage.RiskUnknown, sampleShape{0, 0, 0, 0, 0, 0}, usage.Now{}, ""),
		card(catalog.Product{Key: "xdt-ent-ud", Name: "Citrix Virtual Apps and Desktops Advanced", Model: catalog.UserDevice, OldName: "XenDesktop Enterprise"},
			usage.RiskFine, sampleShape{2500, 250, 1500, 120, 40, 0},
			usage.Now{InUse: of(1688), Installed: of(2750), Overdraft: of(250), Over: of(0)}, "ctx-lic-lon-01"),
		card(catalog.Product{Key: "view", Name: "<b>VIEWER</b> & \"friends\"", Model: catalog.Concurrent, Daemon: "cadvend"},
			usage.RiskFine, sampleShape{0, 0, 30, 9, 400, 0}, usage.Now{InUse: of(31), Unlimited: true}, ""),
		card(catalog.Product{Key: "gate", Name: "gateway", Model: catalog.Uncounted, Daemon: "cadvend"},
			usage.RiskFine, sampleShape{}, usage.Now{Uncounted: 1}, ""),
	}
	cards[2].Now.Counted, cards[2].Now.Oldest, cards[2].Now.LeftOut = 0, time.Time{}, []string{"ctx-lic-nyc-01"}
	cards[1].Now.Uncounted, cards[1].Now.Untold, cards[3].Twin = 1, 1, "xdt-plt-ccs"
	cards[0].Now.Counted, cards[0].Now.LeftOut = 2, []string{"ctx-lic-nyc-01"}
	return usage.Overview{
		Organisation: usage.Organisation{Name: "Example AG", Zone: clock.Zone, Thresholds: usage.DefaultThresholds}, At: clock.Now,
		Trust: usage.Trust{
			Reporting: 3, Total: 6, Oldest: clock.Now.Add(-6 * time.Hour), Coverage: insight.Coverage{Known: 98_612, Unknown: 1_388},
			Silent: []usage.Server{servers[2], servers[4], servers[5]},
		},
		Cards: cards,
	}
}

// sampleDetails is one product over some days.
func sampleDetails(clock look.Clock, days int) usage.Details {
	o := sampleOverview(clock)
	shape := sampleShape{1200, 120, 1050, 130, 400, 20}
	trend := shape.buckets(clock, days)
	d := usage.Details{
		Organisation: o.Organisation, At: clock.Now, Product: o.Cards[0].Product, Now: o.Cards[0].Now, Peaks: o.Cards[0].Peaks,
		Peak: highestOf(trend), Trend: trend, All: sampleServers(clock.Now)[:3],
	}
	for i, s := range d.All {
		part := sampleShape{400, 40, 350, 45, 400, 0}
		peak := highestOf(part.buckets(clock, days))
		use := usage.ServerUse{Server: s, Pools: []string{"XDT_PLT_CCS", "XDS_PLT_CCS"}, Peak: peak, Share: license.Of(peak.Value - int64(i))}
		use.Now = usage.Now{InUse: license.Of(466 - int64(60*i)), Installed: license.Of(440), Overdraft: license.Of(40), Counted: 1}
		d.Servers = append(d.Servers, use)
	}
	for _, b := range trend {
		if b.Peak.Known {
			d.Levels = append(d.Levels, insight.Level{Value: b.Peak.Value, Seconds: 3600}, insight.Level{Value: b.Peak.Value / 3, Seconds: 7200})
		}
	}
	d.Levels = insight.JoinLevels(d.Levels, nil)
	d.Servers[2].Share = license.Count{}
	d.Servers[2].With = d.Servers[0].Server.Name
	d.Changes = []usage.Change{{
		At: clock.Now.AddDate(0, 0, -12), Server: d.Servers[2].Server.Name, Before: []string{"Citrix XenApp Enterprise"}, After: []string{d.Product.Name},
	}}
	for day := clock.Now.AddDate(0, 0, -28); day.Before(clock.Now.AddDate(0, 0, -20)); day = day.AddDate(0, 0, 1) {
		d.Imported = append(d.Imported, int32(day.Unix()/86400))
	}
	week := clock.Now.AddDate(0, 0, -7)
	d.Servers[0].Check = usage.Check{
		Compared: 2016, Differ: 3, From: week, At: clock.Now.Add(-20 * time.Hour).Unix(), Pool: license.Pool{Feature: "XDT_PLT_CCS"}, Reading: 412, Log: 409,
	}
	d.Servers[1].Check = usage.Check{Compared: 671, From: week}
	return d
}

// sampleActivity has every kind of assignment.
func sampleActivity(clock look.Clock) *usage.Activity {
	servers := sampleServers(clock.Now)
	ago := func(days int) time.Time { return clock.Now.AddDate(0, 0, -days) }
	row := func(server int, kind license.AssigneeKind, name string, seen, last, ended int) usage.Assigned {
		a := usage.Assigned{Server: servers[server], LastIs: license.LastRequest, Lease: 90 * 24 * time.Hour}
		a.Kind, a.Name, a.Who, a.Seen = kind, name, license.FoldName(name), ago(seen)
		if last >= 0 {
			a.Last = ago(last)
		}
		if ended > 0 {
			a.Ended = ago(ended)
		}
		return a
	}
	return &usage.Activity{
		At: clock.Now, Users: 3, Devices: 1, People: usage.Between{Low: 2, High: 3},
		Rows: []usage.Assigned{
			row(0, license.AssignedUser, "anna.berg", 240, 1, 0), row(1, license.AssignedUser, "anna.berg", 30, 12, 0),
			row(1, license.AssignedDevice, "kiosk-07", 200, 88, 0), row(0, license.AssignedUser, `CORP\zoe`, 10, -1, 0),
			row(0, license.AssignedUser, "left.long.ago", 300, 140, 50),
		},
		Lists: []usage.List{{Server: servers[0], At: clock.Now.Add(-20 * time.Minute), Truncated: true}, {Server: servers[1], At: clock.Now.Add(-6 * time.Hour)}},
	}
}

// sampleDenials are denials of every kind.
func sampleDenials(clock look.Clock) usage.Denials {
	none := "Licensed number of users already reached. (-4,342)"
	pool := license.Pool{Feature: "XDT_PLT_CCS"}
	day := insight.DayStart(clock.Now.In(clock.Zone), clock.Zone)
	d := usage.Denials{DenialCount: usage.DenialCount{True: 3, False: 5, Untold: 1, Refusals: 31}}
	d.Rows = []usage.DenialRow{
		{Day: day, Server: "ctx-lic-ber-01", Pool: pool, User: "kim", Reason: none, DenialCount: usage.DenialCount{True: 2, False: 5, Refusals: 22}},
		{Day: day.AddDate(0, 0, -1), Server: "ctx-lic-lon-01", Pool: pool, User: "lee", Reason: "User/host not on INCLUDE list for feature. (-39,147)", DenialCount: usage.DenialCount{True: 1, Untold: 1, Refusals: 9}},
	}
	return d
}

// sampleCheckouts has every way in which licenses are held.
func sampleCheckouts(clock look.Clock) usage.Checkouts {
	servers := sampleServers(clock.Now)
	row := func(server int, kind license.HolderKind, user, host string, n int64, since time.Duration) usage.Checkout {
		c := usage.Checkout{On: servers[server], Name: license.Pool{Feature: "XDT_PLT_CCS"}}
		c.User, c.Host, c.Display, c.Licenses, c.Kind = user, host, host, n, kind
		if since > 0 {
			c.Since = clock.Now.Add(-since)
		}
		return c
	}
	return usage.Checkouts{
		Held: map[license.HolderKind]int64{
			license.HolderActive: 9, license.HolderBorrowed: 1, license.HolderLinger: 1, license.HolderReserved: 4, license.HolderQueued: 2,
		},
		Users: 4, Told: 2, Oldest: clock.Now.Add(-6 * time.Hour), Untold: []string{servers[3].Name},
		Rows: []usage.Checkout{
			row(0, license.HolderActive, "anna.berg", "ws-0412", 1, 3*time.Hour), row(1, license.HolderActive, "zoe", "node07", 8, 26*time.Hour),
			row(0, license.HolderBorrowed, "kim", "laptop-9", 1, 9*24*time.Hour), row(0, license.HolderLinger, "lee", "ws-0007", 1, 20*time.Minute),
			row(1, license.HolderReserved, "GROUP DESIGN", "", 4, 0), row(1, license.HolderQueued, "max", "ws-0133", 2, 0),
		},
	}
}

func sampleReview(now time.Time) registration.Review {
	return registration.Review{
		ID: "5f0d", Host: "flex-cad-new.corp.example", Platform: "windows/amd64", Version: "1.0.0", Address: "192.0.2.17",
		Asked: now.Add(-2 * time.Minute), Expires: now.Add(8 * time.Minute), Again: true,
		Words: []string{"copper", "lantern", "orbit", "velvet", "harbor", "maple"},
		Servers: []license.Server{
			{Name: "flex-cad-new", Hosts: []string{"flex-cad-new.corp.example"}, Manager: "flexnet", Version: "11.19.6"},
			{Name: "ctx-old", Hosts: []string{"ctx-old.corp.example"}, Manager: "citrix", Version: "11.14.0.1"},
		},
	}
}
