package console

import (
	"bytes"
	"encoding/csv"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// byteOrderMark tells spreadsheets that a file is UTF-8.
const byteOrderMark = "\ufeff"

func (c *Console) getTrendCSV(w http.ResponseWriter, r *http.Request, v visit) error {
	q, d, err := c.details(r, v)
	if err != nil {
		return err
	}
	return sendCSV(w, fileName(d, "trend"), trendTable(v.clock, q, d))
}

func (c *Console) getServersCSV(w http.ResponseWriter, r *http.Request, v visit) error {
	_, d, err := c.details(r, v)
	if err != nil {
		return err
	}
	return sendCSV(w, fileName(d, "servers"), serversTable(v.clock, d))
}

// sendCSV writes rows as a file. It is made in memory first.
func sendCSV(w http.ResponseWriter, name string, rows [][]string) error {
	var b bytes.Buffer
	b.WriteString(byteOrderMark)
	out := csv.NewWriter(&b)
	out.UseCRLF = true
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, err := w.Write(b.Bytes())
	return err
}

// trendTable has a row per step, oldest first. What is not known is an empty
// cell.
func trendTable(clock look.Clock, q detailsQuery, d usage.Details) [][]string {
	rows := [][]string{{
		string(q.step), "from", "to", "highest", "highest_at", "highest_basis", "may_be_higher",
		"mean", "installed", "overdraft", "known_percent", "highest_at_least", "95_percent_of_the_time_at_most", "imported",
	}}
	for _, b := range d.Trend {
		row := []string{bucketName(clock, q.step, b), cellTime(clock, b.From), cellTime(clock, b.To), "", "", "", "", "", "", "", "", "", "", ""}
		if b.Peak.Known {
			row[3], row[4] = strconv.FormatInt(b.Peak.Value, 10), cellTime(clock, b.Peak.At)
			row[5] = string(b.Peak.Basis)
			row[6] = strconv.FormatBool(mayBeHigher(b.Peak))
			row[11] = strconv.FormatInt(b.Peak.Low, 10)
		}
		if !math.IsNaN(b.Mean) {
			row[7] = strconv.FormatFloat(b.Mean, 'f', 3, 64)
		}
		row[8], row[9] = sortCount(b.Installed), sortCount(b.Overdraft)
		if share, ok := b.Peak.Coverage.Share(); ok {
			row[10] = strconv.FormatFloat(100*share, 'f', 2, 64)
		}
		row[12] = sortCount(b.P95)
		row[13] = strconv.FormatBool(d.Imported.In(b.Span))
		rows = append(rows, row)
	}
	return rows
}

// serversTable has a row per chosen license server.
func serversTable(clock look.Clock, d usage.Details) [][]string {
	rows := [][]string{{
		"license_server", "status", "pools", "installed", "overdraft", "in_use", "reserved", "borrowed",
		"peak", "peak_at", "peak_basis", "part_of_common_peak", "last_reported", "last_reading", "licenses_count_with",
	}}
	for _, s := range d.Servers {
		row := []string{
			cellText(s.Server.Name), string(s.Server.Status), cellText(joined(s.Pools)),
			sortCount(s.Now.Installed), sortCount(s.Now.Overdraft), sortCount(s.Now.InUse), sortCount(s.Now.Reserved), sortCount(s.Now.Borrowed),
			"", "", "", sortCount(s.Share), cellInstant(clock, s.Server.LastReported), cellInstant(clock, s.Server.LastReading), cellText(s.With),
		}
		if s.Peak.Known {
			row[8], row[9], row[10] = strconv.FormatInt(s.Peak.Value, 10), cellTime(clock, s.Peak.At), string(s.Peak.Basis)
		}
		rows = append(rows, row)
	}
	return rows
}

// cellText makes a name fit for a cell.
func cellText(s string) string { return look.Cell(s) }

func cellTime(clock look.Clock, at int64) string { return cellInstant(clock, time.Unix(at, 0)) }

// cellInstant writes an instant with its offset; never is an empty cell.
func cellInstant(clock look.Clock, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(clock.Zone).Format(time.RFC3339)
}

// fileName names a file for what is in it, in letters that every system takes.
func fileName(d usage.Details, what string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(d.Product.Name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String(), "-")
	if name == "" {
		name = "product"
	}
	return "headroom-" + name[:min(len(name), 60)] + "-" + what + "-" + d.At.UTC().Format("2006-01-02") + ".csv"
}

func joined(names []string) string { return strings.Join(names, ", ") }
