package usage_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

func overview(t *testing.T, s *usage.Service) usage.Overview {
	t.Helper()
	o, err := s.Overview(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// card returns the card of the product with the name.
func card(t *testing.T, o usage.Overview, name string) usage.Card {
	t.Helper()
	for _, c := range o.Cards {
		if c.Product.Name == name {
			return c
		}
	}
	t.Fatalf("no card %q among %d", name, len(o.Cards))
	return usage.Card{}
}

func TestStatusTurnsAtTheThresholds(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		age  time.Duration
		want usage.Status
	}{
		{-time.Hour, usage.Reporting},
		{0, usage.Reporting},
		{3 * day, usage.Reporting},
		{3*day + 1, usage.NotReporting},
		{30 * day, usage.NotReporting},
		{30*day + 1, usage.Silent},
		{300 * day, usage.Silent},
	} {
		r := usage.Record{Server: usage.Server{LastReported: now.Add(-c.age)}}
		if got := usage.StatusOf(r, usage.DefaultThresholds, now); got != c.want {
			t.Errorf("reported %v ago: %s, want %s", c.age, got, c.want)
		}
		r.Removed = now
		if got := usage.StatusOf(r, usage.DefaultThresholds, now); got != usage.Removed {
			t.Errorf("removed, reported %v ago: %s, want %s", c.age, got, usage.Removed)
		}
	}
	if got := usage.StatusOf(usage.Record{}, usage.DefaultThresholds, now); got != usage.Awaiting {
		t.Errorf("never reported: %s, want %s", got, usage.Awaiting)
	}
}

func TestServersAreListedByNameWithTheirStatus(t *testing.T) {
	e := newEstate(t)
	e.server("paris")
	late := e.server("berlin")
	late.LastReported, late.Registered = time.Time{}, now.Add(-25*time.Hour)
	fresh := e.server("athens")
	fresh.LastReported, fresh.Registered = time.Time{}, now.Add(-24*time.Hour)
	servers, err := e.service().Servers(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Name    string
		Status  usage.Status
		Overdue bool
	}
	var got []row
	for _, s := range servers {
		got = append(got, row{s.Name, s.Status, s.Overdue})
	}
	want := []row{{"athens", usage.Awaiting, false}, {"berlin", usage.Awaiting, true}, {"paris", usage.Reporting, false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

func TestCurrentCountsOnlyReportingServers(t *testing.T) {
	e := newEstate(t)
	for i, name := range []string{"athens", "berlin", "cairo", "delhi"} {
		r := e.server(name)
		e.reading(t, r, now.Add(-time.Duration(i+1)*10*time.Hour), map[string]series.Sample{"cad": counted(int64(10*(i+1)), 100)})
	}
	e.servers[1].LastReported = now.Add(-100 * time.Hour)
	e.servers[2].LastReported = now.Add(-1000 * time.Hour)
	e.servers[3].Removed = now

	o := overview(t, e.service())
	c := card(t, o, "cad")
	if c.Now.InUse != license.Of(10) || c.Now.Installed != license.Of(100) || c.Now.Counted != 1 {
		t.Errorf("in use %v of %v on %d servers, want 10 of 100 on 1", c.Now.InUse, c.Now.Installed, c.Now.Counted)
	}
	if want := []string{"berlin", "cairo"}; !slices.Equal(c.Now.LeftOut, want) {
		t.Errorf("left out %v, want %v", c.Now.LeftOut, want)
	}
	if want := now.Add(-10 * time.Hour); !c.Now.Oldest.Equal(want) {
		t.Errorf("oldest %v, want %v", c.Now.Oldest, want)
	}
	if percent, ok := c.Now.Available(); percent != 90 || !ok {
		t.Errorf("available %v %v, want 90", percent, ok)
	}
	if c.Peaks.All.Value != 40 || c.Peaks.All.At != now.Add(-40*time.Hour).Unix() {
		t.Errorf("peak of all time %+v, want 40 on delhi: history stays", c.Peaks.All)
	}
	if o.Trust.Reporting != 1 || o.Trust.Total != 3 || len(o.Trust.Silent) != 2 {
		t.Errorf("trust %d of %d, %d silent, want 1 of 3 and 2 silent", o.Trust.Reporting, o.Trust.Total, len(o.Trust.Silent))
	}
	if c.Servers != 3 {
		t.Errorf("%d servers have it, want 3", c.Servers)
	}
}

func TestCurrentIsTheLastGoodReadingHoweverOld(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	e.reading(t, r, now.Add(-50*time.Hour), map[string]series.Sample{"cad": counted(7, 10), "sim": counted(1, 1)})
	e.reading(t, r, now.Add(-20*time.Hour), map[string]series.Sample{"cad": {State: license.StateError}, "sim": counted(1, 1)})
	c := card(t, overview(t, e.service()), "cad")
	if c.Now.InUse != license.Of(7) || !c.Now.Oldest.Equal(now.Add(-50*time.Hour)) {
		t.Errorf("in use %v of %v, want 7 of 50 hours ago", c.Now.InUse, c.Now.Oldest)
	}
}

func TestPoolThatEndedIsNotCurrent(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	e.reading(t, r, now.Add(-50*time.Hour), map[string]series.Sample{"cad": counted(7, 10), "sim": counted(1, 1)})
	e.reading(t, r, now.Add(-20*time.Hour), map[string]series.Sample{"sim": counted(1, 1)})
	o := overview(t, e.service())
	if len(o.Cards) != 1 || o.Cards[0].Product.Name != "sim" {
		t.Errorf("cards %v, want only sim", o.Cards)
	}
}

func TestOverdraftUsedIsSummedServerByServer(t *testing.T) {
	e := newEstate(t)
	over := func(inUse, installed, overdraft int64) series.Sample {
		s := counted(inUse, installed)
		s.Overdraft = license.Of(overdraft)
		return s
	}
	e.reading(t, e.server("athens"), now.Add(-time.Hour), map[string]series.Sample{"cad": over(103, 110, 10)})
	e.reading(t, e.server("berlin"), now.Add(-time.Hour), map[string]series.Sample{"cad": over(5, 110, 10)})
	e.reading(t, e.server("cairo"), now.Add(-time.Hour), map[string]series.Sample{"cad": over(105, 110, 10)})
	c := card(t, overview(t, e.service()), "cad")
	if c.Now.Over != license.Of(8) {
		t.Errorf("overdraft used %v, want 3 + 0 + 5 = 8: free licenses of berlin hide nothing", c.Now.Over)
	}
	if c.Tightest != "cairo" || c.Risk != usage.RiskOver {
		t.Errorf("tightest %q, risk %q, want cairo, %s", c.Tightest, c.Risk, usage.RiskOver)
	}
}

func TestOverdraftThatIsNotToldIsNotZero(t *testing.T) {
	e := newEstate(t)
	untold := counted(5, 10)
	untold.Overdraft = license.Count{}
	r := e.server("athens")
	e.reading(t, r, now.Add(-2*time.Hour), map[string]series.Sample{"cad": untold})
	if got := card(t, overview(t, e.service()), "cad").Now.Over; got.Known {
		t.Errorf("overdraft used %v, want unknown: the server does not tell what was purchased", got)
	}
	untold.InUse = license.Of(12)
	e.reading(t, r, now.Add(-time.Hour), map[string]series.Sample{"cad": untold})
	if got := card(t, overview(t, e.service()), "cad").Now.Over; got != license.Of(2) {
		t.Errorf("overdraft used %v, want 2: more is in use than installed", got)
	}
}

func TestUnlimitedAndUncountedPools(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	e.reading(t, r, now.Add(-time.Hour), map[string]series.Sample{
		"mixed": counted(5, 10),
		"free":  {State: license.StateUncounted},
		"down":  {State: license.StateError},
	})
	e.reading(t, e.server("berlin"), now.Add(-time.Hour), map[string]series.Sample{
		"mixed": {State: license.StateUnlimited, InUse: license.Of(30)},
	})
	o := overview(t, e.service())
	mixed := card(t, o, "mixed").Now
	if _, ok := mixed.Available(); ok || !mixed.Unlimited || mixed.InUse != license.Of(35) || mixed.Installed != license.Of(10) {
		t.Errorf("mixed %+v, want 35 in use, unlimited, no %% available", mixed)
	}
	if free := card(t, o, "free"); free.Now.Uncounted != 1 || free.Now.InUse.Known || free.Risk != usage.RiskFine {
		t.Errorf("uncounted %+v, risk %s, want in no sum and fine", free.Now, free.Risk)
	}
	if down := card(t, o, "down"); down.Now.Untold != 1 || down.Now.InUse.Known || down.Risk != usage.RiskUnknown {
		t.Errorf("error %+v, risk %s, want unknown", down.Now, down.Risk)
	}
}

func TestCardsStandByRisk(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	e.reading(t, r, now.Add(-48*time.Hour), map[string]series.Sample{
		"a-fine": counted(1, 10), "b-was-tight": counted(9, 10), "c-tight": counted(1, 10), "d-over": counted(1, 10),
		"e-unknown": {State: license.StateError}, "f-just-fine": counted(89, 100),
	})
	e.reading(t, r, now.Add(-time.Hour), map[string]series.Sample{
		"a-fine": counted(1, 10), "b-was-tight": counted(0, 10), "c-tight": counted(9, 10), "d-over": counted(11, 10),
		"e-unknown": {State: license.StateError}, "f-just-fine": counted(89, 100),
	})
	var got []string
	for _, c := range overview(t, e.service()).Cards {
		got = append(got, c.Product.Name+" "+string(c.Risk))
	}
	want := []string{"d-over over", "b-was-tight tight", "c-tight tight", "e-unknown unknown", "a-fine fine", "f-just-fine fine"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cards (-want +got):\n%s", diff)
	}
}

func TestSystemFeaturesAreNoProductAndTwinsAreNamed(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	e.reading(t, r, now.Add(-time.Hour), map[string]series.Sample{
		"CITRIX": counted(1, 10), "XDS_PLT_CCS": counted(3, 100), "XDT_PLT_CCS": counted(4, 100),
	})
	for i := range e.pools {
		e.pools[i].Vendor = "CITRIX"
		if e.pools[i].Key.Feature == "XDS_PLT_CCS" {
			e.pools[i].Vendor = "" // idle when it was read: belongs to the only daemon
		}
	}
	o := overview(t, e.service())
	if len(o.Cards) != 2 || o.Cards[0].Twin != o.Cards[1].Product.Key || o.Cards[1].Twin != o.Cards[0].Product.Key {
		t.Fatalf("cards %+v, want two, each named as the other's twin", o.Cards)
	}
	for _, c := range o.Cards {
		if c.Now.Installed != license.Of(100) {
			t.Errorf("%s: installed %v, want 100: nothing is halved", c.Product.Name, c.Now.Installed)
		}
	}
}

func TestAnotherOrganisationIsNotFound(t *testing.T) {
	s := newEstate(t).service()
	_, err := s.Overview(t.Context(), 2)
	_, err2 := s.Servers(t.Context(), 2)
	_, err3 := s.Details(t.Context(), 2, usage.Question{})
	for _, err := range []error{err, err2, err3} {
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("error %v, want not found", err)
		}
	}
}

func TestOrganisationWithoutServers(t *testing.T) {
	o := overview(t, newEstate(t).service())
	if len(o.Cards) != 0 || o.Trust.Total != 0 {
		t.Errorf("overview %+v, want an empty one", o)
	}
}

// What was made of an estate is kept for a minute, but no longer than its servers'
// states hold: the last second of a state, and the one after it.
func TestStatesChangeToTheSecond(t *testing.T) {
	limits := usage.DefaultThresholds
	for _, c := range []struct {
		name         string
		age          time.Duration // of the last report; 0: none
		registered   time.Duration // ago
		status, then usage.Status
		overdue      bool // then
	}{
		{"reporting", limits.Reporting, time.Hour, usage.Reporting, usage.NotReporting, false},
		{"not reporting", limits.Listed, time.Hour, usage.NotReporting, usage.Silent, false},
		{"awaiting", 0, limits.Awaited, usage.Awaiting, usage.Awaiting, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, at := newEstate(t), now
			r := e.server("lic")
			r.LastReported, r.Registered = time.Time{}, now.Add(10*time.Second-c.registered)
			if c.age > 0 {
				r.LastReported = now.Add(10*time.Second - c.age)
			}
			e.server("other")
			s := &usage.Service{Store: e, Now: func() time.Time { return at }}
			for _, step := range []struct {
				after   time.Duration
				status  usage.Status
				overdue bool
			}{{0, c.status, false}, {10 * time.Second, c.status, false}, {11 * time.Second, c.then, c.overdue}} {
				at = now.Add(step.after)
				all, err := s.Servers(t.Context(), 1)
				if err != nil {
					t.Fatal(err)
				}
				if got := all[0]; got.Status != step.status || got.Overdue != step.overdue {
					t.Errorf("after %v: %v, overdue %v; want %v, %v", step.after, got.Status, got.Overdue, step.status, step.overdue)
				}
			}
		})
	}
}
