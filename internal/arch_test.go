package internal_test

import (
	"slices"
	"strings"
	"testing"
)

// Groups of packages that the lines below name together.
const (
	formats = "format format/text format/facts format/denial format/flexnet format/dsls format/lsdyna format/mathlm format/olicense format/rlm format/slurm format/generic format/relay format/lmx format/sentinel format/citrix format/phplw"
	rules   = "hub/audit hub/registration hub/ingest hub/account hub/usage hub/erasure hub/override hub/retention hub/seal"
	edges   = "license catalog insight fault wire look report hub/store hub/export " + rules
)

// everythingBut starts the line of a package that may import all of ours
// except what follows.
const everythingBut = "everything but"

// mayImport is the architecture. A package may import what its line lists and
// nothing else of ours; a new package needs a line here. Names are below
// internal/, except the command's. Tests may import what they like.
var mayImport = map[string]string{
	// What both sides agree on.
	"license": "",
	"fault":   "",
	"wire":    "license",
	"look":    "license",
	"service": "",

	// Parsers and arithmetic: pure.
	"format":          "license " + formats,
	"format/text":     "license",
	"format/facts":    "license",
	"format/denial":   "license",
	"format/flexnet":  "license format/text format/facts format/denial",
	"format/citrix":   "license format/text format/facts format/flexnet",
	"format/dsls":     "license format/text format/facts",
	"format/lsdyna":   "license format/text format/facts",
	"format/mathlm":   "license format/text format/facts",
	"format/olicense": "license format/text format/facts",
	"formattest":      "license format/facts",
	"format/lmx":      "license format/text format/facts",
	"format/sentinel": "license format/text format/facts",
	"format/rlm":      "license format/text format/facts",
	"format/slurm":    "license format/text format/facts",
	"format/generic":  "license format/text format/facts",
	"format/relay":    "license format/text format/facts",
	"format/phplw":    "format/facts",
	"catalog":         "license format/text",
	"series":          "license format/text",
	"insight":         "license catalog series",
	"report":          "license catalog series insight " + formats,

	// The agent's side. The spool sees bytes, a collector knows neither. Which
	// Citrix features are twins by name is the catalog's knowledge; a collector
	// has the license files that prove it.
	"agent/collect":         "license catalog " + formats,
	"agent/spool":           "",
	"agent/spool/spooltest": "agent/spool",
	"agent/upload":          "wire agent/spool",
	"agent/route":           "",
	"agent/console":         "wire look agent agent/upload",
	"agent":                 "license wire agent/collect agent/spool agent/upload agent/route",

	// The hub's side: rules own their types, the store depends on them.
	"hub/audit":           "",
	"hub/seal":            "",
	"hub/registration":    "license catalog series insight fault hub/audit",
	"hub/ingest":          "license catalog series insight fault wire",
	"hub/account":         "license catalog series insight fault hub/audit hub/seal",
	"hub/erasure":         "license catalog series insight fault hub/audit",
	"hub/metrics":         "",
	"hub/retention":       "hub/audit",
	"hub/export":          "",
	"hub/override":        "license catalog fault hub/audit",
	"hub/usage":           "license catalog series insight fault",
	"hub/store":           "license catalog series fault " + rules,
	"hub/store/storetest": "hub/store license catalog series fault " + rules,
	"hub/api":             edges,
	"hub/console":         edges + " hub/oidc",
	"hub/outward":         "",
	"hub/oidc":            "fault hub/outward",
	"hub/rest":            edges,
	"hub":                 "license catalog series fault wire hub/store hub/api hub/console hub/rest hub/metrics hub/oidc hub/outward " + rules,
	"hub/hubtest":         "license catalog fault wire hub hub/store hub/api hub/console hub/rest " + rules,

	// Around both: the simulation prints what real tools print and knows
	// neither. The demonstration signs up and registers as people would, so it
	// knows the rules that hub offers, and not the store. The command puts
	// everything together. The benchmark is not shipped: it asks a store that a
	// hub has filled in a process without the hub.
	"sim":          "license series",
	"demo":         "license wire sim agent hub hub/account hub/audit hub/registration",
	"cmd/headroom": everythingBut + " hub/store hub/store/storetest hub/hubtest agent/spool/spooltest",
	"bench":        "license series report wire insight hub hub/account hub/audit hub/registration hub/store hub/usage",
}

func TestEveryImportIsInTheArchitecture(t *testing.T) {
	missing := map[string]bool{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		allowed, known := mayImport[f.pkg]
		if !known {
			missing[f.pkg] = true
			continue
		}
		for _, imported := range f.ours {
			if !allows(allowed, imported) {
				t.Errorf("%s imports %s, which the architecture does not allow", f.path, imported)
			}
		}
	}
	for pkg := range missing {
		t.Errorf("%s: not in the architecture; say in mayImport what it may use", pkg)
	}
}

func TestArchitectureNamesOnlyWhatExists(t *testing.T) {
	exists := map[string]bool{}
	for _, f := range sources(t) {
		exists[f.pkg] = exists[f.pkg] || !f.test
	}
	for pkg, line := range mayImport {
		for _, name := range append(strings.Fields(strings.TrimPrefix(line, everythingBut)), pkg) {
			if !exists[name] {
				t.Errorf("line of %s: %s is not in the tree", pkg, name)
			}
		}
	}
}

// The table above says this package by package. Here it is said once more of
// the whole way, because a customer's security reviewer asks just this.
func TestAgentReachesNothingOfTheHub(t *testing.T) {
	imports := map[string][]string{}
	for _, f := range sources(t) {
		if !f.test {
			imports[f.pkg] = append(imports[f.pkg], f.ours...)
		}
	}
	seen := map[string]bool{}
	var follow func(pkg string, way []string)
	follow = func(pkg string, way []string) {
		way = append(slices.Clip(way), pkg)
		if below(pkg, "hub") {
			t.Errorf("the agent reaches the hub: %s", strings.Join(way, " -> "))
			return
		}
		if seen[pkg] {
			return
		}
		seen[pkg] = true
		for _, imported := range imports[pkg] {
			follow(imported, way)
		}
	}
	for pkg := range imports {
		if below(pkg, "agent") {
			follow(pkg, nil)
		}
	}
}

// allows reports whether a line of the table lets its package import pkg.
func allows(line, pkg string) bool {
	if except, found := strings.CutPrefix(line, everythingBut); found {
		return !slices.Contains(strings.Fields(except), pkg)
	}
	return slices.Contains(strings.Fields(line), pkg)
}

// below reports whether pkg is the package top or one underneath.
func below(pkg, top string) bool { return pkg == top || strings.HasPrefix(pkg, top+"/") }
