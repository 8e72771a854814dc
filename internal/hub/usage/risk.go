package usage

import (
	"cmp"
	"slices"
	"strings"

	"headroom/internal/insight"
	"headroom/internal/license"
)

// riskOf says how tight a product is.
func riskOf(n Now, last7 insight.Peak) Risk {
	peakTells := last7.Known && last7.Installed.Known && !last7.Unlimited
	switch {
	case n.Over.Known && n.Over.N > 0:
		return RiskOver
	case !n.Unlimited && n.InUse.Known && tight(n.InUse.N, n.Installed):
		return RiskTight
	case peakTells && tight(last7.Value, last7.Installed):
		return RiskTight
	case n.Unlimited && n.InUse.Known, n.Installed.Known && n.InUse.Known:
		return RiskFine
	case n.SharedWith != "" && n.InUse.Known && n.Untold == 0:
		return RiskFine // the other product says how tight it is
	case n.Uncounted > 0 && n.Untold == 0 && !n.InUse.Known:
		return RiskFine
	}
	return RiskUnknown
}

// tight says that 90 % or more of what is installed is in use.
func tight(inUse int64, installed license.Count) bool {
	return installed.Known && inUse > 0 && 10*inUse >= 9*installed.N
}

// tightest returns the name of the server with the largest overdraft used,
// else of the one with the smallest share free; empty where none tells it.
func tightest(lines []*line) string {
	name, over, free := "", int64(0), 0.0
	for _, of := range perServer(lines) {
		if of[0].server.Status != Reporting {
			continue
		}
		n := nowOf(of)
		percent, ok := n.Available()
		if !ok {
			continue
		}
		if name == "" || n.Over.N > over || n.Over.N == over && percent < free {
			name, over, free = of[0].server.Name, n.Over.N, percent
		}
	}
	return name
}

var risks = []Risk{RiskOver, RiskTight, RiskUnknown, RiskFine}

// byRisk orders cards, the worst first, then by name.
func byRisk(a, b Card) int {
	return cmp.Or(
		cmp.Compare(slices.Index(risks, a.Risk), slices.Index(risks, b.Risk)),
		strings.Compare(a.Product.Name, b.Product.Name),
		strings.Compare(a.Product.Key, b.Product.Key),
	)
}
