package usage

import (
	"context"
	"time"

	"headroom/internal/fault"
	"headroom/internal/insight"
	"headroom/internal/license"
)

// Details answers the page of one product. A product or license server that
// does not exist is fault.NotFound; a question that makes no sense is
// fault.Invalid. Chosen servers that do not have the product are left out.
func (s *Service) Details(ctx context.Context, org int64, q Question) (out Details, err error) {
	err = s.ask(ctx, org, about(q.Product), func(e *estate) error {
		out, err = s.details(e, q)
		return err
	})
	return out, err
}

func (s *Service) details(e *estate, q Question) (out Details, err error) {
	p, lines, q, err := e.question(q)
	if err != nil {
		return Details{}, err
	}
	out = Details{Organisation: e.org, At: e.now, Question: q, Product: p.Product, Now: currentOf(lines)}
	for _, of := range perServer(p.lines) {
		out.All = append(out.All, of[0].server.Server)
	}
	if out.Peaks, err = s.peaks(e, p.Key, lines); err != nil {
		return Details{}, err
	}
	days, err := s.trend(e, p.Key, lines, q.From.Unix(), q.To.Unix())
	if err != nil {
		return Details{}, err
	}
	whole := joined(days)
	out.Peak, out.Levels, out.Trend = whole.Peak, whole.Levels, e.steps(days, q)
	if out.Imported, err = s.imported(e, lines); err != nil {
		return Details{}, err
	}
	out.Changes = e.changes(p, lines)
	out.Servers, err = s.serverUses(e, lines, q, out.Peak)
	return out, err
}

// serverUses returns each server's part, by name.
func (s *Service) serverUses(e *estate, lines []*line, q Question, common insight.Peak) (out []ServerUse, err error) {
	scratch := s.memory.scratches(1)
	defer s.memory.giveBack(scratch)
	own := s.ownFigures(e, insight.Span{From: q.From.Unix(), To: q.To.Unix()}, scratch[0])
	for _, of := range perServer(lines) {
		u := ServerUse{Server: of[0].server.Server}
		for _, l := range of {
			if u.Pools = append(u.Pools, l.pool.Key.String()); l.with != nil {
				u.With = l.with.Name
			}
		}
		of = alone(of)
		u.Now = nowOf(of)
		if u.Peak, u.Check, err = own.of(of); err != nil {
			return nil, err
		}
		if common.Known {
			share, err := insight.At(e.reader, scratch[0], tracksOf(of), common.At)
			if err != nil {
				return nil, err
			}
			if share.Known {
				u.Share = license.Of(share.Value)
			}
		}
		out = append(out, u)
	}
	return out, nil
}

// question finds what a question is about, and completes it.
func (e *estate) question(q Question) (p *product, lines []*line, full Question, err error) {
	if p, err = e.product(q.Product); err != nil {
		return nil, nil, q, err
	}
	if lines, err = e.choose(p, q.Servers); err != nil {
		return nil, nil, q, err
	}
	full, err = e.complete(q, lines)
	return p, lines, full, err
}

// Peak answers with the highest use of the chosen servers over the span, and
// nothing else. Errors are those of Details.
func (s *Service) Peak(ctx context.Context, org int64, q Question) (out insight.Peak, err error) {
	err = s.ask(ctx, org, about(q.Product), func(e *estate) error {
		p, lines, q, err := e.question(q)
		if err != nil {
			return err
		}
		out, err = s.peak(e, p.Key, lines, insight.Span{From: q.From.Unix(), To: q.To.Unix()})
		return err
	})
	return out, err
}

// Trend answers with the use of the chosen servers step by step, and nothing
// else. Errors are those of Details.
func (s *Service) Trend(ctx context.Context, org int64, q Question) (out []insight.Bucket, err error) {
	err = s.ask(ctx, org, about(q.Product), func(e *estate) error {
		p, lines, q, err := e.question(q)
		if err != nil {
			return err
		}
		days, err := s.trend(e, p.Key, lines, q.From.Unix(), q.To.Unix())
		out = e.steps(days, q)
		return err
	})
	return out, err
}

// choose returns the lines of the servers with the GUIDs; all, if none is
// named.
func (e *estate) choose(p *product, guids []string) ([]*line, error) {
	if len(guids) == 0 {
		return p.lines, nil
	}
	lines := alone(p.lines)
	chosen := make([]bool, len(e.servers))
	for _, guid := range guids {
		s, ok := e.byGUID[guid]
		if !ok {
			return nil, fault.Errorf(fault.NotFound, "there is no license server %q", guid)
		}
		chosen[s.place] = true
	}
	out := make([]*line, 0, min(len(guids), len(lines)))
	for _, l := range lines {
		if chosen[l.server.place] {
			out = append(out, l)
		}
	}
	return entitled(e.reader.past, out), nil
}

// complete fills in what a question leaves open, and cuts it to the time of
// which something can be known: from the first record to now.
func (e *estate) complete(q Question, lines []*line) (Question, error) {
	switch q.Step {
	case "":
		q.Step = ByDay
	case ByDay, ByMonth, ByYear:
	default:
		return q, fault.Errorf(fault.Invalid, "step %q is not known; use %s, %s or %s", q.Step, ByDay, ByMonth, ByYear)
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return q, fault.Errorf(fault.Invalid, "the span from %s to %s is empty", q.From.Format(time.RFC3339), q.To.Format(time.RFC3339))
	}
	begin, now := e.now, e.now.Truncate(time.Second)
	if f := first(lines); f > 0 {
		begin = time.Unix(e.dayStart(f), 0)
	}
	if q.From.IsZero() || q.From.Before(begin) {
		q.From = begin
	}
	if q.To.IsZero() || q.To.After(now) {
		q.To = now
	}
	if q.From.After(q.To) {
		q.From = q.To
	}
	q.From, q.To = q.From.In(e.org.Zone), q.To.In(e.org.Zone)
	return q, nil
}

// steps joins local days to the steps that the question asks for.
func (e *estate) steps(days []insight.Bucket, q Question) []insight.Bucket {
	var spans []insight.Span
	switch q.Step {
	case ByMonth:
		spans = insight.Months(q.From, q.To, e.org.Zone)
	case ByYear:
		spans = insight.Years(q.From, q.To, e.org.Zone)
	default:
		return dayLevels(days)
	}
	out := make([]insight.Bucket, 0, len(spans))
	for _, s := range spans {
		n := 0
		for n < len(days) && days[n].From < s.To {
			n++
		}
		out = append(out, insight.Join(days[:n]))
		days = days[n:]
	}
	return out
}
