package catalog

import (
	"encoding/hex"
	"strings"
)

// An Override is what an organisation says of a feature instead of the catalog. Empty
// fields leave what the catalog says.
type Override struct {
	Key     string // of the feature's product, as the catalog has it
	Into    string // key of the product as which it counts; then nothing else is said
	Name    string
	Edition string
	Model   Model
	Hidden  bool
}

// Overrides are those of an organisation, by their keys.
type Overrides map[string]Override

// Of returns the product that a feature belongs to by the word of an organisation. P is
// what the catalog says of it. A product into which others count is itself as the
// organisation wants it; it does not count into a third one.
func (o Overrides) Of(p Product) Product {
	if said, ok := o[p.Key]; ok && said.Into != "" {
		if into, ok := ByKey(said.Into); ok {
			p = into
		}
	}
	said := o[p.Key]
	if said.Name != "" {
		p.Name = said.Name
	}
	if said.Edition != "" {
		p.Edition = said.Edition
	}
	if said.Model != "" {
		p.Model = said.Model
	}
	p.Hidden = said.Hidden
	return p
}

// Models are the license models, in the order in which they are shown.
var Models = []Model{Concurrent, UserDevice, NamedUser, NodeLocked, Server, Uncounted, Token}

// ByKey returns the product that has a key; false if none can have it. It knows the
// daemon in lower case, and no model that only a source tells.
func ByKey(k string) (p Product, ok bool) {
	daemon, feature, found := strings.Cut(k, ".")
	if !found {
		daemon, feature = "", daemon
	}
	if daemon, ok = unescape(daemon); !ok || found && daemon == "" {
		return Product{}, false
	}
	if feature, ok = unescape(feature); !ok || feature == "" {
		return Product{}, false
	}
	p = Served(daemon, daemon, feature)
	return p, p.Key == k
}

// unescape undoes escape.
func unescape(s string) (string, bool) {
	var b strings.Builder
	for s != "" {
		plain, rest, found := strings.Cut(s, "~")
		b.WriteString(plain)
		if !found {
			break
		}
		if len(rest) < 2 {
			return "", false
		}
		c, err := hex.DecodeString(rest[:2])
		if err != nil {
			return "", false
		}
		b.Write(c)
		s = rest[2:]
	}
	return b.String(), true
}
