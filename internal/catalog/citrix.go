package catalog

import (
	_ "embed" // for the table
	"strings"
	"sync"

	"headroom/internal/license"
)

// CitrixDaemon is the vendor daemon that serves Citrix's features.
const CitrixDaemon = "CITRIX"

// Version returns the version of the table of Citrix's codes. Figures by
// product that were made with another version may carry other names.
func Version() string { return table().version }

// Twin returns the current code of a legacy one: Citrix writes one XenDesktop
// purchase as two lines, XDS_* and XDT_*. That two pools are one purchase is
// for their license files to prove (same serial number and count); the names
// alone make them possible twins. Case does not count.
func Twin(feature string) (current string, ok bool) {
	code := strings.ToUpper(feature)
	for _, legacy := range []string{"XDS_", "XDSTP_"} {
		if rest, found := strings.CutPrefix(code, legacy); found {
			return strings.Replace(legacy, "XDS", "XDT", 1) + rest, true
		}
	}
	return "", false
}

// Entitlement reports whether the licenses of a pool were granted to the
// organisation and not to a license server: then several of its servers may report
// the same ones. The License Activation Service of Citrix grants so; a collector
// begins the variant of its pools with LAS.
func Entitlement(p license.Pool) bool {
	return p.Variant == "LAS" || strings.HasPrefix(p.Variant, "LAS ")
}

// citrix returns the product of a code that the CITRIX daemon serves.
func citrix(feature string) Product {
	code := strings.ToUpper(strings.TrimSpace(feature))
	current, legacy := Twin(code)
	p, known := table().products[code]
	if !known && legacy {
		p, known = table().products[current]
	}
	if !known {
		p = Product{Name: code, Model: modelOf(code)}
	}
	p.Key = key(CitrixDaemon, code)
	p.Daemon = CitrixDaemon
	p.System = code == "CITRIX" || code == "CTXLSDIAG"
	if legacy {
		p.Name += " (legacy)"
	}
	if preview(code) {
		p.Name += " (technology preview)"
	}
	return p
}

// preview reports whether a code is that of a technology preview: its first
// part, the product, ends in TP.
func preview(code string) bool {
	product, _, parts := strings.Cut(code, "_")
	return parts && strings.HasSuffix(product, "TP")
}

// modelOf reads the license model from the last part of a code that the table
// does not know.
func modelOf(code string) Model {
	switch code[strings.LastIndex(code, "_")+1:] {
	case "UD":
		return UserDevice
	case "CCS", "CCU", "SCCU", "RC":
		return Concurrent
	case "RN":
		return NamedUser
	case "SERVER", "SSERVER":
		return Server
	}
	return Unknown
}

//go:embed citrix.tsv
var citrixTable string

// codes is the table in memory; products lack what the code itself tells.
type codes struct {
	version  string
	products map[string]Product
}

// table reads the embedded file, once. That every line of it is well formed is
// what a test makes sure of.
var table = sync.OnceValue(func() codes {
	t := codes{products: map[string]Product{}}
	for line := range strings.Lines(citrixTable) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		switch {
		case cells[0] == "version":
			t.version = cells[1]
		case len(cells) == columns && cells[0] != "code":
			t.products[cells[0]] = Product{Model: Model(cells[1]), Edition: cells[2], Name: cells[3], OldName: cells[4]}
		}
	}
	return t
})

// columns is how many a line of the table has.
const columns = 5
