package generic

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// maxCount bounds every number of licenses; the hub believes no more.
const maxCount = 1_000_000_000_000

// firstYear is the earliest year of an instant; the hub believes none before.
const firstYear = 1990

// An object is a JSON object with its place in the document. It keeps the first
// thing that was wrong with it, and which fields were asked for. A field that is
// null is as good as missing.
type object struct {
	path   string // empty for the document itself
	fields map[string]any
	asked  []string
	inner  []string // paths of fields further inside that nobody asked for
	err    error
}

// objectOf says no to what is no object.
func objectOf(path string, v any) (*object, error) {
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: must be an object, not %s", path, show(v))
	}
	return &object{path: path, fields: fields}, nil
}

func (o *object) get(name string) any {
	o.asked = append(o.asked, name)
	return o.fields[name]
}

func (o *object) at(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// fail notes what is wrong with a field.
func (o *object) fail(name, format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf("%s: %s", o.at(name), fmt.Sprintf(format, args...))
	}
}

// unknown are the paths of the fields that nobody asked for, in the order of the
// alphabet.
func (o *object) unknown() []string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if !slices.Contains(o.asked, name) {
			paths = append(paths, o.at(name))
		}
	}
	return paths
}

func (o *object) text(name string) string {
	switch v := o.get(name).(type) {
	case nil:
	case string:
		if strings.ContainsRune(v, 0) {
			o.fail(name, "contains a NUL")
		}
		return v
	default:
		o.fail(name, "must be a text, not %s", show(v))
	}
	return ""
}

// word is a text out of a few, or what holds otherwise.
func (o *object) word(name, otherwise string) string {
	if o.fields[name] == nil {
		o.get(name)
		return otherwise
	}
	return o.text(name)
}

func (o *object) flag(name string, otherwise bool) bool {
	switch v := o.get(name).(type) {
	case nil:
	case bool:
		return v
	default:
		o.fail(name, "must be true or false, not %s", show(v))
	}
	return otherwise
}

// whole is a whole number from 0 to maxCount, or not known.
func (o *object) whole(name string) license.Count {
	v := o.get(name)
	if v == nil {
		return license.Count{}
	}
	number, ok := v.(json.Number)
	n, whole := integer(number)
	if !ok || !whole || n < 0 || n > maxCount {
		o.fail(name, "must be a whole number from 0 to %d, or null, not %s", int64(maxCount), show(v))
		return license.Count{}
	}
	return license.Of(n)
}

// integer reads a whole number, also one that is written 7.0 or 1e3.
func integer(s json.Number) (int64, bool) {
	if n, err := s.Int64(); err == nil {
		return n, true
	}
	f, err := s.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// instant is a time with its offset, cut to seconds, or zero.
func (o *object) instant(name string) time.Time {
	v := o.get(name)
	if v == nil {
		return time.Time{}
	}
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	switch t = t.UTC().Truncate(time.Second); {
	case err != nil:
		o.fail(name, "must be a time with its offset, such as 2026-03-03T09:15:42+01:00, not %s", show(v))
	case t.Year() < firstYear:
		o.fail(name, "%s is before %d", s, firstYear)
	default:
		return t
	}
	return time.Time{}
}

// must is instant, and fails where there is none.
func (o *object) must(name string) time.Time {
	t := o.instant(name)
	if t.IsZero() {
		o.fail(name, "is missing")
	}
	return t
}

func (o *object) list(name string) []any {
	switch v := o.get(name).(type) {
	case nil:
	case []any:
		return v
	default:
		o.fail(name, "must be a list, not %s", show(v))
	}
	return nil
}

// pool reads the fields that name a pool.
func (o *object) pool() license.Pool {
	p := license.Pool{Feature: o.text("feature"), Daemon: o.text("daemon"), Variant: o.text("variant")}
	if p.Feature == "" {
		o.fail("feature", "is missing")
	}
	return p
}

// show tells what stands where something else should.
func show(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return fmt.Sprintf("%q", facts.Shorten(v, 40))
	case json.Number:
		return facts.Shorten(string(v), 40)
	}
	return fmt.Sprint(v)
}
