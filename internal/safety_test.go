package internal_test

import (
	"go/ast"
	"regexp"
	"slices"
	"testing"
)

// Only collectors start processes: on a customer's license server that is
// what a reviewer wants to read first, and it stands in one folder. The
// benchmark runs itself and other databases; it is not shipped. B-04.
func TestOnlyCollectorsStartProcesses(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test && s.pkg != "agent/collect" && s.pkg != "bench" && s.nameOf("os/exec") != "" {
			t.Errorf("%s imports os/exec; only agent/collect may start processes", s.path)
		}
	}
}

// Whoever needs another trust configures it: certificate file, pinned key.
func TestNobodySkipsCertificateChecks(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name == "InsecureSkipVerify" {
				t.Errorf("%s: InsecureSkipVerify; trust a certificate (RootCAs) instead", s.at(n))
			}
			return true
		})
	}
}

// clockless are the packages that never read a clock: they are told the time,
// as a parameter or by a field Now that the wiring fills. What is below a
// listed package is listed with it.
var clockless = []string{
	"license", "format", "catalog", "series", "insight",
	"hub/registration", "hub/ingest", "hub/account", "hub/usage",
	"agent/spool", "agent/upload",
}

func TestRulesAreToldTheTime(t *testing.T) {
	for _, s := range sources(t) {
		name := s.nameOf("time")
		told := slices.ContainsFunc(clockless, func(top string) bool { return below(s.pkg, top) })
		if s.test || !told || name == "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if clock := selector(n, name, "Now", "Since", "Until"); clock != "" {
				t.Errorf("%s: reads the clock by time.%s; take the time as a parameter or from a field Now", s.at(n), clock)
			}
			return true
		})
	}
}

// everywhere matches an address that listens on all interfaces, as a string
// or inside the tag of a setting.
var everywhere = regexp.MustCompile(`"(0\.0\.0\.0|\[::\])?:\d+"`)

func TestNoListenerOnAllInterfacesByDefault(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && everywhere.MatchString(lit.Value) {
				t.Errorf("%s: %s listens on all interfaces; the default is loopback", s.at(n), lit.Value)
			}
			return true
		})
	}
}

// selector returns which of names n selects from the imported package, or "".
func selector(n ast.Node, pkg string, names ...string) string {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if id, ok := sel.X.(*ast.Ident); !ok || id.Name != pkg {
		return ""
	}
	if !slices.Contains(names, sel.Sel.Name) {
		return ""
	}
	return sel.Sel.Name
}
