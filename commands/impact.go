package commands

import (
	"fmt"
	"math"
	"strconv"

	"muster/incident"
)

// Noticed says in one line what users noticed.
func Noticed(e incident.ImpactCounted) string {
	failed := math.Round(e.Failed)
	switch all := math.Round(e.All); {
	case failed < 1:
		return "no request failed"
	case all >= failed:
		return fmt.Sprintf("%s of %s requests failed (%s)", thousands(failed), thousands(all), percent(failed/all))
	case failed == 1:
		return "1 request failed"
	default:
		return thousands(failed) + " requests failed"
	}
}

func percent(share float64) string {
	if share < 0.001 {
		return "less than 0.1 %"
	}
	return strconv.FormatFloat(share*100, 'f', 1, 64) + " %"
}

// thousands writes a whole number in groups of three digits.
func thousands(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
