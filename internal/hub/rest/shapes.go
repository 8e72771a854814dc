package rest

import (
	"math"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
)

// count is a number that may be unknown: then it is null.
func count(c license.Count) *int64 {
	if !c.Known {
		return nil
	}
	return &c.N
}

// instant is a time in UTC that may not be told: then it is null.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func seconds(at int64) *time.Time { return instant(time.Unix(at, 0)) }

// Organisation is the organisation that a token is of.
type Organisation struct {
	ID      string    `json:"id" doc:"Its public id, which license servers show."`
	Name    string    `json:"name"`
	Zone    string    `json:"zone" doc:"IANA name. Its calendar decides days and months."`
	Created time.Time `json:"created"`

	RemovedBefore *time.Time `json:"removed_before" doc:"Usage data before this instant were removed because the organisation does not keep them longer; null if none were."`
}

// LicenseServer is a license server.
type LicenseServer struct {
	GUID         string     `json:"guid" doc:"It never changes, whatever the license server is called."`
	Name         string     `json:"name"`
	Hosts        []string   `json:"hosts"`
	Manager      string     `json:"manager" doc:"Its license manager, for example citrix or flexnet; empty if it is not known."`
	Version      string     `json:"version"`
	Agent        string     `json:"agent" doc:"The machine whose agent reads it."`
	Status       string     `json:"status" enum:"awaiting first upload,reporting,not reporting,silent,removed"`
	Registered   *time.Time `json:"registered"`
	LastReported *time.Time `json:"last_reported" doc:"When the hub received its last successful reading; null if it never did."`
	LastReading  *time.Time `json:"last_reading" doc:"When it was read last, by the source's clock."`
	LastContact  *time.Time `json:"last_contact" doc:"When its agent was heard of last."`
	Failure      string     `json:"failure" doc:"Why the newest reading failed; empty if it did not."`
	ErasedBefore *time.Time `json:"erased_before" doc:"Usage data before this instant were deleted for good; null if none were."`
}

func newServer(s usage.Server) LicenseServer {
	return LicenseServer{
		GUID: s.GUID, Name: s.Name, Hosts: list(s.Hosts), Manager: s.Manager, Version: s.Version, Agent: s.Agent, Status: string(s.Status),
		Registered: instant(s.Registered), LastReported: instant(s.LastReported), LastReading: instant(s.LastReading),
		LastContact: instant(s.LastContact), Failure: s.Failure, ErasedBefore: instant(s.Erased),
	}
}

// list is never null.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// Product is a product edition and its license model.
type Product struct {
	Key     string `json:"key" doc:"It names the product in addresses."`
	Name    string `json:"name"`
	Edition string `json:"edition"`
	Model   string `json:"model"`
	Hidden  bool   `json:"hidden" doc:"The organisation's catalog hides it: no list of products has it."`
	Daemon  string `json:"daemon" doc:"The vendor daemon that serves it; empty if it is not known."`
}

// Current is what is in use at present: the last good reading of each license server
// that reports.
type Current struct {
	Installed        *int64     `json:"installed" doc:"null where a limited pool does not tell it."`
	Unlimited        bool       `json:"unlimited" doc:"A pool without a limit is among them: installed says nothing."`
	InUse            *int64     `json:"in_use"`
	Reserved         *int64     `json:"reserved" doc:"Part of in_use."`
	Borrowed         *int64     `json:"borrowed" doc:"Part of in_use."`
	Queued           *int64     `json:"queued" doc:"No part of in_use."`
	Overdraft        *int64     `json:"overdraft" doc:"Part of installed."`
	OverdraftUsed    *int64     `json:"overdraft_used"`
	AvailablePercent *float64   `json:"available_percent" doc:"Share of installed that is free. Below 0 where more is in use than installed."`
	Oldest           *time.Time `json:"oldest" doc:"The oldest reading that contributes."`
	Servers          int        `json:"servers" doc:"License servers that contribute."`
	LeftOut          []string   `json:"left_out" doc:"License servers that have the product and do not report."`
}

func newCurrent(n usage.Now) Current {
	c := Current{
		Installed: count(n.Installed), Unlimited: n.Unlimited, InUse: count(n.InUse), Reserved: count(n.Reserved), Borrowed: count(n.Borrowed),
		Queued: count(n.Queued), Overdraft: count(n.Overdraft), OverdraftUsed: count(n.Over), Oldest: instant(n.Oldest),
		Servers: n.Counted, LeftOut: list(n.LeftOut),
	}
	if percent, ok := n.Available(); ok {
		c.AvailablePercent = &percent
	}
	return c
}

// Peak is the highest sum at one moment of a span.
type Peak struct {
	Value        *int64     `json:"value" doc:"null if not one second of the span is known."`
	AtLeast      *int64     `json:"at_least" doc:"What is certain; below value where a source tells the highest use of a time and not when it was."`
	At           *time.Time `json:"at" doc:"The earliest second with the value."`
	Installed    *int64     `json:"installed" doc:"What was installed at that second."`
	Basis        string     `json:"basis" doc:"The weakest of what it rests on; empty if it is not known."`
	Partial      bool       `json:"partial" doc:"A pool was unknown at that second: the true sum may have been higher."`
	KnownPercent *float64   `json:"known_percent" doc:"How much of the span is known."`
}

func newPeak(p insight.Peak) Peak {
	out := Peak{Partial: p.Partial, KnownPercent: percent(p.Coverage)}
	if p.Known {
		out.Value, out.AtLeast, out.At, out.Installed, out.Basis = &p.Value, &p.Low, seconds(p.At), count(p.Installed), string(p.Basis)
	}
	return out
}

func percent(c insight.Coverage) *float64 {
	share, ok := c.Share()
	if !ok {
		return nil
	}
	share *= 100
	return &share
}

// Peaks are the windows in which people look for peaks.
type Peaks struct {
	Last7 Peak       `json:"last_7_days" doc:"168 hours up to now."`
	Month Peak       `json:"this_month" doc:"The calendar month of the organisation's zone."`
	All   Peak       `json:"all_time"`
	Since *time.Time `json:"all_time_since" doc:"The first record of the chosen license servers."`
}

func newPeaks(p usage.Peaks) Peaks {
	return Peaks{newPeak(p.Last7), newPeak(p.Month), newPeak(p.All), instant(p.Since)}
}

// ProductUse is a product with its present use and its peaks.
type ProductUse struct {
	Product
	Risk    string  `json:"risk" enum:"over,tight,unknown,fine"`
	Current Current `json:"current"`
	Peaks   Peaks   `json:"peaks"`
	Servers int     `json:"license_servers" doc:"That have the product."`
}

// ServerPart is what one license server has of a product.
type ServerPart struct {
	Server  LicenseServer `json:"server"`
	Pools   []string      `json:"pools" doc:"The pools that are added."`
	Current Current       `json:"current" doc:"Of this one alone; its last reading even where it does not report."`
	Peak    Peak          `json:"peak" doc:"Its own, over the span."`
	Share   *int64        `json:"share" doc:"Its part of the sum at the instant of the common peak of the span."`
}

// Details is one product on the chosen license servers.
type Details struct {
	Product
	From    *time.Time   `json:"from"`
	To      *time.Time   `json:"to"`
	Current Current      `json:"current"`
	Peaks   Peaks        `json:"peaks"`
	Peak    Peak         `json:"peak" doc:"Of the span."`
	Explain *Explanation `json:"explain,omitempty" doc:"Where explain=1 asks for it."`
	Servers []ServerPart `json:"license_servers"`
}

// Explanation says how the peak of the span comes about.
type Explanation struct {
	Rule  string      `json:"rule"`
	Parts []PeakShare `json:"parts" doc:"They add up to the peak."`
}

// PeakShare is the part of one license server in a peak.
type PeakShare struct {
	Server string `json:"server" doc:"Its GUID."`
	Name   string `json:"name"`
	InUse  *int64 `json:"in_use" doc:"null: unknown at that second, and not in the sum."`
}

// Step is a day, month or year of a trend.
type Step struct {
	From         *time.Time `json:"from"`
	To           *time.Time `json:"to" doc:"The first instant that is not meant."`
	Peak         Peak       `json:"peak"`
	Mean         *float64   `json:"mean" doc:"Over the time that is known."`
	Percentile95 *int64     `json:"p95" doc:"What the use did not exceed in 95 % of the known seconds."`
	Installed    *int64     `json:"installed" doc:"What was told last."`
	Overdraft    *int64     `json:"overdraft" doc:"Part of installed."`
}

func newStep(b insight.Bucket) Step {
	s := Step{From: seconds(b.From), To: seconds(b.To), Peak: newPeak(b.Peak), Percentile95: count(b.P95), Installed: count(b.Installed), Overdraft: count(b.Overdraft)}
	if !math.IsNaN(b.Mean) {
		s.Mean = &b.Mean
	}
	return s
}

// Hour is an hour of the week.
type Hour struct {
	Weekday      string `json:"weekday" enum:"Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"`
	Hour         int    `json:"hour" minimum:"0" maximum:"23"`
	Peak         Peak   `json:"peak"`
	Percentile95 *int64 `json:"p95"`
}

// Assignment is a user or device to whom a license is, or was, assigned.
type Assignment struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind" enum:"user,device"`
	Server   string     `json:"server" doc:"GUID of the license server."`
	Pool     string     `json:"pool"`
	First    *time.Time `json:"first" doc:"Assigned first, as the source tells it."`
	Seen     *time.Time `json:"seen" doc:"First seen in a list."`
	Last     *time.Time `json:"last" doc:"What last_is says."`
	LastIs   string     `json:"last_is" doc:"request, login or use; empty if last is not told."`
	Ended    *time.Time `json:"ended" doc:"Since when the license is free again; null while it is theirs."`
	Assigned bool       `json:"assigned"`
}

func newAssignment(a usage.Assigned) Assignment {
	return Assignment{
		Name: a.Name, Kind: string(a.Kind), Server: a.Server.GUID, Pool: a.Pool.String(), First: instant(a.First), Seen: instant(a.Seen),
		Last: instant(a.Last), LastIs: string(a.LastIs), Ended: instant(a.Ended), Assigned: a.Ended.IsZero(),
	}
}

// Checkout is somebody who holds licenses now, or waits for them.
type Checkout struct {
	User     string     `json:"user"`
	Host     string     `json:"host"`
	Display  string     `json:"display"`
	Server   string     `json:"server" doc:"GUID of the license server."`
	Pool     string     `json:"pool"`
	Licenses int64      `json:"licenses"`
	Since    *time.Time `json:"since"`
	Kind     string     `json:"kind" enum:"active,borrowed,linger,reserved,queued"`
}

func newCheckout(c usage.Checkout) Checkout {
	return Checkout{c.User, c.Host, c.Display, c.On.GUID, c.Name.String(), c.Licenses, instant(c.Since), string(c.Kind)}
}

// Denial counts refusals of one local day, license server, pool, person and reason.
type Denial struct {
	Day      *time.Time `json:"day" doc:"Its first moment in the organisation's zone."`
	Server   string     `json:"server" doc:"Name of the license server."`
	Pool     string     `json:"pool"`
	User     string     `json:"user"`
	Reason   string     `json:"reason"`
	True     int64      `json:"true" doc:"Somebody went without."`
	False    int64      `json:"false" doc:"Who was refused was served soon after."`
	Untold   int64      `json:"untold" doc:"The source does not tell how it ended."`
	Refusals int64      `json:"refusals"`
}

func newDenial(d usage.DenialRow) Denial {
	return Denial{instant(d.Day), d.Server, d.Pool.String(), d.User, d.Reason, d.True, d.False, d.Untold, d.Refusals}
}

// Agent is a registration.
type Agent struct {
	ID         int64      `json:"id"`
	Host       string     `json:"host"`
	Platform   string     `json:"platform"`
	Version    string     `json:"version"`
	Registered *time.Time `json:"registered"`
	ApprovedBy string     `json:"approved_by"`
	LastSeen   *time.Time `json:"last_seen"`
	Removed    *time.Time `json:"removed" doc:"null while the registration stands."`
	Servers    []string   `json:"servers" doc:"GUIDs of the license servers that it reads."`
}

func newAgent(a registration.Agent) Agent {
	out := Agent{
		ID: a.ID, Host: a.Host, Platform: a.Platform, Version: a.Version, Registered: instant(a.Registered), ApprovedBy: a.ApprovedBy,
		LastSeen: instant(a.LastSeen), Removed: instant(a.Removed), Servers: []string{},
	}
	for _, s := range a.Servers {
		out.Servers = append(out.Servers, s.GUID)
	}
	return out
}

// Entry is an entry of the audit log.
type Entry struct {
	Number  int64     `json:"number"`
	At      time.Time `json:"at"`
	Act     string    `json:"act"`
	By      string    `json:"by"`
	Address string    `json:"address"`
	Subject string    `json:"subject"`
	Detail  string    `json:"detail"`
	Hash    string    `json:"hash"`
}

func newEntry(e audit.Entry) Entry {
	return Entry{e.Seq, e.At, string(e.Act), e.Actor.Name, e.Actor.Address, e.Subject, e.Detail, e.Hash.String()}
}

func newOrganisation(o account.Organisation) Organisation {
	return Organisation{o.PublicID, o.Name, o.Zone, o.Created, instant(o.Trimmed)}
}
