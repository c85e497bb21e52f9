package commands

import (
	"context"
	"maps"
	"strings"

	"muster/incident"
)

// StepForm is the name of the form that asks for a step's values; what it is
// about stands behind it.
const StepForm = "step"

// valueField begins the name of a field that holds a parameter.
const valueField = "value "

// maxChoices is how many choices a list of a form takes.
const maxChoices = 100

// OpenStepForm gives the form of a step, for a call whose text says which:
// "INC-3 critical-service-down 4". A step without parameters is run.
func (c *Commands) OpenStepForm(ctx context.Context, call Call) Reply {
	call.Text = "playbook run " + call.Text
	return finish(c.as(call.By).openStepForm(ctx, call))
}

func (c *Commands) openStepForm(ctx context.Context, call Call) Reply {
	if c.Runbooks == nil {
		return refuse(CodeMissing, "Playbooks are not configured here.")
	}
	l, wrong := parse(call.Text)
	if wrong != nil {
		return *wrong
	}
	x := c.exec(ctx, call, l)
	if wrong := c.locate(x); wrong != nil {
		return *wrong
	}
	if wrong := c.permit(ctx, x.spec, call.By, x.at, call.Now); wrong != nil {
		return *wrong
	}
	x.args.drop(0, 1)
	book, step, given, wrong := c.stepOf(x)
	if wrong != nil {
		return *wrong
	}
	if len(step.Params) == 0 {
		return c.runStep(x, book, step, given)
	}
	values := maps.Clone(x.at.Shelf.Values)
	if values == nil {
		values = map[string]string{}
	}
	maps.Copy(values, given)
	return askForm(x, c.stepForm(x, book, step, values))
}

// stepForm asks for a step's values, filled in with those of before.
func (c *Commands) stepForm(x *exec, book incident.Playbook, step incident.Step, values map[string]string) Form {
	f := Form{
		Name: StepForm + " " + quoted(book.ID) + " " + step.ID, Incident: x.at.ID, Title: shorten(stepTitle(step), 24), Submit: "Run",
	}
	if step.Class == incident.Changing {
		f.Submit = "Preview"
	}
	bound, err := c.Runbooks.Bind(book.ID, step.ID, x.at, values)
	if err == nil {
		values = bound.Values
	}
	for _, p := range step.Params {
		field := Field{Name: valueField + p.Name, Label: p.Title, Kind: KindLine, Max: 1000, Value: values[p.Name]}
		if field.Label == "" {
			field.Label = p.Name
		}
		choices := p.Choices
		if len(choices) == 0 {
			choices = c.Runbooks.Choices(x.ctx, p.Kind, values["namespace"])
			if len(choices) > 0 && p.Kind != "namespace" && values["namespace"] != "" {
				field.Hint = "In the namespace " + values["namespace"]
			}
		}
		if len(choices) > 0 && len(choices) <= maxChoices {
			field.Kind = KindChoice
			for _, v := range choices {
				field.Choices = append(field.Choices, Choice{Value: v, Label: v})
			}
		}
		f.Fields = append(f.Fields, field)
	}
	return f
}

// submitStep asks for the step that a form is about, with the form's values.
func (c *Commands) submitStep(ctx context.Context, f FormSubmission) Reply {
	call := f.Call
	call.Text = "playbook run " + f.Incident + " " + strings.TrimPrefix(f.Name, StepForm+" ")
	if c.Runbooks == nil {
		return refuse(CodeMissing, "Playbooks are not configured here.")
	}
	l, wrong := parse(call.Text)
	if wrong != nil {
		return *wrong
	}
	x := c.exec(ctx, call, l)
	if wrong := c.locate(x); wrong != nil {
		return *wrong
	}
	if wrong := c.permit(ctx, x.spec, call.By, x.at, call.Now); wrong != nil {
		return *wrong
	}
	x.args.drop(0, 1)
	book, step, values, wrong := c.stepOf(x)
	if wrong != nil {
		return *wrong
	}
	for name, v := range f.Values {
		if p, ok := strings.CutPrefix(name, valueField); ok {
			values[p] = strings.TrimSpace(v)
		}
	}
	errs := map[string]string{}
	b, err := c.Runbooks.Bind(book.ID, step.ID, x.at, values)
	if err != nil {
		return c.failed(err, x.at.ID)
	}
	for _, p := range b.Missing {
		errs[valueField+p.Name] = "A value is needed."
	}
	for name, why := range b.Wrong {
		errs[valueField+name] = why
	}
	if len(errs) > 0 {
		return wrongFields(errs, x.at.ID)
	}
	r := c.runStep(x, book, step, values)
	if r.Incident == "" {
		r.Incident = x.at.ID
	}
	return r
}
