package console

import (
	"html/template"
	"net/http"
	"strings"

	"headroom/internal/look"
)

// A payloadPage is what has left this machine: the last batch as it was sent,
// and what the agent says of itself when it asks the hub for news.
type payloadPage struct {
	ID, Server string
	Sent       template.HTML
	Size       string
	Text       string // the batch's lines; not all of them if Cut
	Cut        bool
	Poll       string
	Names      []settingView
	Command    string
}

// maxPayload is how much of a batch is shown; the command line shows all.
const maxPayload = 256 << 10

func (c *Console) getPayload(w http.ResponseWriter, r *http.Request, v visit) error {
	got, err := c.Agent.Payload(r.Context())
	if err != nil {
		return err
	}
	st, err := c.Agent.Status(r.Context())
	if err != nil {
		return err
	}
	p := payloadPage{Poll: string(got.Poll), Command: c.command("payload")}
	for _, s := range st.Servers {
		p.Names = append(p.Names, settingView{s.Name, s.Names})
	}
	if b := got.Batch; b != nil {
		var text strings.Builder
		if err := b.WriteText(&text); err != nil {
			return err
		}
		p.ID, p.Server, p.Sent, p.Size, p.Text = b.ID, b.Server, v.clock.Time(b.Sent), size(int64(len(b.Body))), text.String()
		if p.Cut = len(p.Text) > maxPayload; p.Cut {
			p.Text = strings.ToValidUTF8(p.Text[:maxPayload], "")
		}
	}
	return show(c, w, v, look.Shell{Title: "What was sent", Section: "payload"}, c.pages.payload, http.StatusOK, p)
}
