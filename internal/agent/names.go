package agent

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// names is how the names of users and devices leave one license server's site.
// Everything that is sent about a server passes through hide, text or info.
type names struct {
	key namesKey       // only for pseudonyms
	say wire.NamesInfo // what the hub is told of it; without an instant where names were never anything but clear
}

// names returns how a configured server's names leave, and since when: before
// is how they left until now, as far as that is known.
func (s *ServerConfig) names(before wire.NamesInfo, now time.Time) (names, error) {
	n := names{say: wire.NamesInfo{Mode: cmp.Or(s.Names, wire.NamesClear)}}
	if s.Names == wire.NamesPseudonyms {
		key, err := loadNamesKey(s.NamesKey)
		if err != nil {
			return names{}, err
		}
		n.key, n.say.Key = key, key.id()
	}
	switch {
	case before.Mode == "" && n.clear():
	case before.Mode == n.say.Mode && before.Key == n.say.Key:
		n.say.Since = before.Since
	default:
		n.say.Since = now.Unix()
	}
	return n, nil
}

// String says how names leave, for people.
func (n names) String() string {
	if n.say.Key != "" {
		return n.say.Mode + " (key " + n.say.Key + ")"
	}
	return n.say.Mode
}

func (n names) clear() bool { return n.say.Mode == wire.NamesClear }

// info is what the hub is told of the names; nil where they were never
// anything but clear.
func (n names) info() *wire.NamesInfo {
	if n.say.Since == 0 {
		return nil
	}
	say := n.say
	return &say
}

// The kinds of name. A user and a device of the same name have different
// pseudonyms.
const (
	userName   = "user"
	deviceName = "device"
)

// pseudonym is the form of all pseudonyms: the key's id, then 80 bits.
var pseudonym = regexp.MustCompile(`^~[0-9a-f]{8}-[a-z2-7]{16}$`)

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567")

// name returns what leaves of a name: nothing, or its pseudonym, which is the
// same wherever the same key is. A pseudonym stays what it is, and so does the
// empty name, which the source does not tell.
func (n names) name(kind, name string) string {
	switch {
	case n.clear() || n.say.Mode == wire.NamesPseudonyms && pseudonym.MatchString(name):
		return name
	case n.say.Mode != wire.NamesPseudonyms || license.FoldName(name) == "":
		return ""
	}
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte(kind + "\x00" + license.FoldName(name)))
	return "~" + n.say.Key + "-" + lowerBase32.EncodeToString(mac.Sum(nil)[:10])
}

// text returns what leaves of a text in somebody else's words.
func (n names) text(s string) string {
	if n.clear() {
		return s
	}
	return fit(maskText(s))
}

// hide returns records as they leave the site. It does nothing to what it has
// done before, and refuses a kind of record of which nobody has said what names
// it has. The records themselves stay as they are.
func (n names) hide(records []wire.Record) ([]wire.Record, error) {
	if n.clear() {
		return records, nil
	}
	out := make([]wire.Record, 0, len(records))
	denials := map[wire.Denial]*hiddenDenial{}
	for _, r := range records {
		switch r := r.(type) {
		case *wire.ServerRecord, *wire.Events, *wire.Maxima: // no user, no device, no free text
			out = append(out, r)
		case *wire.Samples:
			out = append(out, n.samples(*r))
		case *wire.Holders:
			out = append(out, n.holders(*r))
		case *wire.Failed:
			failed := *r
			failed.Reason = n.text(r.Reason)
			out = append(out, &failed)
		case *wire.Gap:
			gap := *r
			gap.Reason = n.text(r.Reason)
			out = append(out, &gap)
		case *wire.Denial:
			d := n.denial(*r)
			key := d
			key.Last, key.Outcome = 0, "" // the hub tells denials apart without them
			if same := denials[key]; same != nil {
				same.join(*r)
				continue
			}
			d.Count = r.Count
			kept := hiddenDenial(d)
			denials[key] = &kept
			out = append(out, (*wire.Denial)(&kept))
		case *wire.Sources:
			out = append(out, n.sources(*r))
		case *wire.Assignments:
			// Without names there is no list: an empty one would say that nobody
			// has a license.
			if n.say.Mode != wire.NamesNone {
				out = append(out, n.assignments(*r))
			}
		default:
			return nil, fmt.Errorf("a record of type %T is not sent: nobody has said what names it has", r)
		}
	}
	return out, nil
}

func (n names) samples(r wire.Samples) *wire.Samples {
	r.Pools = slices.Clone(r.Pools)
	for i := range r.Pools {
		r.Pools[i].Reason = n.text(r.Pools[i].Reason)
	}
	return &r
}

// holders leaves the lines, which tell since when licenses are held. A display
// is dropped: it names a device in ways that nothing else does.
func (n names) holders(r wire.Holders) *wire.Holders {
	r.Holders = slices.Clone(r.Holders)
	for i := range r.Holders {
		h := &r.Holders[i]
		h.User, h.Host, h.Display = n.name(userName, h.User), n.name(deviceName, h.Host), ""
	}
	return &r
}

// denial returns a denial without its count. Those that are alike without names
// are one, or the hub would take the second for the first told again.
func (n names) denial(d wire.Denial) wire.Denial {
	d.User, d.Host, d.Reason, d.Count = n.name(userName, d.User), n.name(deviceName, d.Host), n.text(d.Reason), 0
	return d
}

// A hiddenDenial is a denial that stands for all that are alike without names.
type hiddenDenial wire.Denial

// join adds another one. One of them that was served says nothing of the other.
func (d *hiddenDenial) join(o wire.Denial) {
	d.Count += o.Count
	d.Last = max(d.Last, o.Last)
	if d.Outcome != o.Outcome {
		d.Outcome = wire.DenialUnserved
	}
}

// sources hides what the sources of a server say of themselves.
func (n names) sources(r wire.Sources) *wire.Sources {
	r.Sources = slices.Clone(r.Sources)
	for i := range r.Sources {
		s := &r.Sources[i]
		s.Failure, s.Remark = n.text(s.Failure), n.text(s.Remark)
	}
	return &r
}

func (n names) assignments(r wire.Assignments) *wire.Assignments {
	r.Assigned, r.Ended = n.assigned(r.Assigned), n.assigned(r.Ended)
	return &r
}

func (n names) assigned(lists []wire.Assigned) []wire.Assigned {
	lists = slices.Clone(lists)
	for i := range lists {
		kind := userName
		if lists[i].Who == license.AssignedDevice {
			kind = deviceName
		}
		lists[i].Names = slices.Clone(lists[i].Names)
		for j, name := range lists[i].Names {
			lists[i].Names[j] = n.name(kind, name)
		}
	}
	return lists
}

// checkNames fills in the default and says what is wrong.
func (s *ServerConfig) checkNames(base string) error {
	modes := []string{wire.NamesClear, wire.NamesPseudonyms, wire.NamesNone}
	if s.Names == "" {
		s.Names = wire.NamesClear
	}
	s.NamesKey = within(base, s.NamesKey)
	switch {
	case !slices.Contains(modes, s.Names):
		return fmt.Errorf("names is %q: it must be one of %s", s.Names, strings.Join(modes, ", "))
	case s.Names == wire.NamesPseudonyms && s.NamesKey == "":
		return fmt.Errorf("names_key is missing: name the file of your organisation's key, which headroom agent names-key new makes once")
	case s.Names != wire.NamesPseudonyms && s.NamesKey != "":
		return fmt.Errorf("names_key is set and names is %q: the key is for %q; leave one of them out", s.Names, wire.NamesPseudonyms)
	}
	return nil
}
