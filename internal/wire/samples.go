package wire

import (
	"bytes"
	"encoding/json"
	"strconv"

	"headroom/internal/license"
)

// Nearly all that agents send are samples, so that they are written and read by
// hand here. What stands in the line is what encoding/json writes; a line in
// any other form is left to encoding/json.

// line returns the record as encoding/json writes it.
func (r *Samples) line() []byte {
	size := 200 + 12*len(r.At) // about
	for i := range r.Pools {
		size += 200 + 4*len(r.Pools[i].InUse)
	}
	return r.appendJSON(make([]byte, 0, size))
}

func (r *Samples) appendJSON(b []byte) []byte {
	b = append(b, `{"kind":`...)
	b = appendText(b, r.Kind)
	b = append(b, `,"at":`...)
	b = appendNumbers(b, r.At)
	b = append(b, `,"interval":`...)
	b = strconv.AppendInt(b, r.Interval, 10)
	b = append(b, `,"complete":`...)
	b = strconv.AppendBool(b, r.Complete)
	if r.Imported {
		b = append(b, `,"imported":true`...)
	}
	b = append(b, `,"source":`...)
	b = appendText(b, r.Source)
	if r.Own {
		b = append(b, `,"own_clock":true`...)
	}
	if r.OffsetMS != 0 {
		b = append(b, `,"offset_ms":`...)
		b = strconv.AppendInt(b, r.OffsetMS, 10)
	}
	b = append(b, `,"pools":`...)
	if r.Pools == nil {
		return append(b, "null}"...)
	}
	b = append(b, '[')
	for i := range r.Pools {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.Pools[i].appendJSON(b)
	}
	return append(b, "]}"...)
}

func (p *SampledPool) appendJSON(b []byte) []byte {
	b = append(b, `{"feature":`...)
	b = appendText(b, p.Feature)
	b = appendTold(b, `,"daemon":`, p.Daemon)
	b = appendTold(b, `,"variant":`, p.Variant)
	b = appendTold(b, `,"vendor":`, p.Vendor)
	b = append(b, `,"state":`...)
	b = appendText(b, p.State)
	b = append(b, `,"in_use":`...)
	b = p.InUse.appendJSON(b)
	for _, field := range p.more() {
		if len(*field.values) > 0 {
			b = append(b, field.name...)
			b = field.values.appendJSON(b)
		}
	}
	b = appendTold(b, `,"reason":`, p.Reason)
	b = appendTold(b, `,"shared_with":`, p.SharedWith)
	return append(b, '}')
}

// more are the arrays that are left out where the source does not tell.
func (p *SampledPool) more() [5]struct {
	name   string
	values *Counts
} {
	return [...]struct {
		name   string
		values *Counts
	}{
		{`,"installed":`, &p.Installed},
		{`,"reserved":`, &p.Reserved},
		{`,"borrowed":`, &p.Borrowed},
		{`,"queued":`, &p.Queued},
		{`,"overdraft":`, &p.Overdraft},
	}
}

// appendTold appends a field, unless it is empty.
func appendTold(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendText(append(b, name...), value)
}

func appendText(b []byte, s string) []byte {
	if !plainText(s) {
		text, err := json.Marshal(s)
		if err != nil {
			panic("write a string: " + err.Error()) // there is none that JSON does not have
		}
		return append(b, text...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// plainText says whether a string stands in JSON as it is.
func plainText(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

func appendNumbers(b []byte, numbers []int64) []byte {
	if numbers == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return append(b, ']')
}

// readSamples reads a record as appendJSON writes it, its kind KindSamples: the
// fields in that order and nothing between them. ok is false for every other
// line: that says nothing of the line.
func readSamples(line []byte) (r *Samples, ok bool) {
	l := plainLine{line: line}
	r = &Samples{Kind: KindSamples}
	l.must(`{"kind":"samples","at":`)
	r.At = list(&l, (*plainLine).number)
	l.must(`,"interval":`)
	r.Interval = l.number()
	l.must(`,"complete":`)
	r.Complete = l.flag()
	if l.skip(`,"imported":`) {
		r.Imported = l.flag()
	}
	l.must(`,"source":`)
	r.Source = l.text()
	if l.skip(`,"own_clock":`) {
		r.Own = l.flag()
	}
	if l.skip(`,"offset_ms":`) {
		r.OffsetMS = l.number()
	}
	l.must(`,"pools":[`)
	r.Pools = []SampledPool{}
	for !l.skip("]}") && !l.odd {
		if len(r.Pools) > 0 {
			l.must(",")
		}
		r.Pools = append(r.Pools, SampledPool{})
		l.pool(&r.Pools[len(r.Pools)-1])
	}
	return r, !l.odd && l.at == len(line)
}

// A plainLine reads JSON without spaces and escapes. Once something is odd it
// reads nothing more.
type plainLine struct {
	line []byte
	at   int // what comes next
	odd  bool
}

func (l *plainLine) fail() { l.odd, l.at = true, len(l.line) }

// skip reads a word if it comes next.
func (l *plainLine) skip(word string) bool {
	end := l.at + len(word)
	if end > len(l.line) || string(l.line[l.at:end]) != word {
		return false
	}
	l.at = end
	return true
}

func (l *plainLine) must(word string) {
	if !l.skip(word) {
		l.fail()
	}
}

func (l *plainLine) flag() bool {
	yes := l.skip("true")
	if !yes {
		l.must("false")
	}
	return yes
}

func (l *plainLine) text() string {
	l.must(`"`)
	for i, c := range l.line[l.at:] {
		switch {
		case c == '"':
			s := string(l.line[l.at : l.at+i])
			l.at += i + 1
			return s
		case c < ' ', c > '~', c == '\\':
			l.fail()
			return ""
		}
	}
	l.fail()
	return ""
}

// number reads a whole number of at most 18 digits.
func (l *plainLine) number() int64 {
	negative := l.skip("-")
	n, first, end := int64(0), l.at, l.at
	for end < len(l.line) && l.line[end]-'0' <= 9 {
		n = 10*n + int64(l.line[end]-'0') // where it overflows there are too many digits
		end++
	}
	if digits := end - first; digits == 0 || digits > 18 || digits > 1 && l.line[first] == '0' {
		l.fail()
		return 0
	}
	l.at = end
	if negative {
		return -n
	}
	return n
}

func (l *plainLine) count() license.Count {
	if l.skip("null") {
		return license.Count{}
	}
	return license.Of(l.number())
}

// list reads an array that has no other one in it.
func list[T any](l *plainLine, one func(*plainLine) T) []T {
	l.must("[")
	rest := l.line[l.at:]
	end := bytes.IndexByte(rest, ']')
	if end < 0 {
		l.fail()
		return nil
	}
	// An element and its comma are two bytes at least: a line of commas alone
	// takes no more memory than a good one.
	all := make([]T, 0, min(bytes.Count(rest[:end], []byte(","))+1, (end+1)/2))
	for end > 0 && !l.odd {
		all = append(all, one(l))
		if !l.skip(",") {
			break
		}
	}
	l.must("]")
	return all
}

func (l *plainLine) pool(p *SampledPool) {
	l.must(`{"feature":`)
	p.Feature = l.text()
	if l.skip(`,"daemon":`) {
		p.Daemon = l.text()
	}
	if l.skip(`,"variant":`) {
		p.Variant = l.text()
	}
	if l.skip(`,"vendor":`) {
		p.Vendor = l.text()
	}
	l.must(`,"state":`)
	p.State = l.text()
	l.must(`,"in_use":`)
	p.InUse = list(l, (*plainLine).count)
	for _, field := range p.more() {
		if l.skip(field.name) {
			*field.values = list(l, (*plainLine).count)
		}
	}
	if l.skip(`,"reason":`) {
		p.Reason = l.text()
	}
	if l.skip(`,"shared_with":`) {
		p.SharedWith = l.text()
	}
	l.must("}")
}
