package registration

import (
	"context"
	"slices"
	"strings"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// A Place says where a license server stands and what it is for: people choose
// servers by it.
type Place struct {
	Site string   // empty: not told
	Tags []string // none twice, in the order of their letters
}

// The most that a place may have.
const (
	maxSite = 80
	maxTag  = 40
	maxTags = 20
)

// NewPlace reads what somebody has written: tags stand between commas.
func NewPlace(site, tags string) (Place, error) {
	p := Place{Site: strings.Join(strings.Fields(site), " ")}
	if err := checkText("site", p.Site); err != nil {
		return Place{}, err
	}
	if len(p.Site) > maxSite {
		return Place{}, fault.Errorf(fault.Invalid, "a site has at most %d letters", maxSite)
	}
	for tag := range strings.SplitSeq(tags, ",") {
		tag = strings.Join(strings.Fields(tag), " ")
		if err := checkText("tag", tag); err != nil {
			return Place{}, err
		}
		if len(tag) > maxTag {
			return Place{}, fault.Errorf(fault.Invalid, "%.50q: a tag has at most %d letters", tag, maxTag)
		}
		if tag != "" {
			p.Tags = append(p.Tags, tag)
		}
	}
	slices.Sort(p.Tags)
	p.Tags = slices.Compact(p.Tags)
	if len(p.Tags) > maxTags {
		return Place{}, fault.Errorf(fault.Invalid, "%d tags are too many: at most %d", len(p.Tags), maxTags)
	}
	return p, nil
}

// String is the place as the audit log tells it.
func (p Place) String() string {
	site, tags := "no site", "no tags"
	if p.Site != "" {
		site = "site " + p.Site
	}
	if len(p.Tags) > 0 {
		tags = "tags " + strings.Join(p.Tags, ", ")
	}
	return site + "; " + tags
}

// SetPlace says where a license server stands and what it is for.
func (r *Registrar) SetPlace(ctx context.Context, actor audit.Actor, guid string, p Place) error {
	e := audit.Of(actor, audit.Placed, r.Now(), "")
	e.Detail = p.String()
	return r.Store.SetPlace(ctx, guid, p, e)
}
