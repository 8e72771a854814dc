package citrix

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// A Grant is one line of a license file, or what WMI says about it.
type Grant struct {
	Feature string
	SADate  string // YYYY.MMDD: FlexNet's version of the line
	Type    string // Retail, NFR ...; empty if not told
	Serial  string
	Count   license.Count
	Expiry  time.Time     // zero if permanent or not told
	Lease   time.Duration // of a user/device license; 0 if not told
}

// A VendorString is what Citrix writes into VENDOR_STRING of a license file.
// Its keys are not documented; those that were never explained stay in Other.
type VendorString struct {
	Type       string        // LT: Retail, NFR ...
	Grace      time.Duration // GP, in hours
	Compatible []string      // CL: editions
	Subscribed bool          // SA=1
	Lease      time.Duration // LP, in days
	Other      map[string]string
}

// ParseVendorString reads ";LT=Retail;GP=720;CL=ENT,ADV;SA=1;ODP=0".
func ParseVendorString(s string) VendorString {
	v := VendorString{Other: map[string]string{}}
	for part := range strings.SplitSeq(s, ";") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		n, numeric := parseNumber(value)
		switch {
		case !ok:
		case key == "LT":
			v.Type = value
		case key == "CL":
			v.Compatible = strings.Split(value, ",")
		case key == "SA":
			v.Subscribed = value == "1"
		case key == "GP" && numeric && n < maxPeriod:
			v.Grace = time.Duration(n) * time.Hour
		case key == "LP" && numeric && n < maxPeriod:
			v.Lease = time.Duration(n) * 24 * time.Hour
		default:
			v.Other[key] = value
		}
	}
	return v
}

// maxPeriod is more hours or days than any license has.
const maxPeriod = 100_000

// Grants returns what a license file grants of Citrix's daemon, line by line.
// A line that stands twice, and lines that grant nothing by themselves, are
// left out.
func Grants(f flexnet.LicenseFile) []Grant {
	var all []Grant
	for _, e := range f.Entitlements() {
		if !strings.EqualFold(e.Vendor, Daemon) {
			continue
		}
		for _, i := range e.Entries {
			all = append(all, grantOf(f.Entries[i]))
		}
	}
	return all
}

func grantOf(e flexnet.Entry) Grant {
	v := ParseVendorString(e.VendorString)
	g := Grant{Feature: e.Name, SADate: e.Version, Type: v.Type, Serial: e.Serial, Count: e.Count, Lease: v.Lease}
	if x, err := flexnet.ParseExpiry(e.Expiry); err == nil && !x.Permanent {
		g.Expiry = x.Day
	}
	return g
}

// Lease returns how long a user/device license of a feature stays assigned
// after its last use, 0 where no grant tells it. Of several it is the longest.
func Lease(grants []Grant) time.Duration {
	var longest time.Duration
	for _, g := range grants {
		longest = max(longest, g.Lease)
	}
	return longest
}

// Twins finds purchases that Citrix writes as two lines, under a legacy and a
// current feature, and that the license server lists as two pools. current
// names the current feature of a legacy one. The result leads from the pool of
// the legacy feature to that of the current one, where it is proven: both have
// grants with the same serial numbers and counts, and both pools have as many
// licenses, overdraft aside, as these grant. Anything less proves nothing.
func Twins(readings []license.Reading, grants []Grant, current func(feature string) (string, bool)) map[license.Pool]license.Pool {
	granted := map[license.Pool][]Grant{}
	for _, g := range grants {
		key := Pool{Feature: g.Feature, SADate: g.SADate, Type: g.Type}.Key()
		granted[key] = append(granted[key], g)
	}
	twins := map[license.Pool]license.Pool{}
	for _, legacy := range readings {
		feature, ok := current(legacy.Pool.Feature)
		if !ok {
			continue
		}
		twin := license.Pool{Feature: feature, Variant: legacy.Pool.Variant}
		i := slices.IndexFunc(readings, func(r license.Reading) bool { return r.Pool == twin })
		if i >= 0 && samePurchases(granted[legacy.Pool], granted[twin]) &&
			grantedAs(legacy, granted[legacy.Pool]) && grantedAs(readings[i], granted[twin]) {
			twins[legacy.Pool] = twin
		}
	}
	return twins
}

// samePurchases reports whether two lists have the same serial numbers with
// the same counts, at least one, and all of them told.
func samePurchases(a, b []Grant) bool {
	byPurchase := func(x, y Grant) int {
		return cmp.Or(cmp.Compare(x.Serial, y.Serial), cmp.Compare(x.Count.N, y.Count.N))
	}
	a, b = slices.SortedFunc(slices.Values(a), byPurchase), slices.SortedFunc(slices.Values(b), byPurchase)
	return len(a) > 0 && slices.EqualFunc(a, b, func(x, y Grant) bool {
		return x.Serial != "" && x.Serial == y.Serial && x.Count.Known && x.Count == y.Count
	})
}

// grantedAs reports whether a pool has as many licenses as its grants. Without
// its overdraft nobody can say.
func grantedAs(r license.Reading, grants []Grant) bool {
	sum := int64(0)
	for _, g := range grants {
		sum += g.Count.N
	}
	return r.Installed.Known && r.Overdraft.Known && r.Installed.N-r.Overdraft.N == sum
}
