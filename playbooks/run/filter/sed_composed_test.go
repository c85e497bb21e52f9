package filter

import (
	"math/rand/v2"
	"testing"
)

func (c *composer) sedAddress() string {
	switch c.IntN(6) {
	case 0:
		return c.pick("1 2 3 $ 0~2 1~2 2~0", "0 0~0 99999999999999999999 1~99999999999999999999")
	case 1:
		return c.pick(`/a/ /b/I /é/ // \,a, /^/M`, "/a /[/ \\ /(/I //I")
	case 2:
		return c.pick("1,2 2,/a/ /a/,/b/ /a/,+1 /a/,~2 2,1 $,1 0,/a/ 1,$", "1, ,2 0,2 1,+99999999999999999999 1,~0 1,2~3")
	case 3:
		return "/" + c.pattern() + "/"
	default:
		return ""
	}
}

func (c *composer) sedCommand() string {
	to := c.pick("· · · !", "!!")
	switch c.IntN(14) {
	case 0, 1, 2, 3:
		end := c.pick("/ / | ,", `. + [ ( \ 1 n &`)
		return c.sedAddress() + to + "s" + end + c.pattern() + end + c.sedText() + end + c.pick("· g p gp 2 2g I M Ig", "0 99999999999999999999 w e x gg")
	case 4:
		return c.sedAddress() + to + c.pick(`y/abc/xyz/ y/a\/b/\n\\z/ y,a,é, y/[/x/`, `y/a/ y/a/bc/ y y/\/x/`)
	case 5:
		return c.sedAddress() + to + c.pick("a i c", "a") + c.pick(`·text \text \··text ·x\ty\\ ·one\`, `· \ ;`) + "\n"
	case 6:
		return c.deeper("p", func() string {
			return c.sedAddress() + to + "{" + c.sedCommand() + ";" + c.sedCommand() + c.pick("} ;}", "· }}")
		})
	case 7:
		return c.sedAddress() + to + c.pick("b t T ba ta Ta", "bz b· t}") + "\n"
	case 8:
		return c.pick(":a :b", ": :a} 1:a")
	case 9:
		return c.sedAddress() + to + c.pick("q Q q5", "q999999999999 1,2q w·x r·x e l W·x F")
	default:
		return c.sedAddress() + to + c.pick("d D p P n N g G h H x = z", "dd p· } k")
	}
}

func (c *composer) sedText() string {
	text := ""
	for range c.IntN(4) {
		text += c.pick(`a b & \& \n \t \U& \L& \u& \l \E x\\y [ é`, `\1 \2 \9 \x41 \o101 \d065 \x \c \q &&&&&&&&`)
	}
	return text
}

func (c *composer) sedProgram() string {
	src := ""
	for range 1 + c.IntN(4) {
		c.depth = 0
		src += c.sedCommand() + c.pick("; \n", "} #n")
	}
	return spaced(src)
}

// No sed program makes it panic or run on.
func TestSedComposed(t *testing.T) {
	c := &composer{Rand: rand.New(rand.NewPCG(3, 2))}
	before := "s/a/b/g"
	for range 600 {
		src, in := c.sedProgram(), c.text()
		checkFilter(t, in, "sed", c.one("-n -E -nE -z -e"), src)
		checkFilter(t, in, "sed", src)
		checkFilter(t, in, "sed", c.splice(src, before))
		before = src
	}
}
