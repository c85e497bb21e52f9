package commands

// sayable refuses what a playbook's step may not say in the name of whoever
// clicked: to run or approve steps, and to speak for another incident.
func sayable(l line, step string) *Reply {
	if step == "" {
		return nil
	}
	if l.spec.name == "playbook" {
		r := refuse(CodeUsage, "A step neither runs nor approves steps.")
		return &r
	}
	for _, id := range l.ids {
		if id != step {
			r := refuse(CodeUsage, "A step of ", step, " speaks for ", step, ", and not for ", id, ".")
			return &r
		}
	}
	return nil
}
