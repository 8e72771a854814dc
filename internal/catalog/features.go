package catalog

import (
	_ "embed" // for the table
	"regexp"
	"strings"
	"sync"
)

//go:embed features.tsv
var featureTable string

// A featureKey names a feature of a vendor daemon in lower case.
type featureKey struct{ daemon, feature string }

// features is the table in memory: what it says of a feature.
var features = sync.OnceValue(func() map[featureKey]Product {
	all := map[featureKey]Product{}
	for line := range strings.Lines(featureTable) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(cells) == featureColumns && cells[0] != "daemon" {
			all[featureKey{cells[0], cells[1]}] = Product{Model: Model(cells[2]), Name: cells[3]}
		}
	}
	return all
})

// featureColumns is how many a line of the table has.
const featureColumns = 4

// other returns the product of a feature that is not Citrix's.
func other(daemon, feature string) Product {
	p := Product{Key: key(daemon, feature), Name: feature, Model: Unknown, Daemon: daemon}
	known, ok := features()[featureKey{strings.ToLower(daemon), feature}]
	if !ok && strings.EqualFold(daemon, "adskflex") {
		known, ok = autodesk(feature)
	}
	if !ok {
		return p
	}
	if p.Model = known.Model; known.Name != "" && known.Name != feature {
		p.Name, p.Code = known.Name, feature
	}
	return p
}

// autodeskCode is a code of Autodesk: of a product in the version of a year, as
// in 87084ACD_2019_0F, or of what is bought, as in 64300ACD_F and 64300ACD_T_F.
var autodeskCode = regexp.MustCompile(`^\d{5}([A-Z0-9_]*?[A-Z0-9])_(?:(20\d\d)_0F|(T_)?F)$`)

// autodeskNames are the words of these codes.
var autodeskNames = map[string]string{
	"3DSMAX": "3ds Max", "ACD": "AutoCAD", "ACDLT": "AutoCAD LT", "AMECH_PP": "AutoCAD Mechanical", "CIV3D": "Civil 3D",
	"INVPROSA": "Inventor Professional", "MAYA": "Maya", "NAVMAN": "Navisworks Manage", "NAVSIM": "Navisworks Simulate", "RVT": "Revit",
}

// autodesk names the product of a code. Codes of what is bought stand for
// packages: they are never the same product as what is in them.
func autodesk(code string) (Product, bool) {
	m := autodeskCode.FindStringSubmatch(code)
	if m == nil || autodeskNames[m[1]] == "" {
		return Product{}, false
	}
	p := Product{Model: Concurrent, Name: "Autodesk " + autodeskNames[m[1]]}
	switch {
	case m[2] != "":
		p.Name += " " + m[2]
	case m[3] != "":
		p.Name += " (subscription)"
	default:
		p.Name += " (package)"
	}
	return p, true
}

// modelsOf are the models of license managers that know one only: who has a
// license, has it as long as it is checked out.
var modelsOf = map[string]Model{
	"keygen-relay": Concurrent, "lmx": Concurrent, "lsdyna": Concurrent, "mathlm": Concurrent, "olicense": Concurrent, "rlm": Concurrent,
	"sentinel": Concurrent, "slurm": Concurrent,
}

// Served returns the product of a feature that a license server of a manager
// serves. Most managers but FlexNet have no vendor daemons: where none is told,
// the manager stands for it, so that features of one name stay apart.
func Served(manager, daemon, feature string) Product {
	if daemon == "" && manager != "flexnet" {
		daemon = manager
	}
	return Of(daemon, feature).Told(modelsOf[manager])
}
