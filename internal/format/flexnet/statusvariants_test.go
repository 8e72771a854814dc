package flexnet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/format/flexnet"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

func diffOf(want, got any) string { return cmp.Diff(want, got) }

// statusRows reads a table of captured lines: id, tab, line.
func statusRows(t *testing.T, name string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for line := range strings.Lines(string(formattest.Sample(t, name))) {
		id, text, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		if ok && id != "id" {
			rows[id] = text
		}
	}
	return rows
}

// before is what stands above a line in the part of a status it belongs to.
const (
	beforeServer  = "Flexible License Manager status on Fri 10/20/2017 17:02\nLicense server status: 27000@host1,27000@host2,27000@host3\n"
	beforeDaemon  = beforeServer + "host1: license server UP v11.13\nVendor daemon status (on host1):\n"
	beforeFeature = beforeDaemon + "  daemon1: UP v11.13\nFeature usage info:\n"
	beforePool    = beforeFeature + "Users of f:  (Total of 100 licenses issued;  Total of 50 licenses in use)\n"
	beforeUser    = beforePool + "  \"f\" v1.0, vendor: daemon1\n  floating license\n\n"
)

func checkoutOf(user, host, display, version, server, port, handle, start string) flexnet.Checkout {
	return flexnet.Checkout{
		Kind: license.HolderActive, User: user, Host: host, Display: display, Version: version,
		Server: server, Port: port, Handle: handle, StartText: start, Licenses: 1,
	}
}

func with(c flexnet.Checkout, change func(*flexnet.Checkout)) flexnet.Checkout {
	change(&c)
	return c
}

var wantCheckouts = map[string]flexnet.Checkout{
	"user-plain": checkoutOf("user01", "host01", "/dev/pts/1", "61.9", "lic1.example.net", "27002", "24480", "Fri 10/20 8:33"),
	"user-multi-license": with(checkoutOf("user02", "host02", "/dev/tty", "61.9", "lic1.example.net", "27002", "24481", "Fri 10/20 8:33"),
		func(c *flexnet.Checkout) { c.Licenses = 12 }),
	"user-display-missing": with(checkoutOf("user03", "host03", "", "61.3", "lic1.example.net", "27002", "6707", "Tue 2/26 22:21"),
		func(c *flexnet.Checkout) { c.Licenses = 13 }),
	"user-only-and-host-equal":     checkoutOf("aaa000015", "aaa000015", "", "55", "LIC1", "1713", "9323", "Wed 10/6 9:50"),
	"user-windows-host-as-display": checkoutOf("user04", "WKST004", "wkst004", "1.000", "lic1.example.net", "27000", "43953", "Mon 9/28 12:43"),
	"user-numeric":                 checkoutOf("1", "WKST005", "WKST005", "1.000", "lic1.example.net", "27000", "37583", "Thu 10/1 11:44"),
	"user-with-space":              checkoutOf("Jane Doe", "jane_pc", "jane_pc", "61.4", "lic1.example.net", "27002", "4611", "Wed 7/7 15:17"),
	"user-with-suffix-and-encrypted-display": with(checkoutOf("Jane", "Doe", "Jr.", "10.1", "lic1.example.net", "27002", "3404", "Wed 7/4 11:55"),
		func(c *flexnet.Checkout) { c.Extra, c.Guessed = "jane icc&f3rU7|<7R/oW/r`?Fj_K5", true }),
	"user-display-with-closing-parenthesis": checkoutOf("Administrator", "SRV01", `|)8<fZ)=Y[<7L$lY-p\<6nn^Y`, "61.4", "lic1.example.net", "27002", "3201", "Mon 6/11 11:01"),
	"user-display-with-quotes-and-space": with(checkoutOf("John", "Doe", "John_D", "61.4", "lic1.example.net", "27002", "4611", "Wed 7/7 15:17"),
		func(c *flexnet.Checkout) { c.Extra, c.Guessed = "\"U,K$`Ct`0'\"C iQwgGsne<&!", true }),
	"user-display-with-at-and-percent": checkoutOf("jsmith", "machine1", "w%.=H@QVO!;~_8'", "10.1", "LIC1", "27000", "101", "Fri 7/12 8:42"),
	"user-machine-account":             checkoutOf("host01$", "host01", "JavaDisplay", "2022", "lic1", "4100", "4501", "Sun 9/24 13:21"),
	"user-dotted-with-suffix":          checkoutOf("firstname.lastname.lx", "host01.example.gov", "/dev/pts/0", "31", "host01.example.gov", "27000", "122", "Fri 1/30 8:44"),
	"user-x-display":                   checkoutOf("user05", "server05", "server05:1", "18.100", "lic1", "27000", "201", "Mon 1/27 10:03"),
	"extra-data-words-after-display": with(checkoutOf("user06", "server06", "server:1", "18.100", "lic1", "27000", "202", "Mon 1/27 10:04"),
		func(c *flexnet.Checkout) { c.Extra, c.Guessed = "Placeholder One", true }),
	"extra-data-key-value": with(checkoutOf("user07", "p-c94.example.com", "/dev/tty", "2023.0", "lic1.example.com", "41020", "10223", "Mon 3/11 13:16"),
		func(c *flexnet.Checkout) { c.Extra, c.Guessed, c.Licenses = "feature=test_feature", true, 100 }),
	"extra-data-token-product": with(checkoutOf("USER08", "ER0037", "SESOR045", "2023.0331", "lic1.example.com", "29065", "2639", "Fri 3/8 13:25"),
		func(c *flexnet.Checkout) { c.Extra, c.Guessed, c.Licenses = "MSCONE:ADAMS_View", true, 5 }),
	"display-glued-to-host": checkoutOf("user09", "UFRTR1LT0087375", "UFRTR1LT00873750.0", "1.00", "lic1.example.net", "28000", "1401", "Wed 5/23 5:59"),
	"linger-two-values-two-spaces": with(checkoutOf("user10", "lts04", "/dev/tty", "7.0", "lic1.example.com", "27040", "101", "Thu 2/7 13:23"),
		func(c *flexnet.Checkout) {
			c.Kind, c.Remaining, c.Linger = license.HolderLinger, 12899*time.Second, 24*time.Hour
		}),
	"linger-two-values-and-count": with(checkoutOf("user11", "host11", "host110.0", "1.00", "lic1.example.net", "28000", "1402", "Wed 5/23 5:59"),
		func(c *flexnet.Checkout) {
			c.Kind, c.Remaining, c.Linger, c.Licenses = license.HolderBorrowed, 885098*time.Second, 1340160*time.Second, 16
		}),
	"linger-one-value-one-space": with(checkoutOf("user12", "host12", "host12", "2010.1008", "lic1", "31495", "24701", "Mon 9/17 7:27"),
		func(c *flexnet.Checkout) { c.Kind, c.Linger = license.HolderBorrowed, 2597880*time.Second }),
	"linger-one-value-and-count": with(checkoutOf("user13", "host13", "host13", "2015.0420", "lic1", "31495", "3801", "Mon 9/17 7:25"),
		func(c *flexnet.Checkout) {
			c.Kind, c.Linger, c.Licenses = license.HolderBorrowed, 2597820*time.Second, 50
		}),
	"pid-suffix": with(checkoutOf("user14", "host", "display", "50", "lic1.example.com", "27004", "401", "Mon 2/10 0:10"),
		func(c *flexnet.Checkout) { c.PID = 2924522 }),
	"pid-suffix-trailing-space": with(checkoutOf("user15", "host", "display", "36", "lic1.example.com", "27004", "701", "Mon 2/10 0:10"),
		func(c *flexnet.Checkout) { c.PID = 10088 }),
	"port-not-numeric-when-anonymised": checkoutOf("matlab", "CLN-01", "/dev/pts/0", "5.6", "lic1.example.com", "port", "914", "Tue 4/22 11:07"),
	"queued-singular": {
		Kind: license.HolderQueued, User: "user16", Host: "server6u065", Display: "fj209fj0", Version: "2017.06",
		Server: "lic1.example.net", Port: "27002", Handle: "15480", Licenses: 1,
	},
	"queued-plural": {
		Kind: license.HolderQueued, User: "user17", Host: "host17", Display: ":0.0", Version: "2.0",
		Server: "lic1.example.net", Port: "27096", Handle: "2201", Licenses: 2,
	},
	"reservation-host-tab-indent": {Kind: license.HolderReserved, User: "HOST HOSTPC11", Server: "lic1.example.net", Port: "27002", Licenses: 1},
	"reservation-plural":          {Kind: license.HolderReserved, User: "GROUP GROUP1", Server: "lic1.example.net", Port: "27002", Licenses: 48},
	"reservation-space-indent":    {Kind: license.HolderReserved, User: "GROUP DED", Server: "SERVER1", Port: "1713", Licenses: 1},
}

var wantFeatures = map[string]flexnet.Feature{
	"feature-counted":                  {Name: "feature1", State: license.StateCounted, Installed: license.Of(1814), InUse: license.Of(1206)},
	"feature-one-license":              {Name: "feat_opt", State: license.StateCounted, Installed: license.Of(1), InUse: license.Of(1)},
	"feature-one-license-mixed-plural": {Name: "feat_opt", State: license.StateCounted, Installed: license.Of(1), InUse: license.Of(1)},
	"feature-uncounted":                {Name: "SERIAL", State: license.StateUncounted},
	"feature-error":                    {Name: "SUBSURFACEFLOW", State: license.StateError, Error: "Error: 1 licenses, unsupported by licensed server"},
	"feature-no-such":                  {Name: "X", State: license.StateError, Error: "Cannot get users of X: No such feature exists. (-5,222)"},
	"feature-name-with-slash":          {Name: "ARC/INFO", State: license.StateCounted, Installed: license.Of(6), InUse: license.Of(2)},
	"feature-name-with-plus":           {Name: "al4odb++", State: license.StateCounted, Installed: license.Of(1), InUse: license.Of(0)},
}

var wantPools = map[string]flexnet.LicensePool{
	"pool-line":                  {Version: "61.9", Vendor: "VENDOR1"},
	"pool-line-expiry":           {Version: "52", Vendor: "MLM", Expiry: "30-dec-2025"},
	"pool-line-expiry-permanent": {Version: "10.1", Vendor: "ARCGIS", Expiry: "permanent(no expiration date)"},
	"pool-line-expiry-zero-a":    {Version: "2015.0325", Vendor: "ixialm", Expiry: "1-jan-0"},
	"pool-line-expiry-zero-b":    {Version: "12", Vendor: "MLM", Expiry: "01-jan-0000"},
	"pool-line-not-indented":     {Version: "6.3", Vendor: "LMCOMSOL", Expiry: "permanent(no expiration date)"},
	"pool-kind-floating":         {Version: "1", Vendor: "d", Kind: "floating license"},
	"pool-kind-nodelocked":       {Version: "1", Vendor: "d", Kind: `nodelocked license, locked to "ID=XXXXXX"`},
	"pool-kind-uncounted":        {Version: "1", Vendor: "d", Kind: "uncounted nodelocked license locked to NOTHING (hostid=ANY)"},
	"pool-vendor-string":         {Version: "1", Vendor: "d", VendorString: "vi=0:at=276:ae=1:lu=300:lo=NNU:ei=XXXXXX:lr=1:ep=15:"},
	"pool-vendor-string-with-pipes-and-escapes": {
		Version: "1", Vendor: "d",
		VendorString: `product=CC4TWC|profile=0|edition=10\u0020Connections|version=Commercial\u0020with\u0020expiration|userLimit=10|`,
	},
}

var wantServers = map[string]flexnet.ServerUp{
	"server-up":          {Host: "host1", Up: true, Version: "11.13.0"},
	"server-up-master":   {Host: "host2", Up: true, Master: true, Version: "11.13.0"},
	"server-up-indented": {Host: "BVS15004", Up: true, Master: true, Version: "11.12"},
	"server-down":        {Host: "host3", Error: `Cannot connect to license server system. (-15,570:115 "Operation now in progress")`},
	// of the table of errors
	"connect-in-progress": {Host: "host3", Error: `Cannot connect to license server system. (-15,570:115 "Operation now in progress")`},
}

var wantDaemons = map[string]flexnet.DaemonUp{
	"vendor-up":          {Name: "daemon", Up: true, Version: "11.13.1"},
	"vendor-down":        {Name: "theorem", Error: "The desired vendor daemon is down. (-97,121)"},
	"vendor-unreachable": {Name: "ugslmd", Error: `Cannot connect to license server system. (-15,578:10049 "WinSock: Invalid address")`},
	// of the table of errors
	"invalid-address":    {Name: "ugslmd", Error: `Cannot connect to license server system. (-15,578:10049 "WinSock: Invalid address")`},
	"vendor-daemon-down": {Name: "theorem", Error: "The desired vendor daemon is down. (-97,121)"},
}

// wantErrors are errors that a whole status is: the line stands alone.
var wantErrors = map[string]string{
	"connect-refused-windows": `(-15,10:10061 "WinSock: Connection refused")`,
	"connect-refused-unix":    `(-15,570:111 "Connection refused")`,
	"cannot-read-data":        "(-16,287)",
	"no-socket-per-feature":   "No socket connection to license server manager (-7,10015)",
}

// only parses in and returns its section; every line must be understood.
func only(t *testing.T, in string) flexnet.Section {
	t.Helper()
	s := parseStatus(t, []byte(in), flexnet.StatusOptions{})
	if len(s.Sections) != 1 || s.UnreadTotal != 0 || s.Error != "" {
		t.Fatalf("%d sections, error %q, unread %v; want one section, everything read", len(s.Sections), s.Error, s.Unread)
	}
	return s.Sections[0]
}

func TestLineVariants(t *testing.T) {
	rows := statusRows(t, "flexnet/lmstat-line-variants.tsv")
	if len(rows) < 54 {
		t.Errorf("%d rows, want at least 54", len(rows))
	}
	for id, line := range rows {
		t.Run(id, func(t *testing.T) { checkVariant(t, id, line) })
	}
}

func TestErrorLines(t *testing.T) {
	rows := statusRows(t, "flexnet/lmstat-error-lines.tsv")
	if len(rows) < 8 {
		t.Errorf("%d rows, want at least 8", len(rows))
	}
	for id, line := range rows {
		t.Run(id, func(t *testing.T) {
			if id == "no-such-feature" {
				id = "feature-no-such"
			}
			checkVariant(t, id, line)
		})
	}
}

func checkVariant(t *testing.T, id, line string) {
	if want, ok := wantCheckouts[id]; ok {
		got := only(t, beforeUser+line+"\n").Features[0].Checkouts
		place := cmpopts.IgnoreFields(flexnet.Checkout{}, "Line", "Start", "DateOdd")
		if diff := cmp.Diff([]flexnet.Checkout{want}, got, place); diff != "" {
			t.Errorf("%s\n-want +got\n%s", line, diff)
		}
		return
	}
	if want, ok := wantFeatures[id]; ok {
		got := only(t, beforeFeature+line+"\n").Features
		if diff := cmp.Diff([]flexnet.Feature{want}, got, cmpopts.IgnoreFields(flexnet.Feature{}, "Line", "Daemon")); diff != "" {
			t.Errorf("%s\n-want +got\n%s", line, diff)
		}
		return
	}
	if want, ok := wantPools[id]; ok {
		in := beforePool
		if !strings.HasPrefix(id, "pool-line") {
			in += "\"f\" v1, vendor: d\n"
		}
		got := only(t, in+line+"\n").Features[0].Pools
		if diff := diffOf([]flexnet.LicensePool{want}, got); diff != "" {
			t.Errorf("%s\n-want +got\n%s", line, diff)
		}
		return
	}
	if want, ok := wantServers[id]; ok {
		if diff := diffOf([]flexnet.ServerUp{want}, only(t, beforeServer+line+"\n").Servers); diff != "" {
			t.Errorf("%s\n-want +got\n%s", line, diff)
		}
		return
	}
	if want, ok := wantDaemons[id]; ok {
		if diff := diffOf([]flexnet.DaemonUp{want}, only(t, beforeDaemon+line+"\n").Daemons); diff != "" {
			t.Errorf("%s\n-want +got\n%s", line, diff)
		}
		return
	}
	want, ok := wantErrors[id]
	if !ok {
		t.Fatalf("nothing says what %q means: %s", id, line)
	}
	s := parseStatus(t, []byte(line+"\n"+line+"\n"), flexnet.StatusOptions{})
	if !strings.HasSuffix(s.Error, want) || strings.Count(s.Error, want) != 1 || len(s.Sections) != 0 || s.UnreadTotal != 0 {
		t.Errorf("%s\nerror %q, %d sections, unread %v; want the error once", line, s.Error, len(s.Sections), s.Unread)
	}
}
