package citrix

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// Prefix begins each answer of our scripts; JSON follows on the same line.
// docs/format/citrix.md describes it.
const Prefix = "headroom-citrix-1 "

// The sources that the scripts ask.
const (
	SourcePools     = "wmi-pools"     // WMI, Citrix_GT_License_Pool
	SourceLicenses  = "wmi-licenses"  // WMI, Citrix_GT_License
	SourceInfo      = "sdk-info"      // Get-LicServerInfo
	SourceInventory = "sdk-inventory" // Get-LicInventory
	SourceUsage     = "sdk-usage"     // Get-LicUsageDetails
	SourceLAS       = "sdk-las"       // Get-LicLasInventory
	SourceHistory   = "sdk-history"   // Get-LicHistoricalUsage
	SourceSampling  = "sdk-sampling"  // Get-LicConfigUsageSamples
)

// An answerJSON is an answer as the scripts write it. Rows have the properties
// that the source gives them, under its names.
type answerJSON struct {
	Source   string     `json:"source"`
	At       string     `json:"at"`
	Language string     `json:"language"`
	Error    string     `json:"error"`
	ErrorID  string     `json:"error_id"`
	Absent   bool       `json:"absent"`
	About    properties `json:"about"`
	Rows     rows       `json:"rows"`
}

// rows are a list of objects. Windows PowerShell also writes a list of one as
// the object alone, and some lists as an object with value and Count.
type rows []json.RawMessage

// UnmarshalJSON reads the three forms.
func (r *rows) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '[':
		return json.Unmarshal(b, (*[]json.RawMessage)(r))
	case '{':
		var wrapped struct {
			Value *[]json.RawMessage `json:"value"`
			Count *int               `json:"Count"`
		}
		if err := json.Unmarshal(b, &wrapped); err == nil && wrapped.Value != nil && wrapped.Count != nil {
			*r = *wrapped.Value
			return nil
		}
		*r = rows{append(json.RawMessage(nil), b...)}
	}
	return nil
}

// ParseAnswers reads what our scripts printed, one answer for each source that
// was asked, in their order. What stands before, between and behind the
// answers is PowerShell's own talk and is returned as unread lines. Within an
// answer, a line end that the console has put in is passed over. The error is
// the reader's, or names a code page that does not exist.
func ParseAnswers(r io.Reader, o facts.Options) ([]Answer, facts.UnreadLines, error) {
	var noise facts.UnreadLines
	b, more, err := text.ReadAll(r, o.CodePage, maxText)
	if err != nil {
		return nil, noise, err
	}
	if more {
		return nil, noise, errTooMuch
	}
	var all []Answer
	lines := strings.FieldsFunc(strings.ReplaceAll(string(b), "\r\n", "\n"), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := 0; i < len(lines); {
		body, found := strings.CutPrefix(lines[i], Prefix)
		if !found {
			noise.Add(i+1, lines[i])
			i++
			continue
		}
		a, used, ok := parseAnswer(body, lines[i+1:], o)
		if !ok {
			noise.Add(i+1, lines[i])
			i++
			continue
		}
		all = append(all, a)
		i += 1 + used
	}
	return all, noise, nil
}

// parseAnswer reads an answer whose JSON begins with body, and says how many of
// the following lines belong to it.
func parseAnswer(body string, following []string, o facts.Options) (a Answer, used int, ok bool) {
	end := slices.IndexFunc(following, func(s string) bool { return strings.HasPrefix(s, Prefix) })
	if end < 0 {
		end = len(following)
	}
	d := json.NewDecoder(strings.NewReader(body + strings.Join(following[:end], "")))
	var j answerJSON
	if err := d.Decode(&j); err != nil || j.Source == "" {
		return Answer{}, 0, false
	}
	for rest := d.InputOffset() - int64(len(body)); rest > 0; used++ {
		rest -= int64(len(following[used]))
	}
	return j.answer(o), used, true
}

func (j answerJSON) answer(o facts.Options) Answer {
	a := Answer{
		Source: j.Source, Language: j.Language,
		Error: facts.Shorten(strings.Join(strings.Fields(j.Error), " "), facts.MaxText), ErrorID: j.ErrorID, Absent: j.Absent,
		Lines: len(j.Rows),
	}
	if at, err := time.Parse(time.RFC3339, j.At); err == nil {
		a.At = at.UTC()
	}
	if a.Error != "" || a.Absent {
		return a
	}
	if j.About != nil {
		a.server(j.About, o.Zone)
	}
	for i, raw := range j.Rows {
		var p properties
		if err := json.Unmarshal(raw, &p); err != nil || len(p) == 0 && !hasSeries(raw) {
			a.Unread.Add(i+1, string(raw))
			continue
		}
		if !a.take(p, o.Zone) {
			a.Unread.Add(i+1, p.String())
			continue
		}
		if a.Source == SourceHistory {
			a.series(raw)
		}
	}
	return a
}

// A seriesJSON is the samples of one pool: instants in Unix seconds, and what
// was in use then.
type seriesJSON struct {
	At    []int64 `json:"at"`
	Count []int64 `json:"count"`
}

func hasSeries(raw json.RawMessage) bool {
	var s seriesJSON
	return json.Unmarshal(raw, &s) == nil && len(s.At) > 0
}

// series adds the samples of the pool that was read last. Lists of different
// length, and samples that cannot be, are left out and told of.
func (a *Answer) series(raw json.RawMessage) {
	var s seriesJSON
	err := json.Unmarshal(raw, &s)
	if err == nil && len(s.At) != len(s.Count) {
		err = fmt.Errorf("%d instants and %d counts", len(s.At), len(s.Count))
	}
	if err != nil {
		a.Unread.Add(len(a.Pools), "samples of a pool: "+err.Error())
		return
	}
	if a.past == nil {
		return // no pool, so no samples
	}
	key := a.past.Key()
	for i, at := range s.At {
		if s.Count[i] < 0 || s.Count[i] > maxNumber || at <= 0 || at > maxUnix || !a.room() {
			a.Unread.Add(len(a.Pools), fmt.Sprintf("sample of %s: %d in use at %d", key, s.Count[i], at))
			continue
		}
		a.Past = append(a.Past, Past{Pool: key, From: time.Unix(at, 0).UTC(), InUse: license.Of(s.Count[i])})
	}
}

const (
	maxNumber = 1_000_000_000_000 // more than any number of licenses
	maxUnix   = 253402300799      // the end of the year 9999
)
