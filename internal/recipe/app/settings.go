package app

// Environment are the variables of the image with their defaults, for a context with these paths: those of the releases, then the recipe's own.
func (a *App) Environment(s Scope, vendored []string) ([][2]string, error) {
	s.Symbolic = true
	var p Plan
	if err := a.planSources(&p, s, &vendored); err != nil {
		return nil, err
	}
	b := &builder{app: a, scope: s, made: Made{}}
	_, charts := topsOf(vendored)
	if err := b.expand(charts); err != nil {
		return nil, err
	}
	return b.environment(), nil
}

// Uninstalls says whether uninstall=true undoes anything.
func (a *App) Uninstalls() bool {
	for i := range a.Start {
		s := &a.Start[i]
		switch s.Kind() {
		case StepScript, StepRun:
			if s.Undo != "" {
				return true
			}
		default:
			if !s.Keep {
				return true
			}
		}
	}
	return false
}
