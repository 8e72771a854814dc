package console

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// A filterView is the choice of license servers.
type filterView struct {
	Text     string // what is chosen
	Filtered bool
	Clear    string       // address with all of them
	Sites    []choiceView // where license servers of the product stand
	Tags     []choiceView
	Servers  []filterServer
}

type filterServer struct {
	GUID, Name, Sub string
	Chosen          bool
}

// query reads an address, and finds the license servers of the site and the tag
// that it names.
func (c *Console) query(r *http.Request, v visit) (detailsQuery, error) {
	q, err := readQuery(r)
	if err != nil || q.site == "" && q.tag == "" {
		return q, err
	}
	all, err := c.Usage.Servers(r.Context(), v.member.Org)
	if err != nil {
		return q, err
	}
	for _, s := range all {
		if q.stands(s) {
			q.placed = append(q.placed, s.GUID)
		}
	}
	if len(q.placed) == 0 {
		return q, fault.Errorf(fault.NotFound, "no license server has the site %q and the tag %q", q.site, q.tag)
	}
	return q, nil
}

// stands says whether a license server is one of those that the query names by
// where they stand and what they are for.
func (d detailsQuery) stands(s usage.Server) bool {
	return (d.site == "" || strings.EqualFold(d.site, s.Site)) &&
		(d.tag == "" || slices.ContainsFunc(s.Tags, func(t string) bool { return strings.EqualFold(t, d.tag) })) &&
		(len(d.servers) == 0 || slices.Contains(d.servers, s.GUID))
}

// newFilter is the filter of a page, whose addresses for a query are given.
func newFilter(q detailsQuery, d usage.Details, address func(detailsQuery) string) filterView {
	all := q
	all.servers, all.site, all.tag = nil, "", ""
	f := filterView{
		Clear: address(all), Text: "All license servers",
		Filtered: len(q.servers) > 0 && len(d.Servers) < len(d.All) || q.site != "" || q.tag != "",
	}
	chosen := map[string]bool{}
	for _, s := range d.Servers {
		chosen[s.Server.GUID] = true
	}
	sites, tags := map[string]bool{}, map[string]bool{}
	for _, s := range d.All {
		f.Servers = append(f.Servers, filterServer{
			GUID: s.GUID, Name: s.Name, Sub: serverSub(s), Chosen: !f.Filtered || chosen[s.GUID],
		})
		if s.Site != "" {
			sites[s.Site] = true
		}
		for _, tag := range s.Tags {
			tags[tag] = true
		}
	}
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		to := all
		to.site = site
		f.Sites = append(f.Sites, choiceView{site, address(to), strings.EqualFold(site, q.site)})
	}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		to := all
		to.tag = tag
		f.Tags = append(f.Tags, choiceView{tag, address(to), strings.EqualFold(tag, q.tag)})
	}
	if f.Filtered {
		f.Text = look.Number(int64(len(d.Servers))) + " of " + look.Plural(len(d.All), "license server", "license servers")
		for _, part := range []string{q.site, q.tag} {
			if part != "" {
				f.Text = part + ": " + f.Text
			}
		}
	}
	return f
}

// serverSub says under a license server's name how and where it stands.
func serverSub(s usage.Server) string {
	return joined(append([]string{statusWord(s)}, placeOf(s)...))
}

// placeOf is the site of a license server, if any, and its tags.
func placeOf(s usage.Server) []string {
	if s.Site == "" {
		return s.Tags
	}
	return append([]string{s.Site}, s.Tags...)
}
