package flexnet

import (
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A LicenseFile is what a license file grants and to whom. Signatures and
// license keys are dropped while reading: no field holds them.
type LicenseFile struct {
	Servers     []FileServer // three of a triad
	Vendors     []FileVendor
	UseServer   bool
	Entries     []Entry
	Lines       int
	Unread      []facts.Unread // what may be a key in their text is replaced by "[key]"
	UnreadTotal int
}

// A FileServer is a SERVER line.
type FileServer struct {
	Host   string // may be "this_host" or "ANY"
	HostID string // may name a host: "HOSTNAME=lic01"
	Port   int    // 0 if not given
	Line   int
}

// A FileVendor is a VENDOR or DAEMON line.
type FileVendor struct {
	Name    string
	Path    string // of the daemon; empty if not given
	Options string // path of the options file; empty if not given
	Port    int    // 0 if not given
	Line    int
}

// An EntryKind is the keyword of an entry.
type EntryKind string

// The keywords that grant something.
const (
	EntryFeature   EntryKind = "FEATURE"
	EntryIncrement EntryKind = "INCREMENT"
	EntryPackage   EntryKind = "PACKAGE"
	EntryUpgrade   EntryKind = "UPGRADE"
)

// An Entry is one FEATURE, INCREMENT, PACKAGE or UPGRADE line.
type Entry struct {
	Kind         EntryKind
	Name         string
	Vendor       string // the vendor daemon
	Version      string
	FromVersion  string        // of an UPGRADE
	Expiry       string        // as written; ParseExpiry reads it; empty for a package
	State        license.State // counted, uncounted or unlimited; unknown for a package
	Count        license.Count // known only when counted
	VendorString string
	HostID       string
	Serial       string // SN
	Notice       string
	Issued       string
	Start        string
	DupGroup     string
	Components   []Component       // of a package
	Attrs        map[string]string // the other KEY=value pairs, keys in upper case; nil if none
	Repeat       bool              // the same line, signature included, stood before; it grants nothing more
	Line         int               // where it starts
}

// A Component is one feature of a package.
type Component struct {
	Name    string
	Version string // empty if not given
	Count   int64  // per package; 0 if not given
}

// An Entitlement is what the entries of one feature of one vendor grant
// together.
type Entitlement struct {
	Name      string
	Vendor    string
	State     license.State // counted if any entry is
	Count     license.Count // sum of the counted entries; known only when counted
	Uncounted bool          // some entry is uncounted
	Entries   []int         // indexes into LicenseFile.Entries of those that count
}

// Entitlements adds up the entries per feature and vendor, in the order of
// the file: INCREMENT lines add, of several FEATURE lines the first counts,
// packages and upgrades grant nothing by themselves.
func (f LicenseFile) Entitlements() []Entitlement {
	type key struct{ vendor, name string }
	at := map[key]int{}
	hasFeature := map[key]bool{}
	var all []Entitlement
	for i, e := range f.Entries {
		k := key{e.Vendor, e.Name}
		if e.Repeat || e.Kind != EntryFeature && e.Kind != EntryIncrement || e.Kind == EntryFeature && hasFeature[k] {
			continue
		}
		hasFeature[k] = hasFeature[k] || e.Kind == EntryFeature
		n, ok := at[k]
		if !ok {
			n = len(all)
			at[k] = n
			all = append(all, Entitlement{Name: e.Name, Vendor: e.Vendor})
		}
		all[n].add(i, e)
	}
	return all
}

func (t *Entitlement) add(index int, e Entry) {
	t.Entries = append(t.Entries, index)
	switch e.State {
	case license.StateCounted:
		if t.State == license.StateCounted {
			t.Count = t.Count.Plus(e.Count)
			return
		}
		if t.State != license.StateUnlimited {
			t.State, t.Count = license.StateCounted, e.Count
		}
	case license.StateUnlimited:
		t.State, t.Count = license.StateUnlimited, license.Count{}
	case license.StateUncounted:
		t.Uncounted = true
		if t.State == license.StateUnknown {
			t.State = license.StateUncounted
		}
	}
}
