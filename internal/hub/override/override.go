// Package override decides what an organisation may say of features instead of the
// catalog: how a product is called, that a feature counts as another product, its
// license model, and that it is not shown among the others. Every figure follows at
// once, also those of the past.
package override

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// A Store keeps overrides.
type Store interface {
	// SetOverride keeps an override of the entry's organisation instead of one with the
	// same key. What is so already leaves no entry. Where it counts into a product that
	// itself counts into another, or others count into it and it into another, that is a
	// fault.Conflict; more than Most are a fault.Invalid.
	SetOverride(ctx context.Context, o catalog.Override, e audit.Entry) error
	// DropOverride forgets one, or returns a fault.NotFound.
	DropOverride(ctx context.Context, key string, e audit.Entry) error
}

// Most is how many an organisation may have.
const Most = 2000

// maxText is how long a name or an edition may be.
const maxText = 100

// A Service changes what organisations say.
type Service struct {
	Store Store
	Now   func() time.Time
}

// Set says something of a feature. What is wrong with it is a fault.Invalid.
func (s *Service) Set(ctx context.Context, actor audit.Actor, o catalog.Override) error {
	o.Name, o.Edition = strings.TrimSpace(o.Name), strings.TrimSpace(o.Edition)
	if err := check(o); err != nil {
		return err
	}
	e := audit.Of(actor, audit.CatalogSet, s.Now(), o.Key)
	e.Detail = Words(o)
	return s.Store.SetOverride(ctx, o, e)
}

// Drop takes back what was said of a feature.
func (s *Service) Drop(ctx context.Context, actor audit.Actor, key string) error {
	return s.Store.DropOverride(ctx, key, audit.Of(actor, audit.CatalogReset, s.Now(), key))
}

func check(o catalog.Override) error {
	if err := checkKey(o.Key); err != nil {
		return err
	}
	for _, text := range []string{o.Name, o.Edition} {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return fault.Errorf(fault.Invalid, "a name and an edition have up to %d plain characters", maxText)
		}
	}
	if o.Model != "" && !slices.Contains(catalog.Models, o.Model) {
		return fault.Errorf(fault.Invalid, "%.40q is no license model", string(o.Model))
	}
	switch {
	case o.Into == "" && o == catalog.Override{Key: o.Key}:
		return fault.Errorf(fault.Invalid, "nothing is said: give a name, an edition, a model or a product, or hide it")
	case o.Into == "":
		return nil
	case o.Into == o.Key:
		return fault.Errorf(fault.Invalid, "it counts as itself already")
	case o != catalog.Override{Key: o.Key, Into: o.Into}:
		return fault.Errorf(fault.Invalid, "what counts as another product has that one's name, edition and model, and is shown with it")
	}
	return checkKey(o.Into)
}

func checkKey(key string) error {
	p, ok := catalog.ByKey(key)
	if !ok || len(key) > 300 {
		return fault.Errorf(fault.Invalid, "%.80q is not the key of a product", key)
	}
	if p.System {
		return fault.Errorf(fault.Invalid, "%s is no product: it belongs to the license server itself", p.Name)
	}
	return nil
}

// Words say what an override says.
func Words(o catalog.Override) string {
	var words []string
	for _, w := range []struct{ what, value string }{
		{"counts as ", o.Into}, {"name ", o.Name}, {"edition ", o.Edition}, {"model ", string(o.Model)},
	} {
		if w.value != "" {
			words = append(words, w.what+w.value)
		}
	}
	if o.Hidden {
		words = append(words, "hidden")
	}
	return strings.Join(words, ", ")
}
