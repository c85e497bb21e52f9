package commands

// testPageSpec is a person's own test page: nobody can have another woken by it.
func testPageSpec() spec {
	return spec{
		name: "test-page", aliases: []string{"testpage", "test page", "page test", "page --test"},
		about:    "page yourself over everything you have, as a test",
		usage:    []string{"test-page"},
		more:     "No incident comes of it. What PagerDuty shows resolves once you answer, or after 10 minutes.",
		examples: []string{"test-page"},
		run:      (*Commands).testPage,
	}
}

func (c *Commands) testPage(x *exec) Reply {
	switch {
	case c.TestPage == nil:
		return refuse(CodeMissing, "That needs the running program: send it with ", Code("muster page --test"), ".")
	case !x.args.empty():
		return usage(x.spec, "A test page goes to you alone, and takes no words.")
	}
	r := c.TestPage(x.ctx, x.call.By)
	r.Ephemeral = true
	return r
}
