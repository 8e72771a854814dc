package citrix

import (
	"strings"
	"time"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

// Property names that differ between versions of the SDK, or may do so in
// answers that were never seen.
var (
	saDateNames   = []string{"SubscriptionDate", "LicenseCustomerSuccessServicesDate", "LicenseSubscriptionAdvantageDate", "CustomerSuccessServicesDate", "SubscriptionAdvantageDate", "SADate", "CSSDate"}
	typeNames     = []string{"LicenseType", "LicType", "Type"}
	expiryNames   = []string{"LicenseExpirationDate", "ExpirationDate", "ContractEndDate", "EndDate", "ExpiryDate"}
	quantityNames = []string{"LicensesAvailable", "LicenseQuantity", "Quantity", "LicensesTotal", "TotalLicenses", "TotalLicensesIncludingOverDraft", "LicenseCount", "Count", "Installed"}
	inUseNames    = []string{"LicensesInUse", "LicenseInUse", "InUseCount", "InUse", "LicensesUsed", "Used"}
	codeNames     = []string{"ProductEditionModel", "PEM", "PLD", "FeatureName", "LicenseFeature", "Feature"}
	overNames     = []string{"LicenseOverdraft", "OverdraftLicenses", "Overdraft"}
)

// take reads one object by the properties that it has, whichever source it
// came from, and says whether it told anything about licenses. zone is that of
// times that tell none.
func (a *Answer) take(p properties, zone *time.Location) bool {
	if !a.room() {
		return false
	}
	switch {
	case a.Source == SourceLAS:
		return a.las(p, zone)
	case p.has("PLD", "SerialNumber"):
		return a.grant(p, zone)
	case p.has("PLD"):
		return a.pool(p, Pool{
			Feature: p.first("PLD"), Installed: p.count("Count"), Overdraft: p.count("Overdraft"), InUse: p.count("InUseCount"),
			Name: p.first("PLDFullName"),
		}, zone)
	case p.has("LicenseProductName"):
		return a.pool(p, Pool{
			Feature: codeOf(p), Installed: p.count("LicensesAvailable"), Overdraft: p.count("LicenseOverdraft"), InUse: p.count("LicensesInUse"),
			Name: p.first("LocalizedLicenseProductName"),
		}, zone)
	case p.has("ProductEditionModel"):
		return a.usedPool(p, zone)
	case p.has("PEM", "Name"):
		return a.assigned(p, zone)
	case p.has("Product", "Installed", "Used"):
		return a.pool(p, Pool{Feature: p.first("Product"), Installed: p.count("Installed"), InUse: p.count("Used")}, zone)
	}
	return a.lesser(p, zone)
}

// lesser reads objects that tell of no pool by themselves.
func (a *Answer) lesser(p properties, zone *time.Location) bool {
	switch {
	case p.has("Datetime", "Count"):
		return a.sample(p, zone)
	case p.has("FeatureName", "ProductNameandEdition"):
		a.Features = append(a.Features, Name{Code: p.first("FeatureName"), Name: p.first("ProductNameandEdition"), Model: p.first("ModelName")})
	case p.has("TypeName", "FriendlyName"):
		a.Types = append(a.Types, Name{Code: p.first("TypeName"), Name: p.first("FriendlyName")})
	case p.has("PollingInterval", "RetentionPeriod"):
		minutes, _ := parseNumber(p.first("PollingInterval")) // not told where sampling is off
		days, _ := parseNumber(p.first("RetentionPeriod"))
		a.Sampling = Sampling{
			Told: true, Enabled: strings.EqualFold(p.first("Enabled"), "true"),
			Every: time.Duration(minutes) * time.Minute, Retention: time.Duration(days) * 24 * time.Hour,
		}
	case p.has("SLVersion"), p.has("LSVersion"):
		a.server(p, zone)
	default:
		a.Other++
	}
	return true
}

// codeOf puts the code of a feature together from product, edition and model.
func codeOf(p properties) string {
	var parts []string
	for _, name := range []string{"LicenseProductName", "LicenseEdition", "LicenseModel"} {
		if v := p.first(name); v != "" {
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, "_")
}

// pool adds a pool with what all sources call alike.
func (a *Answer) pool(p properties, pool Pool, zone *time.Location) bool {
	if pool.Feature == "" {
		return false
	}
	pool.SADate, pool.Type = saDateOf(p.first(saDateNames...), zone), p.first(typeNames...)
	if m, ok := parseMoment(p.first(expiryNames...), zone, anyOrder); ok && !m.either {
		pool.Expiry = m.at
	}
	a.Pools = append(a.Pools, pool)
	return true
}

// las reads an entitlement of the License Activation Service by whichever of
// the known names its properties have.
func (a *Answer) las(p properties, zone *time.Location) bool {
	feature := p.first(codeNames...)
	if feature == "" {
		feature = codeOf(p)
	}
	name := p.first("LocalizedLicenseProductName", "ProductName", "EntitlementProductName", "EntitlementName")
	if feature == "" {
		feature = name
	}
	return a.pool(p, Pool{
		Feature: feature, LAS: true, Installed: p.count(quantityNames...), Overdraft: p.count(overNames...), InUse: p.count(inUseNames...), Name: name,
	}, zone)
}

// usedPool reads the pool of Get-LicHistoricalUsage. It is what the server has
// now; samples follow it.
func (a *Answer) usedPool(p properties, zone *time.Location) bool {
	ok := a.pool(p, Pool{
		Feature: p.first("ProductEditionModel"), Installed: p.count("TotalLicensesIncludingOverDraft"), Overdraft: p.count("OverdraftLicenses"),
	}, zone)
	if ok {
		pool := a.Pools[len(a.Pools)-1]
		a.past = &pool
	}
	return ok
}

// assigned reads a line of Get-LicUsageDetails: a name, and no time.
func (a *Answer) assigned(p properties, zone *time.Location) bool {
	kind := license.AssigneeKind(strings.ToLower(p.first("LicenseModelType")))
	if kind != license.AssignedUser && kind != license.AssignedDevice || p.first("Name") == "" || p.first("PEM") == "" {
		return false
	}
	pool := Pool{Feature: p.first("PEM"), SADate: saDateOf(p.first("SADate"), zone)}
	a.Assigned = append(a.Assigned, license.Assignment{Pool: pool.Key(), Daemon: Daemon, Kind: kind, Name: p.first("Name")})
	return true
}

// sample reads one sample of the pool that stood before it.
func (a *Answer) sample(p properties, zone *time.Location) bool {
	at, err := instant(p.first("Datetime"), zone, anyOrder)
	n := p.count("Count")
	if a.past == nil || err != nil || !n.Known {
		return false
	}
	a.Past = append(a.Past, Past{Pool: a.past.Key(), From: at, InUse: n})
	return true
}

// server reads what the license server says of itself.
func (a *Answer) server(p properties, zone *time.Location) {
	version, _, _ := strings.Cut(p.first("SLVersion", "LSVersion"), " i86")
	version, _, _ = strings.Cut(version, " (ipv6)")
	a.Server.Version = strings.TrimPrefix(version, "v")
	if host := p.first("HostName"); host != "" {
		a.Server.Hosts = []string{host}
	}
	if at, err := instant(p.first("EarliestDateOfSample"), zone, anyOrder); err == nil {
		a.Earliest = at
	}
}

// grant reads a row of Citrix_GT_License: one line of a license file.
func (a *Answer) grant(p properties, zone *time.Location) bool {
	g := Grant{
		Feature: p.first("PLD"), SADate: saDateOf(p.first(saDateNames...), zone), Type: p.first(typeNames...),
		Serial: p.first("SerialNumber"), Count: p.count("Count"),
	}
	if g.Feature == "" {
		return false
	}
	if m, ok := parseMoment(p.first(expiryNames...), zone, anyOrder); ok && !m.either {
		g.Expiry = text.Day{Year: m.at.Year(), Month: m.at.Month(), Day: m.at.Day()}.Midnight()
	}
	a.Grants = append(a.Grants, g)
	return true
}
