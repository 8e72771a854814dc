package console

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/export"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// A filePath is the address of a table as CSV.
type filePath string

// XLSX is the address of the same table as a workbook.
func (p filePath) XLSX() string {
	path, query, asked := strings.Cut(string(p), "?")
	path = strings.TrimSuffix(path, ".csv") + ".xlsx"
	if asked {
		path += "?" + query
	}
	return path
}

// tableFiles are the routes of one table: as CSV and as XLSX, of the same rows.
// make returns a name without its ending, and the rows.
func tableFiles(pattern string, least account.Role, make func(*http.Request, visit) (string, export.Table, error)) []route {
	as := func(ending, kind string, write func(export.Table, io.Writer) error) route {
		return route{pattern + ending, least, func(w http.ResponseWriter, r *http.Request, v visit) error {
			name, table, err := make(r, v)
			if err != nil {
				return err
			}
			var b bytes.Buffer // first, so that what fails is an error page and no half of a file
			if err := write(table, &b); err != nil {
				return err
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Disposition", `attachment; filename="`+name+ending+`"`)
			_, err = w.Write(b.Bytes())
			return err
		}}
	}
	return []route{
		as(".csv", "text/csv; charset=utf-8", export.Table.CSV),
		as(".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", export.Table.XLSX),
	}
}

func (c *Console) getTrendFile(r *http.Request, v visit) (string, export.Table, error) {
	q, d, err := c.details(r, v)
	if err != nil {
		return "", export.Table{}, err
	}
	return fileName(d, "trend"), trendTable(v.clock, q, d), nil
}

func (c *Console) getServersFile(r *http.Request, v visit) (string, export.Table, error) {
	_, d, err := c.details(r, v)
	if err != nil {
		return "", export.Table{}, err
	}
	return fileName(d, "servers"), serversTable(v.clock, d), nil
}

// trendTable has a row per step, oldest first. What is not known is an empty
// cell.
func trendTable(clock look.Clock, q detailsQuery, d usage.Details) export.Table {
	rows := export.New(
		export.Texts(string(q.step), "from", "to"), export.Numbers("highest"), export.Texts("highest_at", "highest_basis", "may_be_higher"),
		export.Numbers("mean", "installed", "overdraft", "known_percent", "highest_at_least", "95_percent_of_the_time_at_most"), export.Texts("imported"),
	)
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
		rows.Add(row...)
	}
	return rows
}

// serversTable has a row per chosen license server.
func serversTable(clock look.Clock, d usage.Details) export.Table {
	rows := export.New(
		export.Texts("license_server", "status", "pools"), export.Numbers("installed", "overdraft", "in_use", "reserved", "borrowed", "peak"),
		export.Texts("peak_at", "peak_basis"), export.Numbers("part_of_common_peak"), export.Texts("last_reported", "last_reading", "licenses_count_with"),
	)
	for _, s := range d.Servers {
		row := []string{
			cellText(s.Server.Name), string(s.Server.Status), cellText(joined(s.Pools)),
			sortCount(s.Now.Installed), sortCount(s.Now.Overdraft), sortCount(s.Now.InUse), sortCount(s.Now.Reserved), sortCount(s.Now.Borrowed),
			"", "", "", sortCount(s.Share), cellInstant(clock, s.Server.LastReported), cellInstant(clock, s.Server.LastReading), cellText(s.With),
		}
		if s.Peak.Known {
			row[8], row[9], row[10] = strconv.FormatInt(s.Peak.Value, 10), cellTime(clock, s.Peak.At), string(s.Peak.Basis)
		}
		rows.Add(row...)
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

// fileName names a file, without its ending, for what is in it, in letters that every system takes.
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
	return "headroom-" + name[:min(len(name), 60)] + "-" + what + "-" + d.At.UTC().Format("2006-01-02")
}

func joined(names []string) string { return strings.Join(names, ", ") }
