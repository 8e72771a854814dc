package console

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"headroom/internal/agent"
	"headroom/internal/agent/upload"
	"headroom/internal/look"
	"headroom/internal/wire"
)

// An overviewPage is how everything stands.
type overviewPage struct {
	Sharing, Registered bool
	Organisation        string
	Hub                 string
	Last, Next          template.HTML
	Failure             string
	Clock               string // how far this machine's is from the hub's; empty if near
	Spool               spoolView
	Servers             []serverView
}

// A spoolView is what is kept on this machine.
type spoolView struct {
	Waiting, Ready, Sent, Bad, Lost string
	Oldest                          template.HTML
	Room                            string
	Trouble                         bool // something was set aside, or found no room
}

// A serverView is a license server that this agent reads.
type serverView struct {
	Name, Reader, Every, Names string
	State, Hub, Last           template.HTML
	Reason                     string
	Sources                    []sourceView
}

type sourceView struct {
	Name, Text string
	State      template.HTML
}

func (c *Console) getOverview(w http.ResponseWriter, r *http.Request, v visit) error {
	st, err := c.Agent.Status(r.Context())
	if err != nil {
		return err
	}
	return show(c, w, v, look.Shell{Title: "Overview", Section: "overview"}, c.pages.overview, http.StatusOK, newOverviewPage(v.clock, st))
}

func newOverviewPage(clock look.Clock, st agent.Status) overviewPage {
	p := overviewPage{
		Sharing: st.Sharing, Registered: st.Registration.State == wire.RegistrationConfirmed, Organisation: st.Registration.Organisation,
		Hub: st.Hub, Last: clock.Age(st.LastUpload), Next: clock.Age(st.NextUpload), Failure: st.Failure,
		Spool: spoolView{
			Waiting: look.Plural(st.Spool.Waiting, "record", "records"), Ready: look.Plural(st.Spool.Ready, "batch", "batches"),
			Sent: look.Plural(st.Spool.Sent, "batch", "batches"), Bad: look.Plural(st.Spool.Bad, "file", "files"), Lost: look.Plural(st.Spool.Lost, "record", "records"),
			Oldest: clock.Age(st.Spool.Oldest), Trouble: st.Spool.Bad > 0 || st.Spool.Lost > 0,
			Room: fmt.Sprintf("%s of %s", size(st.Spool.Bytes), size(st.Spool.Budget)),
		},
	}
	if ahead := st.ClockAhead; ahead.Abs() >= time.Minute {
		word := "ahead of"
		if ahead < 0 {
			word = "behind"
		}
		p.Clock = "The hub's clock is " + look.Length(ahead.Abs()) + " " + word + " this machine's."
	}
	for _, s := range st.Servers {
		p.Servers = append(p.Servers, newServer(clock, s))
	}
	return p
}

func newServer(clock look.Clock, s agent.ServerStatus) serverView {
	out := serverView{
		Name: s.Name, Reader: s.Reader, Every: look.Length(s.Interval), Names: s.Names, Reason: s.Reason, Last: clock.Age(s.LastGood), Hub: atHub(s.Hub),
	}
	switch {
	case s.Tried.IsZero():
		out.State = look.Status(look.Mute, "Not read yet")
	case !s.OK:
		out.State = look.Status(look.Bad, "Not read")
	case s.Reason != "":
		out.State = look.Status(look.Warn, "Read in part")
	default:
		out.State = look.Status(look.Good, "Read")
	}
	for _, source := range s.Sources {
		out.Sources = append(out.Sources, newSource(clock, source))
	}
	return out
}

func newSource(clock look.Clock, s agent.SourceStatus) sourceView {
	out := sourceView{Name: s.Name, State: look.Status(look.Good, "Read"), Text: "asked " + clock.AgeText(s.Asked)}
	switch {
	case s.Failure != "":
		out.State, out.Text = look.Status(look.Bad, "Not read"), out.Text+": "+s.Failure
	case s.Absent:
		out.State = look.Status(look.Mute, "Not there")
	case s.Age > 0:
		out.Text += ", with data " + look.Length(s.Age) + " old"
	}
	if s.Remark != "" {
		out.Text += "; " + s.Remark
	}
	return out
}

func atHub(state string) template.HTML {
	switch state {
	case wire.ServerApproved:
		return look.Status(look.Good, "Approved")
	case "":
		return look.Status(look.Mute, "Not known")
	}
	return look.Status(look.Warn, sentenceCase(state))
}

// postShare switches the sending of usage.
func (c *Console) postShare(w http.ResponseWriter, r *http.Request, v visit) error {
	on := r.PostFormValue("sharing") == "on"
	if err := c.Agent.Share(r.Context(), on); err != nil {
		return err
	}
	text := "Sharing is off: nothing is sent. Readings go on and are kept."
	if on {
		text = "Sharing is on. Nothing is sent before this agent is registered."
		if st, err := c.Agent.Status(r.Context()); err == nil && st.Registration.State == wire.RegistrationConfirmed {
			text = "Sharing is on, with " + st.Registration.Organisation + "."
		}
	}
	c.done(w, r, v, look.Good, text)
	return nil
}

// uploadPause is how long after an upload another one is not made: somebody
// has clicked twice.
const uploadPause = time.Minute

// postUpload sends at once all that waits. Whoever clicks while that is under
// way gets its outcome.
func (c *Console) postUpload(w http.ResponseWriter, r *http.Request, v visit) error {
	// The next click ends this request, and not the upload.
	text, err := c.updateNow(context.WithoutCancel(r.Context()))
	if err != nil {
		return err
	}
	c.done(w, r, v, look.Good, text)
	return nil
}

func (c *Console) updateNow(ctx context.Context) (string, error) {
	c.upload.Lock()
	defer c.upload.Unlock()
	st, err := c.Agent.Status(ctx)
	if err != nil {
		return "", err
	}
	if ago := c.Now().Sub(st.LastUpload); st.Sharing && st.Registration.State == wire.RegistrationConfirmed && ago >= 0 && ago < uploadPause {
		return fmt.Sprintf("Done %d s ago. Another upload can be asked for a minute after the one before.", int(ago.Seconds())), nil
	}
	report, err := c.Agent.Upload(ctx)
	if err != nil {
		return "", err
	}
	return sentText(report), nil
}

func sentText(r upload.Report) string {
	text := "Sent " + look.Plural(r.Batches, "batch", "batches") + " with " + look.Plural(r.Records, "record", "records") + "."
	if r.Batches == 0 {
		text = "There was nothing to send: the hub has all that was read."
	}
	if r.Refused > 0 {
		text += " The hub refused " + look.Plural(r.Refused, "batch", "batches") + ", which were set aside; the agent's log says why."
	}
	return text
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return look.Decimal(float64(n)/(1<<20)) + " MiB"
	case n >= 1<<10:
		return look.Number(n>>10) + " KiB"
	}
	return look.Plural(int(n), "byte", "bytes")
}
