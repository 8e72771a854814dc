package console

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/export"
	"headroom/internal/look"
)

// Audit reads the log of what was done.
type Audit interface {
	// Entries returns those that a query chooses, newest first.
	Entries(ctx context.Context, org int64, q audit.Query) ([]audit.Entry, error)
}

// An auditPage lists what was done, newest first.
type auditPage struct {
	Acts                   []optionView
	Who, Subject, From, To string
	Filtered               bool
	Rows                   []auditRow
	CSV                    filePath
	Older                  string // address of the next page; empty: there is none
	Newest                 string // address of the first page; empty: this is it
}

// An optionView is an entry of a list to choose from.
type optionView struct {
	Value, Label string
	Chosen       bool
}

// An auditRow is one act.
type auditRow struct {
	Seq                            int64
	When                           template.HTML
	Who, Address, What, On, Detail string
}

// auditRows is how many rows a page shows.
const auditRows = 100

// actWords say what was done.
var actWords = map[audit.Act]string{
	audit.Founded:   "Organisation made",
	audit.SignedIn:  "Signed in",
	audit.SignedOut: "Signed out",
	audit.Approved:  "Registration approved",
	audit.Refused:   "Registration refused",
	audit.Withdrawn: "Approval withdrawn",
	audit.Confirmed: "Registration confirmed by the license server",
	audit.Declined:  "Registration declined by the license server",
	audit.Removed:   "Registration removed",
	audit.Admitted:  "License server approved",
	audit.AskedFor:  "Update asked for",
	audit.Erased:    "Usage data deleted",

	audit.Acknowledged:  "Silence taken note of",
	audit.Placed:        "Site and tags set",
	audit.Changed:       "Settings changed",
	audit.Invited:       "Somebody invited",
	audit.Uninvited:     "Invitation taken back",
	audit.Joined:        "Member joined",
	audit.RoleGiven:     "Role changed",
	audit.MemberRemoved: "Member removed",
	audit.PasswordSet:   "Password changed",
	audit.FactorSet:     "Second factor set up",
	audit.FactorRemoved: "Second factor removed",
	audit.RecoveryMade:  "Recovery codes made",
	audit.Linked:        "Joined with an account elsewhere",
	audit.SignInSet:     "Sign-in changed",
	audit.TokenMade:     "API token made",
	audit.TokenRevoked:  "API token revoked",

	audit.Trimmed:      "Usage data removed after their time",
	audit.CatalogSet:   "Catalog changed",
	audit.CatalogReset: "Catalog as it was",
}

func actWord(a audit.Act) string {
	if w, ok := actWords[a]; ok {
		return w
	}
	return string(a)
}

// readAuditQuery reads an address. What it does not know is refused.
func readAuditQuery(r *http.Request, clock look.Clock) (q audit.Query, err error) {
	v := r.URL.Query()
	q = audit.Query{Act: audit.Act(v.Get("act")), Who: v.Get("who"), Subject: v.Get("on")}
	if _, ok := actWords[q.Act]; !ok && q.Act != "" {
		return q, fault.Errorf(fault.Invalid, "nothing that is called %q is ever done", string(q.Act))
	}
	if q.From, err = dayOf(v.Get("from"), clock); err != nil {
		return q, err
	}
	if q.To, err = dayOf(v.Get("to"), clock); err != nil {
		return q, err
	}
	if !q.To.IsZero() {
		q.To = q.To.AddDate(0, 0, 1) // the day itself is meant
	}
	if before := v.Get("before"); before != "" {
		if q.Before, err = strconv.ParseInt(before, 10, 64); err != nil || q.Before < 1 {
			return q, fault.Errorf(fault.Invalid, "%q is not the number of an entry", before)
		}
	}
	return q, nil
}

// dayOf reads a day of the organisation's calendar; empty is none.
func dayOf(text string, clock look.Clock) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, clock.Zone)
	if err != nil {
		return t, fault.Errorf(fault.Invalid, "%q is not a day; write it as 2026-11-24", text)
	}
	return t, nil
}

func (c *Console) getAudit(w http.ResponseWriter, r *http.Request, v visit) error {
	q, err := readAuditQuery(r, v.clock)
	if err != nil {
		return err
	}
	q.Limit = auditRows + 1 // one more tells whether there are older ones
	entries, err := c.Audit.Entries(r.Context(), v.member.Org, q)
	if err != nil {
		return err
	}
	return show(c, w, r, v, look.Shell{Title: "Audit log", Section: "audit"}, c.pages.audit, http.StatusOK, newAuditPage(v.clock, r.URL.Query(), q, entries))
}

func newAuditPage(clock look.Clock, address url.Values, q audit.Query, entries []audit.Entry) auditPage {
	p := auditPage{
		Who: q.Who, Subject: q.Subject, From: address.Get("from"), To: address.Get("to"),
		Filtered: q.Act != "" || q.Who != "" || q.Subject != "" || !q.From.IsZero() || !q.To.IsZero(),
	}
	for _, act := range audit.Acts {
		p.Acts = append(p.Acts, optionView{string(act), actWord(act), act == q.Act})
	}
	if len(entries) > auditRows {
		entries = entries[:auditRows]
		p.Older = auditPath("/audit", address, entries[auditRows-1].Seq)
	}
	p.CSV = filePath(auditPath("/audit/log.csv", address, 0))
	if q.Before > 0 {
		p.Newest = auditPath("/audit", address, 0)
	}
	p.Rows = auditRowsOf(clock, entries)
	return p
}

func auditRowsOf(clock look.Clock, entries []audit.Entry) (rows []auditRow) {
	for _, e := range entries {
		rows = append(rows, auditRow{
			Seq: e.Seq, When: clock.Time(e.At), Who: e.Actor.Name, Address: e.Actor.Address,
			What: actWord(e.Act), On: e.Subject, Detail: e.Detail,
		})
	}
	return rows
}

// auditPath is an address with the same filter, before an entry; 0: from the
// newest on.
func auditPath(path string, address url.Values, before int64) string {
	v := url.Values{}
	for _, name := range []string{"act", "who", "on", "from", "to"} {
		if text := address.Get(name); text != "" {
			v.Set(name, text)
		}
	}
	if before > 0 {
		v.Set("before", strconv.FormatInt(before, 10))
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// getAuditFile has all that the filter chooses.
func (c *Console) getAuditFile(r *http.Request, v visit) (string, export.Table, error) {
	q, err := readAuditQuery(r, v.clock)
	if err != nil {
		return "", export.Table{}, err
	}
	entries, err := c.Audit.Entries(r.Context(), v.member.Org, q)
	if err != nil {
		return "", export.Table{}, err
	}
	rows := export.New(export.Numbers(audit.Columns[0]), export.Texts(audit.Columns[1:]...))
	for _, e := range entries {
		rows.Add(
			strconv.FormatInt(e.Seq, 10), cellInstant(v.clock, e.At), string(e.Act), cellText(e.Actor.Name), cellText(e.Actor.Address),
			cellText(e.Subject), cellText(e.Detail), v.org.PublicID, e.Hash.String(),
		)
	}
	return "headroom-audit-" + v.clock.Now.UTC().Format(time.DateOnly), rows, nil
}
