// Package catalog turns the feature codes of license servers into what people
// buy: a product, its edition and its license model. Any feature that it does
// not know is its own product, per vendor daemon.
package catalog

// A Model is how a product's licenses are counted.
type Model string

// The license models.
const (
	Concurrent Model = "concurrent"
	UserDevice Model = "user/device"
	NamedUser  Model = "named user"
	NodeLocked Model = "node-locked"
	Uncounted  Model = "uncounted"
	Token      Model = "token"
	Unknown    Model = "unknown"
)

// A Product is what people buy: an edition under a license model.
type Product struct {
	Key     string // stable and fit for an address
	Name    string // today's name, e.g. "Citrix Virtual Apps and Desktops Premium"; else the feature
	Edition string // e.g. "Premium"; empty if it has none
	Model   Model
	Daemon  string // the vendor daemon that serves it; empty if not known
	OldName string // earlier name, e.g. "XenDesktop Platinum"; empty if it has none
	System  bool   // start-up and diagnostic features: never product usage
}
