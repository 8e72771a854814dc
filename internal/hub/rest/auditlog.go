package rest

import (
	"context"
	"encoding/base64"
	"strconv"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

type auditInput struct {
	Act     string    `query:"act" maxLength:"40"`
	Who     string    `query:"who" maxLength:"254" doc:"A part of the name of who did it."`
	Subject string    `query:"on" maxLength:"254" doc:"A part of what it was done to."`
	From    time.Time `query:"from"`
	To      time.Time `query:"to" doc:"The first instant that is not meant."`
	Limit   int       `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	Cursor  string    `query:"cursor" maxLength:"20" doc:"next of the page before."`
}

// AuditLog is a part of the audit log.
type AuditLog struct {
	Items []Entry `json:"items"`
	Next  string  `json:"next,omitempty" doc:"Give it as cursor to get the next page; not there on the last one."`
}

// audit lists what was done. Entries are never changed, so that the number of the last
// one of a page is where the next one begins, whatever is done meanwhile.
func (s *Server) audit(ctx context.Context, in *auditInput) (*body[AuditLog], error) {
	q := audit.Query{Act: audit.Act(in.Act), Who: in.Who, Subject: in.Subject, From: in.From, To: in.To, Limit: in.Limit + 1}
	if in.Cursor != "" {
		var err error
		if q.Before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || q.Before < 1 {
			return nil, fault.Errorf(fault.Invalid, "the cursor %.20q is none that this list gave", in.Cursor)
		}
	}
	all, err := s.Audit.Entries(ctx, callerOf(ctx).Org, q)
	if err != nil {
		return nil, err
	}
	out := AuditLog{Items: make([]Entry, 0, len(all))}
	if len(all) > in.Limit {
		all = all[:in.Limit]
		out.Next = strconv.FormatInt(all[in.Limit-1].Seq, 10)
	}
	for _, e := range all {
		out.Items = append(out.Items, newEntry(e))
	}
	return &body[AuditLog]{out}, nil
}

// AuditHead is the end of the audit log.
type AuditHead struct {
	Organisation string    `json:"organisation" doc:"Its public id."`
	Entries      int64     `json:"entries" doc:"How many there are: the number of the last one."`
	Head         string    `json:"head" doc:"The hash of the last one, which is of all before it too."`
	At           time.Time `json:"at"`
	Signature    string    `json:"signature" doc:"Ed25519, in Base64, by the hub's witness key."`
}

func (s *Server) auditHead(ctx context.Context, _ *nothing) (*body[AuditHead], error) {
	w, err := s.Witness.Witness(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return &body[AuditHead]{AuditHead{w.Organisation, w.Seq, w.Head.String(), w.At, base64.StdEncoding.EncodeToString(w.Signature)}}, nil
}
