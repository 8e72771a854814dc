package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/override"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// Catalog changes what an organisation says of features instead of the catalog; see
// override.Service.
type Catalog interface {
	Set(ctx context.Context, actor audit.Actor, o catalog.Override) error
	Drop(ctx context.Context, actor audit.Actor, key string) error
}

// A catalogPage lists the features of the estate and what they count as.
type catalogPage struct {
	Tabs    []settingsTab
	Version string
	Rows    []catalogRow
}

type catalogRow struct {
	Name, Model, Feature, Said string
	Servers                    int
	Href                       string
}

// catalogPath is where something is said of a feature.
func catalogPath(key string) string { return "/settings/catalog/" + url.PathEscape(key) }

func (c *Console) getCatalog(w http.ResponseWriter, r *http.Request, v visit) error {
	rows, err := c.Usage.Catalog(r.Context(), v.member.Org)
	if err != nil {
		return err
	}
	p := newCatalogPage(rows)
	p.Tabs = settingsTabs(v.member.Role, "/settings/catalog")
	return show(c, w, r, v, look.Shell{Title: "Catalog", Section: "settings"}, c.pages.catalog, http.StatusOK, p)
}

func newCatalogPage(rows []usage.CatalogRow) catalogPage {
	p := catalogPage{Version: catalog.Version()}
	for _, row := range rows {
		p.Rows = append(p.Rows, catalogRow{
			Name: row.Counts.Name, Model: modelWord(row.Counts.Model), Feature: row.Known.Key, Said: saidWords(row),
			Servers: row.Servers, Href: catalogPath(row.Known.Key),
		})
	}
	return p
}

// saidWords say what was said of a feature; nothing where nothing was.
func saidWords(row usage.CatalogRow) string {
	if row.Said.Into != "" {
		return "counts as " + row.Counts.Name
	}
	return override.Words(row.Said)
}

// A featurePage is where something is said of a feature.
type featurePage struct {
	Tabs          []settingsTab
	Feature       string
	Known         string // what the catalog says
	Action        string
	Said          bool
	Error         string
	Name, Edition look.Field
	Models        []optionView
	Into          []optionView
	Hidden        bool
}

func (c *Console) getFeature(w http.ResponseWriter, r *http.Request, v visit) error {
	rows, row, err := c.feature(r, v)
	if err != nil {
		return err
	}
	return c.showFeature(w, r, v, http.StatusOK, newFeaturePage(rows, row, row.Said, ""))
}

func (c *Console) showFeature(w http.ResponseWriter, r *http.Request, v visit, status int, p featurePage) error {
	p.Tabs = settingsTabs(v.member.Role, "/settings/catalog")
	return show(c, w, r, v, look.Shell{Title: p.Feature, Section: "settings"}, c.pages.feature, status, p)
}

// feature returns the row of the feature that an address names, and all.
func (c *Console) feature(r *http.Request, v visit) (rows []usage.CatalogRow, row usage.CatalogRow, err error) {
	if rows, err = c.Usage.Catalog(r.Context(), v.member.Org); err != nil {
		return nil, row, err
	}
	for _, row := range rows {
		if row.Known.Key == r.PathValue("key") {
			return rows, row, nil
		}
	}
	return nil, row, fault.Errorf(fault.NotFound, "no license server has this feature, and nothing is said of it")
}

func newFeaturePage(rows []usage.CatalogRow, row usage.CatalogRow, said catalog.Override, problem string) featurePage {
	known := row.Known
	p := featurePage{
		Feature: known.Key, Known: strings.Join([]string{known.Name, modelWord(known.Model)}, ", "), Action: catalogPath(known.Key),
		Said: row.Said.Key != "", Error: problem, Hidden: said.Hidden,
		Name:    look.Field{Name: "name", Label: "Name", Value: said.Name, Max: 100, Complete: "off", Optional: true, Hint: "Empty: " + known.Name + "."},
		Edition: look.Field{Name: "edition", Label: "Edition", Value: said.Edition, Max: 100, Complete: "off", Optional: true, Hint: "Empty: " + editionWord(known) + "."},
		Models:  []optionView{{"", "As the catalog says: " + modelWord(known.Model), said.Model == ""}},
		Into:    []optionView{{"", "Itself", said.Into == ""}},
	}
	for _, m := range catalog.Models {
		p.Models = append(p.Models, optionView{string(m), modelWord(m), m == said.Model})
	}
	for _, other := range rows {
		if other.Known.Key != known.Key && (other.Said.Into == "" || other.Known.Key == said.Into) {
			p.Into = append(p.Into, optionView{other.Known.Key, other.Counts.Name + " (" + other.Known.Key + ")", other.Known.Key == said.Into})
		}
	}
	return p
}

func editionWord(p catalog.Product) string {
	if p.Edition == "" {
		return "none"
	}
	return p.Edition
}

func (c *Console) postFeature(w http.ResponseWriter, r *http.Request, v visit) error {
	said := catalog.Override{
		Key: r.PathValue("key"), Into: r.PostFormValue("into"), Name: strings.TrimSpace(r.PostFormValue("name")),
		Edition: strings.TrimSpace(r.PostFormValue("edition")), Model: catalog.Model(r.PostFormValue("model")), Hidden: r.PostFormValue("hidden") != "",
	}
	rows, row, err := c.feature(r, v)
	if err != nil {
		return err
	}
	err = c.Catalog.Set(r.Context(), v.actor(), said)
	if kind := fault.KindOf(err); err != nil && (kind == fault.Invalid || kind == fault.Conflict) {
		return c.showFeature(w, r, v, http.StatusUnprocessableEntity, newFeaturePage(rows, row, said, look.Sentence(fault.Message(err))))
	}
	if err != nil {
		return err
	}
	c.tell(r, look.Good, "The catalog is changed. Every figure follows, also those of the past.")
	http.Redirect(w, r, "/settings/catalog", http.StatusSeeOther)
	return nil
}

func (c *Console) postResetFeature(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.Catalog.Drop(r.Context(), v.actor(), r.PathValue("key")); err != nil {
		return err
	}
	c.tell(r, look.Info, "The feature counts as the catalog says again.")
	http.Redirect(w, r, "/settings/catalog", http.StatusSeeOther)
	return nil
}
