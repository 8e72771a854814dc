package usage

import (
	"context"
	"slices"
	"time"

	"headroom/internal/fault"
	"headroom/internal/insight"
	"headroom/internal/license"
)

// Details answers the page of one product. A product or license server that
// does not exist is fault.NotFound; a question that makes no sense is
// fault.Invalid. Chosen servers that do not have the product are left out.
func (s *Service) Details(ctx context.Context, org int64, q Question) (Details, error) {
	e, err := s.estate(ctx, org)
	if err != nil {
		return Details{}, err
	}
	p, err := e.product(q.Product)
	if err != nil {
		return Details{}, err
	}
	lines, err := e.choose(p, q.Servers)
	if err != nil {
		return Details{}, err
	}
	if q, err = e.complete(q, lines); err != nil {
		return Details{}, err
	}
	out := Details{Organisation: e.org, At: e.now, Question: q, Product: p.Product, Now: currentOf(lines)}
	for _, of := range perServer(p.lines) {
		out.All = append(out.All, of[0].server.Server)
	}

	// The windows, the trend of the sum, and one trend for each server.
	each := perServer(lines)
	queries := append(e.windowQueries(p, lines), e.newQuery(p, lines, q.From.Unix(), q.To.Unix()))
	for _, of := range each {
		queries = append(queries, e.newQuery(p, of, q.From.Unix(), q.To.Unix()))
	}
	answers, err := s.answer(ctx, e, queries)
	if err != nil {
		return Details{}, err
	}
	out.Peaks = windows{e: e, days: answers[0], first: answers[1]}.peaks(lines)
	out.Peak = joined(answers[2]).Peak
	out.Trend = e.steps(answers[2], q)
	for i, of := range each {
		out.Servers = append(out.Servers, serverUse(of, answers[3+i]))
	}
	return out, s.share(ctx, e, p, each, &out)
}

// choose returns the lines of the servers with the GUIDs; all, if none is
// named.
func (e *estate) choose(p *product, guids []string) ([]line, error) {
	if len(guids) == 0 {
		return p.lines, nil
	}
	for _, guid := range guids {
		if !slices.ContainsFunc(e.servers, func(s *server) bool { return s.GUID == guid }) {
			return nil, fault.Errorf(fault.NotFound, "there is no license server %q", guid)
		}
	}
	var out []line
	for _, l := range p.lines {
		if slices.Contains(guids, l.server.GUID) {
			out = append(out, l)
		}
	}
	return out, nil
}

// complete fills in what a question leaves open, and cuts it to the time of
// which something can be known: from the first record to now.
func (e *estate) complete(q Question, lines []line) (Question, error) {
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
		return days
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

func serverUse(lines []line, days []insight.Bucket) ServerUse {
	u := ServerUse{Server: lines[0].server.Server, Now: nowOf(lines), Peak: joined(days).Peak}
	for _, l := range lines {
		u.Pools = append(u.Pools, l.pool.Key.String())
	}
	return u
}

// share fills in each server's part of the sum in the second of the common
// peak.
func (s *Service) share(ctx context.Context, e *estate, p *product, each [][]line, d *Details) error {
	if !d.Peak.Known {
		return nil
	}
	var queries []query
	for _, of := range each {
		queries = append(queries, e.newQuery(p, of, d.Peak.At, d.Peak.At+1))
	}
	answers, err := s.answer(ctx, e, queries)
	if err != nil {
		return err
	}
	for i, days := range answers {
		if peak := joined(days).Peak; peak.Known {
			d.Servers[i].Share = license.Of(peak.Value)
		}
	}
	return nil
}
