package usage

import "context"

// A Dossier is all that there is to say of one product: of one moment, so that
// its parts agree.
type Dossier struct {
	Details
	Activity  Activity
	Denials   Denials
	Checkouts Checkouts
}

// Dossier answers everything about one product on the chosen servers. Errors are
// those of Details.
func (s *Service) Dossier(ctx context.Context, org int64, asked Question) (out Dossier, err error) {
	err = s.ask(ctx, org, about(asked.Product), func(e *estate) error {
		p, lines, q, err := e.question(asked)
		if err != nil {
			return err
		}
		if out.Details, err = s.details(e, asked); err != nil {
			return err
		}
		if out.Activity, err = s.activity(ctx, e, p, lines); err != nil {
			return err
		}
		if out.Denials, err = s.denials(ctx, e, lines, q); err != nil {
			return err
		}
		out.Checkouts, err = s.checkouts(ctx, e, lines)
		return err
	})
	return out, err
}
