// Package catalog turns the feature codes of license servers into what people
// buy: a product, its edition and its license model. Every feature that is not
// Citrix's is its own product, per vendor daemon.
//
// Its knowledge of Citrix is the table citrix.tsv and the form of the codes;
// that of others, which is not much, the table features.tsv.
// It reads no file and no clock; equal arguments give equal products.
package catalog

import "strings"

// A Model is how a product's licenses are counted.
type Model string

// The license models.
const (
	Concurrent Model = "concurrent"  // in use at the same time
	UserDevice Model = "user/device" // assigned to a person or a device for a lease
	NamedUser  Model = "named user"  // assigned to a person
	NodeLocked Model = "node-locked" // bound to a machine
	Server     Model = "server"      // one for each server or appliance
	Uncounted  Model = "uncounted"   // anybody may use it, nobody counts
	Token      Model = "token"       // paid in units that products share
	Unknown    Model = "unknown"     // not told
)

// Label returns the model as people read it.
func (m Model) Label() string {
	switch m {
	case Concurrent:
		return "Concurrent"
	case UserDevice:
		return "User/Device"
	case NamedUser:
		return "Named user"
	case NodeLocked:
		return "Node-locked"
	case Server:
		return "Server"
	case Uncounted:
		return "Uncounted"
	case Token:
		return "Token"
	}
	return "Unknown model"
}

// A Product is what people buy: an edition under a license model.
type Product struct {
	Key     string // unique, stable, and fit for one segment of an address
	Name    string // today's name, e.g. "Citrix Virtual Apps and Desktops Premium"; else the feature
	Edition string // e.g. "Premium"; empty if it has none, or none is known
	Model   Model
	Daemon  string // the vendor daemon that serves it; empty if not known
	OldName string // the name before, e.g. "XenDesktop Platinum"; empty if there is none
	Code    string // the feature, where Name is another and the feature is not Citrix's
	System  bool   // start-up and diagnostic features: never product usage
	Hidden  bool   // its organisation does not want to see it among the others
}

// Of returns the product that a feature belongs to. Daemon is the vendor
// daemon that serves it, in any case; the case of a feature counts, except
// where the daemon is Citrix's. An idle feature whose status names no daemon
// has daemon "" and is never taken for Citrix's: a caller that knows of no
// other daemon on that license server passes CitrixDaemon.
func Of(daemon, feature string) Product {
	if strings.EqualFold(daemon, CitrixDaemon) {
		return citrix(feature)
	}
	return other(daemon, feature)
}

// Told returns the product with the model that its source tells. What the
// catalog knows goes before.
func (p Product) Told(m Model) Product {
	if p.Model == Unknown && m != "" {
		p.Model = m
	}
	return p
}

// key makes a product's key: the daemon in lower case, a dot, the feature; the
// feature alone where no daemon is known. Anything but letters, digits, "-"
// and "_" stands as "~" and two hexadecimal digits for each byte.
func key(daemon, feature string) string {
	var b strings.Builder
	if daemon != "" {
		escape(&b, strings.ToLower(daemon))
		b.WriteByte('.')
	}
	escape(&b, feature)
	return b.String()
}

func escape(b *strings.Builder, s string) {
	const digits = "0123456789ABCDEF"
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			b.WriteByte('~')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
}
