package filter

import (
	"math/rand/v2"
	"testing"
)

func (c *composer) jqExpr() string {
	return c.deeper(".", func() string {
		switch c.IntN(14) {
		case 0:
			return c.pick(`. .. .a .a.b .a? .[] .[]? .[0] .[-1] .[1:] .[:-1] .["a"] ."é" null true false 1 -2 0.5 "x" "a\(.)b" [] {} $x env input inputs @base64 @json @text`,
				`.[ ."a $y @foo "\u12" .a.[0 $__loc__ $ENV input_line_number ..a "\(" 9999`)
		case 1:
			return "[" + c.jqExpr() + c.pick("] ]? ]|length", ")")
		case 2:
			return "{" + c.pick(`a: (.a): "b": $x, "x\(1)":`, "a") + c.jqExpr() + c.pick("} ,b}", "]")
		case 3:
			return "if " + c.jqExpr() + " then " + c.jqExpr() + c.pick("·else·.·end ·end ·elif·true·then·1·else·2·end", "·")
		case 4:
			return "try " + c.jqExpr() + c.pick("·catch·. ·", "·catch")
		case 5:
			return "reduce " + c.jqExpr() + " as $v (" + c.jqExpr() + "; " + c.jqExpr() + ")"
		case 6:
			return c.pick("foreach·limit(5;.[]?)", "foreach") + " as $v (0; " + c.jqExpr() + "; " + c.jqExpr() + ")"
		case 7:
			return c.jqExpr() + " as " + c.pick("$x [$x,$y] {a:$x} {$x}", "x [$x") + " | " + c.jqExpr()
		case 8:
			return "def f: " + c.jqExpr() + "; " + c.pick("f [f] f|f", "f(1)")
		case 9, 10:
			f := c.pick("map select test sub gsub split splits match capture has in del to_entries from_entries with_entries group_by sort_by min_by unique_by any all flatten range limit first last nth until while repeat recurse walk paths getpath setpath path join ascii implode explode ltrimstr tojson fromjson todate fromdate strftime strptime mktime gmtime tostring tonumber floor sqrt pow log add length utf8bytelength keys values type error not splits ascii_downcase indices index inside contains input halt halt_error transpose combinations limit env getpath tostream fromstream truncate_stream ltrimstr rtrimstr startswith endswith significand gamma frexp ldexp scalb nearbyint trunc format min max unique reverse tojson getpath isvalid error",
				"foo system input_filename $__prog_args debug modulemeta get_search_list")
			args := ""
			for i := range c.IntN(3) {
				if i > 0 {
					args += "; "
				}
				args += c.jqExpr()
			}
			if args != "" {
				return f + "(" + args + ")"
			}
			return f
		default:
			return c.jqExpr() + " " + c.pick("| , + - * / % // == != < <= and or |= += -= *= //= =", "& : ; ?// ..") + " " + c.jqExpr()
		}
	})
}

// No jq program makes it panic or run on.
func TestJQComposed(t *testing.T) {
	c := &composer{Rand: rand.New(rand.NewPCG(3, 3))}
	before := ".a[]"
	for range 400 {
		c.depth = 0
		src := spaced(c.jqExpr())
		in := c.one(`{"a":[1,2,{"b":null}],"x":"é"} [] 1 "a\u0000b" [[[[]]]] {"a"} 1·2·3 nul -0.0 [1,"a",null,true,{"a":{"b":[]}}] {"a":1}·x ""`)
		checkFilter(t, spaced(in), "jq", "--arg", "x", "1", src)
		checkFilter(t, spaced(in), "jq", c.one("-r -c -n -s -R -Rs -j -e --tab -nr"), "--argjson", "x", "[1]", src)
		checkFilter(t, spaced(in), "jq", c.splice(src, before))
		before = src
	}
}
