package filter

import (
	"math/rand/v2"
	"testing"
)

func (c *composer) awkExpr() string {
	return c.deeper("x", func() string {
		switch c.IntN(18) {
		case 0:
			return c.number()
		case 1, 2:
			return `"` + c.pick(`a b , \n \\ \\\\ \" %d %s %5.2f %*d %-*.*s %c %% %z % %.*g %+x%o %i & \\& \\\\& \\1 é \033 \1 ^a|b$ 0 -1 x1 1e9 %Y-%m`, `( [ %99999d %.99999f %99999Y %E \ " +`) + `"`
		case 3:
			return "/" + c.pattern() + "/"
		case 4, 5:
			return "$" + c.pick("0 1 2 NF x ++i i++ (NF-1) NF*2 $1 $$0 99999", "-1 100001 1e9 1e300 (-1)")
		case 6, 7:
			return c.pick("x y NF NR FNR FS OFS ORS RS SUBSEP CONVFMT OFMT RSTART RLENGTH ENVIRON length", "IGNORECASE a getline if")
		case 8:
			return "a[" + c.awkExpr() + c.pick(`] ,"x"] ,1]`, `·`)
		case 9:
			return c.pick("++ --", "$") + c.awkPlace()
		case 10:
			return c.pick("- + ! - !!", "$ ++") + "(" + c.awkExpr() + ")"
		case 11:
			return "(" + c.awkPlace() + c.pick("= += -= *= /= %= ^=", "== **=") + c.awkExpr() + ")"
		case 12:
			return "(" + c.awkExpr() + c.pick(") ,1)·in·a )·in·a", ")) , ,1)")
		case 13:
			return "(" + c.awkExpr() + " ? " + c.awkExpr() + " : " + c.awkExpr() + ")"
		case 14, 15, 16:
			f := c.pick("length substr index split sub gsub match sprintf tolower toupper int sqrt exp log sin cos atan2 rand srand strftime gensub fflush", "system close getline foo systime")
			least, most := 0, 3
			if takes, ok := awkFunctions[f]; ok {
				least, most = takes[0], min(takes[1], 4)
			}
			args := ""
			for i := range least + c.IntN(most-least+1) + c.IntN(60)/59 {
				if i > 0 {
					args += ", "
				}
				switch {
				case f == "split" && i == 1:
					args += c.pick("a b", "x+1 1")
				case f == "strftime":
					args += c.pick(`"%a%e%10Y%%" 0 1e9 -1e10 "%E%-d%:z%N"`, "1e300 x")
				default:
					args += c.awkExpr()
				}
			}
			return f + "(" + args + ")"
		default:
			return "(" + c.awkExpr() + c.pick("· · + - * / % ^ ** == != < <= > >= ~ !~ && || ,1)·in·a)·(", ", | & =") + c.awkExpr() + ")"
		}
	})
}

func (c *composer) awkPlace() string {
	return c.pick("x y $0 $1 $NF NF a[1] a[x] a[x,y] a[i++] $(NF+2) FS RS OFS ORS", "NR CONVFMT OFMT SUBSEP $100000 $-1 1 (x) length $1e9")
}

func (c *composer) awkStmt() string {
	return c.deeper("x++", func() string {
		switch c.IntN(16) {
		case 0:
			return "if (" + c.awkExpr() + ") " + c.awkStmt() + c.pick("; \n", "} else") + " else " + c.awkStmt()
		case 1:
			return "while (" + c.awkExpr() + ") " + c.awkStmt()
		case 2:
			return "do { " + c.awkStmt() + " } while (" + c.awkExpr() + ")"
		case 3:
			return "for (" + c.pick("i=0 x=y", "; 1 if") + ";" + c.pick("i<3 1 x<9", "; ;1") + "; i++) { " + c.awkStmt() + "; " + c.pick("break continue x++", "next exit") + " }"
		case 4:
			return "for (" + c.pick("k NF NR k", "if $1 1") + " in " + c.pick("a a b", "NF if 1") + ") " + c.awkStmt()
		case 5:
			return c.pick("exit exit·1 exit·x exit·-1 x next", "break continue return getline exit·1e300 next")
		case 6:
			return "delete " + c.pick("a a[1] a[x,1] b", "a[ NF if 1")
		case 7:
			return "{ " + c.awkStmt() + "; " + c.awkStmt() + c.pick("}", "}} ;")
		case 8, 9:
			return "print " + c.pick("· x,", "(1,2), (1,2) >") + c.awkExpr() + c.pick("· ,x ,1", ">x |x >>x , (1,2)")
		case 10, 11:
			return "printf " + c.awkExpr() + ", " + c.awkExpr() + ", " + c.awkExpr()
		default:
			return c.awkExpr()
		}
	})
}

func (c *composer) awkProgram() string {
	src := ""
	for range 1 + c.IntN(3) {
		c.depth = 0
		src += c.pick("BEGIN END · · /a/ NR==1 NR==1,/b/", "function·f(x) BEGIN,END") + " { " + c.awkStmt() + "; " + c.awkStmt() + c.pick("}", "· }}") + c.pick("\n ; ·", "} #")
	}
	return spaced(src)
}

// No awk program makes it panic or run on.
func TestAwkComposed(t *testing.T) {
	c := &composer{Rand: rand.New(rand.NewPCG(3, 1))}
	before := "{print $1}"
	for range 400 {
		src := c.awkProgram()
		in := c.text()
		checkFilter(t, in, "awk", src)
		checkFilter(t, in, "awk", c.splice(src, before))
		c.depth = 0
		checkFilter(t, in, "awk", c.one("-F -v"), c.one(`t x=1 x= x NF=3 RS= RS=ab FS=[ , | [ \ \| a* . FS=\ x=\ x=\" NR=1e300 CONVFMT=%s`), src)
		before = src
	}
}
