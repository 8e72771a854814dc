package console

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/erasure"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// An erasePage asks once more before usage data are deleted for good.
type erasePage struct {
	Error  string
	Rows   []eraseRow
	Secret *look.Field // nil: who asks has signed in just now
	Code   *look.Field // nil: likewise, or he has no second factor
	Again  bool        // one of them is registered and goes on
}

// An eraseRow is a license server whose usage data are to go.
type eraseRow struct {
	GUID, Hosts string
	Name        string
	Status      template.HTML
	Since       template.HTML // registered
	Goes        string        // what happens to it afterwards
	Typed       look.Field
}

// typedName is the field into which the name of a license server is typed.
func typedName(guid string) string { return "name-" + guid }

func (c *Console) getErase(w http.ResponseWriter, r *http.Request, v visit) error {
	chosen, err := c.chosenServers(r, v, r.URL.Query()["server"])
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		c.tell(r, look.Info, "Choose the license servers first whose usage data are to be deleted.")
		http.Redirect(w, r, "/servers", http.StatusSeeOther)
		return nil
	}
	return c.showErase(w, r, v, chosen, http.StatusOK, "")
}

func (c *Console) showErase(w http.ResponseWriter, r *http.Request, v visit, chosen []usage.Server, status int, problem string) error {
	p := erasePage{Error: problem}
	for _, s := range chosen {
		p.Again = p.Again || s.Status != usage.Removed
		p.Rows = append(p.Rows, newEraseRow(v.clock, s, r.PostFormValue(typedName(s.GUID))))
	}
	if !c.fresh(r, v) {
		p.Secret = &look.Field{
			Name: "password", Label: "Your password", Type: "password", Complete: "current-password",
			Hint: "You signed in more than " + look.Length(erasure.Fresh) + " ago.",
		}
	}
	if p.Secret != nil {
		p.Code = codeField(v)
	}
	return show(c, w, r, v, look.Shell{Title: "Delete usage data", Section: "servers"}, c.pages.erase, status, p)
}

func newEraseRow(clock look.Clock, s usage.Server, typed string) eraseRow {
	row := eraseRow{
		GUID: s.GUID, Name: s.Name, Hosts: hostsText(s), Status: statusMark(s), Since: clock.Day(s.Registered),
		Goes:  "It stays registered. What its agent reads from now on is collected anew.",
		Typed: look.Field{Name: typedName(s.GUID), Label: "Type " + s.Name, Value: typed, Max: 300, Complete: "off"},
	}
	if s.Status == usage.Removed {
		row.Goes = "Its registration was removed before: nothing of it is listed any more."
	}
	return row
}

// fresh says whether who asks has shown just now that it is he. Of a demo's guest
// nothing is to be shown.
func (c *Console) fresh(r *http.Request, v visit) bool {
	age := v.clock.Now.Sub(c.proved(r, v))
	return age >= 0 && age <= erasure.Fresh
}

// mustBeFresh refuses who has not.
func (c *Console) mustBeFresh(r *http.Request, v visit) error {
	if c.fresh(r, v) {
		return nil
	}
	return fault.Errorf(fault.Conflict, "nothing was changed: sign out and in again first, so that it is certain that you ask for this")
}

func (c *Console) proved(r *http.Request, v visit) time.Time {
	if _, err := c.Sessions.Member(r.Context()); err != nil && c.guest().ID == v.member.ID {
		return v.clock.Now
	}
	return c.Sessions.Proved(r.Context())
}

// chosenServers are the license servers with some GUIDs, each once, by name.
func (c *Console) chosenServers(r *http.Request, v visit, guids []string) (chosen []usage.Server, err error) {
	if len(guids) > erasure.Most {
		return nil, fault.Errorf(fault.Invalid, "choose at most %d license servers at a time", erasure.Most)
	}
	all, err := c.Usage.Servers(r.Context(), v.member.Org)
	if err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(guids))
	for _, guid := range guids {
		wanted[guid] = true
	}
	for _, s := range all {
		if wanted[s.GUID] {
			chosen = append(chosen, s)
			delete(wanted, s.GUID)
		}
	}
	if len(wanted) > 0 {
		return nil, fault.Errorf(fault.NotFound, "a license server that was chosen is not there any more; go back and choose again")
	}
	return chosen, nil
}

// postErase deletes the usage data of license servers, each by itself: where one
// of them fails, those before it are gone and the page says so.
func (c *Console) postErase(w http.ResponseWriter, r *http.Request, v visit) error {
	chosen, err := c.chosenServers(r, v, r.PostForm["server"])
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		return fault.Errorf(fault.Invalid, "no license server is chosen")
	}
	for _, s := range chosen {
		if strings.TrimSpace(r.PostFormValue(typedName(s.GUID))) != s.Name {
			return c.showErase(w, r, v, chosen, http.StatusUnprocessableEntity, "Type the name of each license server as it stands here. "+s.Name+" is not typed like that.")
		}
	}
	if !c.fresh(r, v) {
		err := c.Accounts.Prove(r.Context(), v.member, r.PostFormValue("password"), r.PostFormValue("code"), v.address)
		switch kind := fault.KindOf(err); {
		case err == nil:
			c.Sessions.SetProved(r.Context())
		case kind == fault.Unauthorized:
			return c.showErase(w, r, v, chosen, http.StatusUnprocessableEntity, look.Sentence(wrongProof(v))+" Nothing was deleted.")
		case kind == fault.TooMany:
			retryAfter(w, err)
			return c.showErase(w, r, v, chosen, statuses[kind], loginProblem(err))
		default:
			return err
		}
	}
	for _, s := range chosen {
		if err := c.Erasure.Delete(r.Context(), v.actor(), s.GUID, c.proved(r, v)); err != nil {
			return err
		}
	}
	c.tell(r, look.Good, "The usage data of "+erasedNames(chosen)+" are deleted for good.")
	http.Redirect(w, r, "/servers", http.StatusSeeOther)
	return nil
}

func erasedNames(chosen []usage.Server) string {
	if len(chosen) == 1 {
		return chosen[0].Name
	}
	return look.Plural(len(chosen), "license server", "license servers")
}
